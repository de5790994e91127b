"""Files that are whole or absent."""

import hashlib

import pytest

from monoglot.files import sha256, whole_file, whole_folder


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


def test_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
