"""The workflow from folders that are not its own: `--snakefile`, `--directory`, and as a module."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEFILE = str(ROOT / "Snakefile")
SMALLEST = Path(__file__).with_name("smallest.yaml")
TABLE = "results/smallest/tables/table1.md"
# What snakedeploy writes, with a path in place of a repository.
MODULE = f"""
configfile: "config/config.yaml"

module monoglot:
    snakefile: {SNAKEFILE!r}
    config: config

use rule * from monoglot
"""


def snakemake(folder: Path, *arguments: object) -> str:
    """Run Snakemake in a folder and return what it printed."""
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def planned(output: str) -> dict[str, int]:
    """The jobs of a dry run, by rule."""
    found = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    return {name: int(number) for name, number in found}


def ran(output: str) -> set[str]:
    return set(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", output, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own folder, in which the smallest grid has run as a module."""
    folder = tmp_path_factory.mktemp("a user's folder")
    (folder / "config").mkdir()
    shutil.copy(SMALLEST, folder / "config" / "config.yaml")
    (folder / "Snakefile").write_text(MODULE, encoding="utf-8")
    snakemake(folder, "--cores", "2")
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """Another folder with those results, in which one task has still to be read and scored."""
    copied = Path(shutil.copytree(finished, tmp_path / "project"))
    for name in ("data/qaa/tc.parquet", "scores", "tables"):
        path = copied / "results" / "smallest" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (copied / "Snakefile").unlink()
    return copied


UNDONE = {"read_task", "baseline", "evaluate", "table", "all"}


def test_a_module_runs_the_grid_and_then_has_nothing_to_do(finished):
    # Published numbers come from the workflow's own folder.
    assert "Difference from the published value" in (finished / TABLE).read_text(encoding="utf-8")
    assert not (finished / "resources").exists()
    assert "Nothing to be done" in snakemake(finished, "--cores", "2")


def test_another_folder_takes_up_the_same_grid(folder):
    config = ("--configfile", "config/config.yaml")
    assert ran(snakemake(folder, "-s", SNAKEFILE, *config, "--cores", "2")) == UNDONE
    assert (folder / TABLE).is_file()


def test_a_folder_named_on_the_command_line_takes_up_the_same_grid(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(SMALLEST, elsewhere / "mine.yaml")
    config = ("-s", SNAKEFILE, "-d", folder, "--configfile", "mine.yaml")
    assert ran(snakemake(elsewhere, *config, "--cores", "2")) == UNDONE
    assert (folder / TABLE).is_file()
    assert [path.name for path in elsewhere.iterdir()] == ["mine.yaml"]


def test_rules_of_a_module_can_have_other_names(finished, tmp_path):
    shutil.copytree(finished / "config", tmp_path / "config")
    renamed = MODULE.replace("use rule * from monoglot", "use rule * from monoglot as small_*")
    (tmp_path / "Snakefile").write_text(renamed, encoding="utf-8")
    counts = planned(snakemake(tmp_path, "-n", "--quiet", "rules"))
    assert counts["small_evaluate"] == counts["small_train"] == counts["small_baseline"] == 1


def test_without_a_configuration_it_is_the_folders_own_or_else_the_papers(tmp_path):
    plan = snakemake(tmp_path, "-s", SNAKEFILE, "-n", "--quiet", "rules")
    assert planned(plan)["evaluate"] == 240
    shutil.copy(SMALLEST, tmp_path / "config.yaml")
    plan = snakemake(tmp_path, "-s", SNAKEFILE, "-n", "--quiet", "rules")
    assert planned(plan)["evaluate"] == 1
