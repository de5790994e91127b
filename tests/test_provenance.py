"""What jobs write of where their results came from."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest

from monoglot import provenance
from monoglot.errors import UserError
from monoglot.files import sha256
from monoglot.fingerprint import ROOT, code_of

SCRIPT = str(ROOT / "scripts" / "trim_vocab.py")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder `results` in which `new/` was made from `old/`."""
    old, new = tmp_path / "results" / "old", tmp_path / "results" / "new"
    old.mkdir(parents=True)
    (old / "config.json").write_text("{}")
    (old / ".hidden").write_text("not a file of the checkpoint")
    (old / "README.md").write_text("its card, which may be made anew at any time")
    arguments = Namespace(parent=old, out=new, size=400, tokens=[old])
    with provenance.of_folder(SCRIPT, arguments, [old, tmp_path / "nowhere"]):
        new.mkdir()
        (new / "config.json").write_text("[]")
    return tmp_path / "results"


def test_script_arguments_and_hashes_are_written(made):
    said = json.loads((made / "new" / "provenance.json").read_text())
    assert said["script"] == "scripts/trim_vocab.py"
    assert said["code"] == code_of("scripts/trim_vocab.py")
    assert said["inputs"] == {"../old/config.json": sha256(made / "old" / "config.json")}
    assert said["outputs"] == {"config.json": sha256(made / "new" / "config.json")}
    assert said["arguments"]["size"] == 400
    assert said["arguments"]["tokens"] == [str(made / "old")]
    assert said["versions"]["torch"]
    assert said["hardware"]["cores"] >= 1
    assert said["cpu_seconds"] >= 0
    assert said["gpu_joules"] is None


def test_it_is_found_from_the_file_after_a_move(made, tmp_path):
    moved = shutil.move(made, tmp_path / "elsewhere and ö")
    path, said = provenance.provenance_of(moved / "new" / "config.json")
    assert path == moved / "new" / "provenance.json"
    assert any(
        path.parent.joinpath(name).samefile(moved / "old" / "config.json")
        for name in said["inputs"]
    )


def test_a_file_that_no_job_made_has_none(made):
    assert provenance.provenance_of(made / "old" / "config.json") is None


def test_a_job_that_fails_writes_nothing(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ZeroDivisionError), provenance.of_folder(SCRIPT, Namespace(out=out), []):
        raise ZeroDivisionError
    assert not out.exists()


def test_of_several_processes_the_first_writes(tmp_path, monkeypatch):
    for rank, written in (("1", False), ("0", True)):
        monkeypatch.setenv("RANK", rank)
        with provenance.of_file(SCRIPT, Namespace(out=tmp_path / "table1.csv"), []):
            pass
        assert (tmp_path / "table1.provenance.json").exists() == written


@pytest.mark.parametrize("text", ["", "[]", "{", '{"script": 1}'])
def test_a_damaged_file_is_named(made, text):
    path = made / "new" / "provenance.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"new/provenance\.json: "):
        provenance.provenance_of(made / "new" / "config.json")


@pytest.mark.parametrize("odd", [{"cpu": []}, {"cores": "2"}, {"gpu": 0}])
def test_hardware_that_is_none_is_refused(made, odd):
    file = made / "new" / "provenance.json"
    said = json.loads(file.read_text())
    said["hardware"] |= odd
    file.write_text(json.dumps(said))
    with pytest.raises(UserError, match=f"for want of hardware.{next(iter(odd))}"):
        provenance.read(file)
