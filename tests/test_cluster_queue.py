"""Without a cluster; tests/slurm has the same with one."""

import pytest

from monoglot.cluster import note_run, stop_earlier_runs
from monoglot.errors import UserError


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Return a folder that all commands come from."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def notes(tmp_path):
    file = tmp_path / "results" / "unfinished" / "slurm_runs.txt"
    note_run(file, "one")
    note_run(file, "two")
    return file


def test_runs_are_noted_line_by_line(notes):
    assert notes.read_text() == "one\ntwo\n"


def test_where_there_is_no_slurm_nothing_is_asked_and_notes_stay(notes, commands):
    assert stop_earlier_runs(notes) == []
    assert notes.read_text() == "one\ntwo\n"


def test_where_slurm_does_not_answer_the_way_out_is_said(notes, commands):
    (commands / "squeue").write_text(
        "#!/bin/sh\necho Unable to contact slurm controller >&2\nexit 1"
    )
    (commands / "squeue").chmod(0o755)
    with pytest.raises(UserError, match=f"Unable to contact.*start it again.*remove {notes}"):
        stop_earlier_runs(notes)
    assert notes.is_file()


def test_what_has_ended_is_forgotten(notes, commands):
    (commands / "squeue").write_text("#!/bin/sh\n")
    (commands / "squeue").chmod(0o755)
    assert stop_earlier_runs(notes) == []
    assert notes.read_text() == ""
