"""Files that are whole or absent."""

import errno
import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from monoglot.files import alone, sha256, try_out, whole_file, whole_folder

ROOT = Path(__file__).parents[1]


def test_a_file_arrives_when_the_block_succeeds(tmp_path):
    with whole_file(tmp_path / "new" / "a.txt") as aside:
        aside.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.txt") as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folders_files_arrive_together_and_others_stay(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "history.csv").write_text("kept")
    with whole_folder(tmp_path / "out") as aside:
        (aside / "config.json").write_text("{}")
        assert len(list((tmp_path / "out").iterdir())) == 1
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["config.json", "history.csv"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "out") as aside:
        (aside / "config.json").write_text("{}")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_trying_a_place_out_leaves_it_as_it_was(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("kept")
    for path in (tmp_path / "new" / "folder" / "out", tmp_path / "out", tmp_path / "out" / "file"):
        try_out(path)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "file"]
    with pytest.raises(NotADirectoryError):
        try_out(tmp_path / "out" / "file" / "new" / "a")


def test_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_what_a_killed_process_left_is_cleared_by_the_next_one(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from monoglot.files import whole_file, whole_folder\n"
        "a, b = (sys.argv[1] + name for name in ('/out', '/f'))\n"
        "with whole_folder(a) as folder, whole_file(b) as file:\n"
        "    (folder / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=False)
        assert len(list(tmp_path.iterdir())) == 2, "those of the first one are gone"
    (tmp_path / ".g.12345678.aside").write_text("of another file")
    for name in ("out", "f"):
        with (whole_folder if name == "out" else whole_file)(tmp_path / name):
            pass
    assert sorted(file.name for file in tmp_path.iterdir()) == [".g.12345678.aside", "f", "out"]


def test_processes_that_write_the_same_leave_each_other_alone(tmp_path):
    code = (
        "import sys, time\n"
        "from monoglot.files import whole_file\n"
        "for _ in range(200):\n"
        "    with whole_file(sys.argv[1] + '/a b ä') as file:\n"
        "        file.write_text('whole')\n"
    )
    command = [sys.executable, "-c", code, tmp_path]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["a b ä"]
    assert (tmp_path / "a b ä").read_text() == "whole"


def test_one_process_at_a_time_has_a_folder_alone(tmp_path):
    with alone(tmp_path) as ours, alone(tmp_path) as second:
        assert (ours, second) == (True, False)
    with alone(tmp_path) as ours:
        assert ours


def test_a_disk_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with alone(tmp_path) as ours, whole_file(tmp_path / "a") as file:
        assert ours
        file.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
