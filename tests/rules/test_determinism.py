"""The same configuration gives the same bytes, wherever it runs and however many jobs at once."""

import json
import shutil
from pathlib import Path

import pytest
from project_copy import Project

pytestmark = pytest.mark.slow
SMOKE = "configs/smoke.yaml"
APART = ("logs", "benchmarks")
OF_THE_RUN = {"seconds", "cpu_seconds", "gpu_joules", "peak_memory_bytes"}
OF_THE_RUN |= {"started", "inputs", "outputs"}
"""What a record or a file of provenance says of the run; and hashes, of records among others."""


def finished(folder: Path, cores: int) -> Project:
    project = Project(folder)
    run = project.snakemake("--cores", str(cores), "--configfile", SMOKE, "--quiet", "rules")
    assert run.returncode == 0, run.stdout
    return project


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """The smallest grid with every operation: one job at a time, and two in another folder."""
    folder = tmp_path_factory.mktemp("runs")
    return finished(folder / "one", 1), finished(folder / "two jobs, š", 2)


def contents(project: Project) -> dict[str, object]:
    """What each result holds: its bytes, or of JSON the values that do not say when it ran."""
    results = project.folder / "results" / "smoke"
    files = [file for file in sorted(results.rglob("*")) if file.is_file()]
    named = {file.relative_to(results).as_posix(): file for file in files}
    return {
        name: _result(file) if file.suffix == ".json" else file.read_bytes()
        for name, file in named.items()
        if name.split("/")[0] not in APART and not name.startswith(".")
    }


def _result(file: Path) -> object:
    found = json.loads(file.read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key not in OF_THE_RUN}


def test_two_runs_give_the_same_bytes(runs):
    one, two = map(contents, runs)
    assert list(one) == list(two)
    assert [name for name in one if one[name] != two[name]] == []
    kinds = {".safetensors", ".parquet", ".bin", ".csv", ".pdf", ".png"}
    assert {Path(name).suffix for name in one} >= kinds
    print(f"\n{len(one)} files are the same, run with one job at a time and with two")


def test_a_moved_folder_needs_nothing_again(runs, tmp_path):
    moved = Project.__new__(Project)
    moved.folder = shutil.move(runs[1].folder, tmp_path / "moved")
    again = moved.snakemake("--cores", "1", "--configfile", SMOKE)
    assert "Nothing to be done" in again.stdout
