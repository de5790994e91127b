"""Answers of the Hub that lead astray, or never come."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_stand_in import Hub, serve

from monoglot.data import hub
from monoglot.data.hub import DamagedFileError, Repository, fetch
from monoglot.errors import UserError

COMMIT = "a" * 40
NAMES = Repository("datasets", "someone/names", COMMIT)
CONTENT = b"Kundi O\n"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub, and a cache of this test's own."""
    from huggingface_hub import constants

    with serve(Hub({"datasets/someone/names": {COMMIT: {"a.txt": CONTENT}}})) as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.address)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE
        where = found.address + template[template.index("/{repo_id}") :]
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", where)
        monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", where)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield found


def with_header(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Let all answers of the stand-in have a header."""
    from http.server import BaseHTTPRequestHandler

    send = BaseHTTPRequestHandler.send_header

    def changed(self: BaseHTTPRequestHandler, key: str, old: str) -> None:
        send(self, key, value if key == name else old)

    monkeypatch.setattr(BaseHTTPRequestHandler, "send_header", changed)


def fetched(path: str) -> Path:
    return fetch(NAMES, path, False)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ETag", '"../../../../x"'),
        ("ETag", '"{tmp}/x"'),
        ("ETag", '"a/b"'),
        ("ETag", '".."'),
        ("X-Repo-Commit", "../../../x"),
    ],
)
def test_no_answer_names_a_file_outside_the_cache(served, tmp_path, monkeypatch, header, value):
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    with_header(monkeypatch, header, value.replace("{tmp}", str(tmp_path)))
    with pytest.raises(UserError, match=f"its answer has {header}: .*, which is no name of a file"):
        fetched("a.txt")
    found = {file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".lock"}
    assert found == before


def test_where_the_answer_has_no_hash_that_of_the_list_counts(served, monkeypatch, caplog):
    with_header(monkeypatch, "ETag", '"1-5f3a"')
    caplog.set_level(logging.WARNING)
    assert fetched("a.txt").read_bytes() == CONTENT
    assert not caplog.records


def test_other_bytes_under_a_name_that_is_no_hash_are_found(served, monkeypatch):
    with_header(monkeypatch, "ETag", '"1-5f3a"')
    path = fetched("a.txt")
    path.resolve().write_bytes(b"Borg  O\n")
    with pytest.raises(DamagedFileError, match=r"a\.txt has the hash"):
        fetched("a.txt")


def test_without_a_hash_and_a_list_it_is_said_that_nothing_was_compared(
    served, monkeypatch, caplog
):
    def none(*_: object) -> None:
        raise UserError("no list")

    with_header(monkeypatch, "ETag", '"1-5f3a"')
    monkeypatch.setattr(hub, "matching", none)
    fetched("a.txt")
    assert "a.txt was not compared with the published hash (no list)" in caplog.text


def test_a_server_that_stays_silent_is_not_waited_for(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from monoglot.data import hub\n"
        "hub.SECONDS_TO_ANSWER = 0.5\n"
        "try:\n"
        f"    hub.listing(hub.Repository('datasets', 'someone/names', {COMMIT!r}), '')\n"
        "except hub.UserError as error:\n"
        "    print(error)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path)}
        environment |= {"HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert "the Hub cannot be reached" in run.stdout, run.stderr
