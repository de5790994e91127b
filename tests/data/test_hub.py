"""Data sets of the Hub, from a stand-in on the loopback interface and from the cache alone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import pytest
from hub_stand_in import Hub, serve

from monoglot.data.hub import Repository
from monoglot.data.parquet import read_examples, read_texts
from monoglot.data.readers import SPLITS, TaggedExample
from monoglot.errors import UserError

ROOT = Path(__file__).parents[2]
OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def repository(folder: Path, first: str) -> dict[str, bytes]:
    """A data set in the layout of WikiANN on the Hub: tags are numbers with names."""
    tags = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    texts = datasets.Value("string")
    features = {"tokens": datasets.List(texts), "ner_tags": datasets.List(tags), "content": texts}
    rows = {"tokens": [[first, "Borg"]], "ner_tags": [[1, 2]], "content": [first]}
    data = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    data.to_parquet(folder / "data.parquet")
    content = (folder / "data.parquet").read_bytes()
    files = {f"mt/{name}-0.parquet": content for name in HUB_SPLITS.values()}
    return {"swa/a.txt": b"Kundi O\n", **files}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    revisions = {OLD: repository(folder, "Pawlu"), NEW: repository(folder, "Marija")}
    with serve(Hub({"datasets/someone/names": revisions})) as hub:
        yield hub.address


@pytest.fixture
def read(tmp_path: Path, hub: str):
    """Return `read(script, source, online)`: run a reading command with a cache of its own."""

    def run(script: str, source: dict, online: bool = True) -> subprocess.CompletedProcess:
        task = ["--kind", "tagging", "--scheme", "iob2", "--labels", "PER"]
        options = ["--source", json.dumps(source), "--out", tmp_path / "out"]
        if script == "read_task":
            options += task
        environment = {"PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "cache")}
        environment |= {"HF_ENDPOINT": hub} if online else {"HF_HUB_OFFLINE": "1"}
        environment |= {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, ROOT / f"scripts/{script}.py", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def files(revision: str) -> dict:
    names = {split: f"mt/{name}-0.parquet" for split, name in HUB_SPLITS.items()}
    where = {"hub": "someone/names", "revision": revision}
    return {**where, "format": "parquet", "files": names, "fields": {"tags": "ner_tags"}}


def test_the_pinned_revision_is_read_with_and_without_the_hub(tmp_path, read) -> None:
    old = [TaggedExample(("Pawlu", "Borg"), ("B-PER", "I-PER"))]
    new = [TaggedExample(("Marija", "Borg"), ("B-PER", "I-PER"))]
    for online in (True, False):
        for revision, expected in ((OLD, old), (NEW, new)):
            done = read("read_task", files(revision), online)
            assert done.returncode == 0, done.stderr
            assert read_examples(tmp_path / "out", "dev", TaggedExample) == expected
            (tmp_path / "out").unlink()


def test_without_hub_and_cache_the_ways_on_are_named(tmp_path, read) -> None:
    failed = read("read_task", files(OLD), online=False)
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1
    assert "connect to the Hub once" in failed.stderr
    assert "point `data` to a local folder" in failed.stderr
    assert not (tmp_path / "out").exists()


def test_published_files_and_text_from_the_hub(tmp_path, read) -> None:
    where = {"hub": "someone/names", "revision": OLD}
    task = {**where, "format": "token_tag", "files": dict.fromkeys(SPLITS, "swa/a.txt")}
    assert read("read_task", task).returncode == 0
    assert read_examples(tmp_path / "out", "test", TaggedExample) == [
        TaggedExample(("Kundi",), ("O",))
    ]
    text = {**where, "format": "parquet", "files": ["mt/train-0.parquet", "mt/test-0.parquet"]}
    assert read("read_text", text).returncode == 0
    assert list(read_texts(tmp_path / "out")) == ["Pawlu", "Pawlu"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({**files(OLD), "files": dict.fromkeys(SPLITS, "mt/x*")}, "has no file mt/x*"),
        ({**files(OLD), "files": dict.fromkeys(SPLITS, "*/x")}, "a wildcard in a folder's name"),
        ({**files(OLD), "files": dict.fromkeys(SPLITS, "x")}, "has no file x"),
        (files(OTHER), "there is no such revision of this data set"),
        ({**files(OLD), "hub": "no/where"}, "there is no such data set on the Hub"),
        (
            {**files(OLD), "url": "http://127.0.0.1"},
            "or url with them",
        ),
    ],
)
def test_what_the_hub_lacks_is_named(read, source: dict, message: str) -> None:
    failed = read("read_task", source)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert len(failed.stderr.splitlines()) == 1
    assert message in failed.stderr


@pytest.mark.parametrize("revision", [None, "main", "A" * 40, "a" * 39])
def test_a_revision_must_be_a_whole_commit(revision: str | None) -> None:
    with pytest.raises(UserError, match="must be the 40 hexadecimal digits of a commit"):
        Repository("datasets", "someone/names", revision)
