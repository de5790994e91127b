"""Disks that are full, read-only or forbidden: one sentence, and nothing is left half-written."""

import os
import resource
import shutil
import subprocess
import sys
from functools import partial

import pandas as pd
import pytest

from monoglot.errors import sentence
from tests.faults.conftest import ROOT, TEXTS, only_sentence, remount, start, train

SLOW = pytest.mark.slow


def left_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def text_file(folder):
    pd.DataFrame({"text": TEXTS * 2000}).to_parquet(folder / "text.parquet")
    return folder / "text.parquet"


def jobs(given, folder):
    """Scripts whose libraries write in different languages: Python, Rust, C++; by name."""
    checkpoint = given["checkpoint"]
    return {
        "train": partial(train, given),
        "select_layers": lambda out: start(
            *("select_layers", "--parent", checkpoint, "--layers", 2, "--out", out),
            *("--strategy", "first_k"),
        ),
        "build_tokens": lambda out: start(
            *("build_tokens", "--text", text_file(folder), "--tokenizer", checkpoint, "--out", out)
        ),
        "invent": lambda out: start("invent", "--out", out, "--seed", 0),
    }


@pytest.mark.parametrize(
    "name",
    [
        "invent",
        *(pytest.param(name, marks=SLOW) for name in ("train", "select_layers", "build_tokens")),
    ],
)
def test_a_full_disk_is_one_sentence_and_room_mends_it(given, small_disk, tmp_path, name):
    disk = small_disk("size=48k")
    job = jobs(given, tmp_path)[name]
    said = only_sentence(job(disk / "out"))
    assert "No space left on device" in said
    assert "free space there, or give another folder" in said
    if name != "invent":  # it writes many files; those it finished are whole
        assert not left_in(disk)
    assert not list(disk.rglob("*.aside"))
    remount(disk, "size=100m")
    done = job(disk / "out")
    assert done.returncode == 0, done.stderr


def test_a_copy_that_finds_no_room_names_where_it_was_to_go(small_disk, tmp_path):
    (tmp_path / "large").write_bytes(bytes(100_000))
    copy = small_disk("size=48k") / "copy"
    with pytest.raises(OSError, match="No space") as error:
        shutil.copyfile(tmp_path / "large", copy)
    assert sentence(error.value).startswith(f"{copy}: No space left on device; free space there")


@SLOW
def test_a_disk_too_small_for_the_state_is_one_sentence(given, small_disk, tmp_path):
    state = small_disk("size=48k") / "state"
    saved = {"variables": {"MONOGLOT_SAVE_EVERY": "0"}}
    said = only_sentence(train(given, tmp_path / "out", "--steps", 2, "--state", state, **saved))
    assert "No space left on device" in said
    assert not left_in(state)


@SLOW
def test_a_read_only_disk_is_one_sentence(given, small_disk):
    disk = small_disk("size=10m")
    remount(disk, "ro")
    said = only_sentence(train(given, disk / "out"))
    assert "Read-only file system; make it writable, or give another folder" in said
    assert str(disk) in said


def test_a_folder_without_permission_is_one_sentence(tmp_path):
    folder = tmp_path / "of somebody else"
    folder.mkdir(mode=0o555)
    command = [sys.executable, ROOT / "scripts" / "invent.py", "--out", folder / "out", "--seed", 0]
    if os.geteuid() == 0:  # who may write everywhere, unless that is taken from him
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    said = only_sentence(subprocess.run([*map(str, command)], capture_output=True, text=True))
    assert f"{folder}/out" in said
    assert "Permission denied; give yourself the permission, or give another folder" in said


@SLOW
def test_a_limit_on_the_size_of_files_is_one_sentence(given, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    said = only_sentence(train(given, tmp_path / "out", preexec_fn=limit))
    assert "File too large" in said
    assert "ulimit -f" in said
    assert not left_in(tmp_path)
