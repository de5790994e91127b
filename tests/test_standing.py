"""What finished results stand on, and whether it is still that."""

import json
import os
from pathlib import Path

import pytest

from monoglot import provenance, standing
from monoglot.files import sha256

MADE = 1_000_000_000
"""When all results were made, in seconds since the epoch."""


class Grid:
    """Two results that stand on one another: a raw file, a record made from it, a table."""

    def __init__(self, folder: Path) -> None:
        self.results = folder / "results"
        self.raw = self._file(folder / "raw.txt", "one")
        self.record = self._file(self.results / "scores" / "seed1.json", "0.5")
        self.table = self._file(self.results / "tables" / "table1.csv", "50")
        self.made = {
            self.record: self._provenance(self.record.with_name("provenance.json"), self.raw),
            self.table: self._provenance(self.table.with_suffix(".provenance.json"), self.record),
        }

    def replace(self, file: Path, text: str, seconds: float = MADE) -> None:
        """Replace a file by another, as `cp -p` does."""
        aside = file.with_name("aside")
        self._file(aside, text, seconds)
        os.replace(aside, file)

    def again(self, file: Path) -> bool:
        """Whether Snakemake would make a result again: its oldest file is older than its input."""
        read = {self.record: self.raw, self.table: self.record}[file]
        outputs = (file, self.made[file])
        return min(one.stat().st_mtime for one in outputs) < read.stat().st_mtime

    def _file(self, path: Path, text: str, seconds: float = MADE) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (seconds, seconds))
        return path

    def _provenance(self, path: Path, read: Path) -> Path:
        wrote = self.record if read == self.raw else self.table
        said = {
            "script": "scripts/table.py",
            "versions": provenance.versions(),
            "inputs": {os.path.relpath(read, path.parent): sha256(read)},
            "outputs": {wrote.name: sha256(wrote)},
        }
        return self._file(path, json.dumps(said))


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grid:
    monkeypatch.chdir(tmp_path)
    return Grid(tmp_path)


def test_what_stands_on_what_it_was_made_from_needs_no_word(grid):
    assert standing.look_over(grid.results) == []
    assert not grid.again(grid.record)
    assert standing.look_over(grid.results / "nowhere") == []


@pytest.mark.parametrize("seconds", [MADE, MADE - 1, 0])
def test_a_raw_file_of_an_old_date_makes_its_results_again(grid, seconds):
    grid.replace(grid.raw, "two", seconds)
    assert standing.look_over(grid.results) == [
        "raw.txt was replaced or damaged, with an old date, after results had been made from it; "
        "those (1), and what hangs below, are made again where asked for"
    ]
    assert grid.again(grid.record)
    assert not grid.again(grid.table)
    # The next plan still says so.
    assert len(standing.look_over(grid.results)) == 1
    assert grid.again(grid.record)


def test_a_result_that_was_replaced_makes_again_what_stands_on_it(grid):
    standing.look_over(grid.results)
    grid.replace(grid.record, "0.6")
    (said,) = standing.look_over(grid.results)
    assert said.endswith("; to make anew what was replaced: --forcerun results/scores/seed1.json")
    assert grid.again(grid.table)
    assert not grid.again(grid.record)


def test_what_comes_back_makes_nothing_again(grid):
    grid.replace(grid.raw, "two")
    standing.look_over(grid.results)
    grid.replace(grid.raw, "one")
    assert standing.look_over(grid.results) == []
    assert not grid.again(grid.record)


def test_a_newer_file_is_left_to_snakemake(grid):
    grid.replace(grid.raw, "two", MADE + 1)
    assert standing.look_over(grid.results) == []
    assert grid.made[grid.record].stat().st_mtime == MADE


def test_a_file_is_read_once_until_it_changes(grid, monkeypatch):
    standing.look_over(grid.results)
    read = []
    monkeypatch.setattr(standing, "sha256", lambda file: read.append(file) or sha256(file))
    standing.look_over(grid.results)
    assert not read
    grid.replace(grid.raw, "two")  # of the same size and time
    standing.look_over(grid.results)
    assert read == [str(grid.raw)]


def test_what_a_run_has_made_is_not_read_at_all(grid, monkeypatch):
    outputs = [*grid.made, *grid.made.values()]
    standing.trust_made(grid.results, map(str, outputs))
    read = []
    monkeypatch.setattr(standing, "sha256", lambda file: read.append(file) or sha256(file))
    standing.look_over(grid.results)
    assert read == [str(grid.raw)]


def test_files_that_are_gone_or_cannot_be_read_say_nothing(grid):
    grid.raw.unlink()
    grid.made[grid.table].write_text('{"inputs": 3}')
    (grid.results / standing.HASHES).write_text("[")
    assert standing.look_over(grid.results) == []


def test_of_many_files_the_first_are_named(grid):
    said = json.loads(grid.made[grid.record].read_text())
    for number in range(5):
        said["inputs"][f"../../raw{number}.txt"] = "0" * 64
        grid._file(Path(f"raw{number}.txt"), "other")
    grid._file(grid.made[grid.record], json.dumps(said))
    (sentence,) = standing.look_over(grid.results)
    assert sentence.startswith("raw0.txt, raw1.txt, raw2.txt and 2 more were replaced")


def versions_said(results: Path) -> str | None:
    return next(iter(standing.look_over(results)), None)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder of 361 finished jobs."""
    made = {"script": "scripts/evaluate.py", "versions": provenance.versions(), "outputs": {}}
    made["inputs"] = {f"../models/{number}": "0" * 64 for number in range(20)}
    for number in range(361):
        folder = tmp_path / "results" / "scores" / f"variant{number}"
        folder.mkdir(parents=True)
        (folder / "provenance.json").write_text(json.dumps(made))
    return tmp_path / "results"


def with_versions(folder: Path, script: str, **others: str) -> None:
    path = folder / "provenance.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"script": script, "versions": said["versions"] | others}))


def test_results_of_the_installed_versions_need_no_word(results):
    (results / "scores" / "variant1" / "provenance.json").write_text("not JSON")
    assert versions_said(results) is None
    assert versions_said(results / "nowhere") is None


def test_other_versions_are_said_with_what_makes_their_results_again(results):
    now = provenance.versions()["torch"]
    scores = results / "scores"
    with_versions(scores / "variant1", "scripts/train.py", torch="1.0", seqeval="0.1")
    with_versions(scores / "variant2", "scripts/evaluate.py", torch="1.0")
    with_versions(scores / "variant3", "scripts/table.py", torch="0.1", transformers="0.1")
    with_versions(scores / "variant4", "scripts/gone.py", torch="0.1")
    assert versions_said(results) == (
        f"{results}: jobs ran with other versions of libraries: 2 with torch 1.0 (now {now}); "
        "their results are kept, and `--forcerun evaluate train` makes them again"
    )
