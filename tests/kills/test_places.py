"""Results in odd, small, moved and shared places: the same results, or one clear message."""

import os
import shutil
import subprocess

import pytest

from tests.faults.conftest import remount, small_disk  # noqa: F401
from tests.kills.project import GRID, RESULTS, Grid

pytestmark = pytest.mark.slow
ODD = "Größe & 'Maß' $HOME (ż)"
TEXT = f"{RESULTS}/data/qaa/text.parquet"
BASE = f"{RESULTS}/models/xlmr/any/base/config.json"


def nothing_to_do(grid):
    plan = grid.snakemake("--configfile", GRID, "--dry-run")
    assert "Nothing to be done" in plan.stdout, plan.stdout


def test_odd_names_and_links_change_no_result(undisturbed, tmp_path):
    grid = Grid(tmp_path / ODD)
    for name, to in (("results", "disk ä"), ("raw", "data ö")):
        (tmp_path / to).mkdir()
        link = grid.folder / "results" if name == "results" else grid.folder / RESULTS / "raw"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / to, target_is_directory=True)
    assert grid.start().wait() == 0, grid.screen
    expected = undisturbed.results().items()
    # What lies behind a link is not listed.
    assert grid.results() == {name: v for name, v in expected if not name.startswith("raw/")}
    assert any((tmp_path / "data ö").rglob("*.jsonl"))
    nothing_to_do(grid)


@pytest.fixture
def moved(undisturbed, tmp_path):
    """A finished grid in another folder, as on another machine."""
    copy = Grid.__new__(Grid)
    copy.folder = shutil.copytree(undisturbed.folder, tmp_path / ODD)
    return copy


def test_a_moved_folder_runs_nothing_again(moved):
    nothing_to_do(moved)


def test_results_without_snakemakes_records_are_taken_as_they_are(moved):
    shutil.rmtree(moved.folder / ".snakemake")
    nothing_to_do(moved)


def test_results_hold_no_path_of_the_machine(undisturbed):
    place = str(undisturbed.folder.parent).encode()
    for part in ("data", "tokens", "models", "scores", "adapters", "tables", "figures"):
        for file in (undisturbed.folder / RESULTS / part).rglob("*"):
            assert file.is_dir() or place not in file.read_bytes(), file


def test_a_clock_that_jumped_runs_nothing_again(moved):
    """Times of files in any order, as a clock that jumps makes them."""
    year = 365 * 86400
    for number, file in enumerate(sorted(moved.folder.rglob("*"))):
        if file.is_file() and ".snakemake" not in file.parts:
            time = file.stat().st_mtime + (number % 3 - 1) * year
            os.utime(file, (time, time))
    nothing_to_do(moved)


def test_a_second_run_in_the_same_folder_is_refused(undisturbed, tmp_path):
    grid = Grid(tmp_path / "project")
    first = grid.start(BASE)
    while not (grid.folder / RESULTS / "data").exists():
        assert first.poll() is None, grid.screen
    second = grid.snakemake("--configfile", GRID, "--cores", "1", BASE)
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stdout
    assert "Traceback" not in second.stdout
    assert first.wait() == 0, grid.screen
    assert same(grid, undisturbed, "models/xlmr/any/base")


def test_a_full_disk_is_said_and_the_run_goes_on_with_more_room(undisturbed, tmp_path, small_disk):  # noqa: F811
    grid = Grid(tmp_path / "project")
    (grid.folder / RESULTS).parent.mkdir(exist_ok=True)
    disk = small_disk("size=3m")
    (grid.folder / RESULTS).symlink_to(disk, target_is_directory=True)
    assert grid.start(BASE).wait() == 1
    assert "No space left on device" in grid.screen
    assert "Traceback" not in grid.screen
    assert not list(disk.rglob("*.aside"))
    remount(disk, "size=200m")
    assert grid.start(BASE).wait() == 0, grid.screen
    assert same(grid, undisturbed, "models/xlmr/any/base")


def test_a_read_only_results_folder_is_said(tmp_path, small_disk):  # noqa: F811
    grid = Grid(tmp_path / "project")
    (grid.folder / RESULTS).parent.mkdir(exist_ok=True)
    disk = small_disk("size=3m")
    (grid.folder / RESULTS).symlink_to(disk, target_is_directory=True)
    remount(disk, "ro")
    assert grid.start(BASE).wait() == 1
    assert "Read-only file system" in grid.screen
    assert "Traceback" not in grid.screen


def same(grid, other, part):
    made, expected = grid.folder / RESULTS / part, other.folder / RESULTS / part
    about = ("--recursive", "--exclude=provenance.json", made, expected)
    return not subprocess.run(["diff", *about]).returncode
