"""Folders whose names a shell would act on, and a configuration file that would run code."""

import pytest
import yaml
from project_copy import Project

ODD = "out put; touch m1 $(touch m2) `touch m3` 'it\"s' & #ż"


@pytest.fixture
def project(tmp_path):
    """A copy of the project whose own.yaml writes to folders with odd names."""
    project = Project(tmp_path / "pro ject")
    config = {
        "extends": "configs/demo.yaml",
        "results": ODD,
        "data": {"root": f"{ODD}/raw"},
        "tables": {f"table{n}": None for n in (1, 2, 3, 5, 6)},
    }
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return project


def test_an_odd_results_folder_is_only_a_folder(project, tmp_path):
    run = project.snakemake("--configfile", "own.yaml", "--cores", "2")
    assert run.returncode == 0, run.stdout
    assert (project.folder / ODD / "tables/table4.csv").is_file()
    assert f"The tables are in {ODD}/tables." in run.stdout
    assert not list(tmp_path.rglob("m[123]"))


@pytest.mark.slow
def test_an_odd_folder_of_raw_data_is_only_a_folder(project, tmp_path):
    made = [f"{ODD}/data/qaa/heldout.parquet", f"{ODD}/data/qaa/tc.parquet"]
    run = project.snakemake("--configfile", "own.yaml", "--cores", "2", *made)
    assert run.returncode == 0, run.stdout
    for name in made:
        assert (project.folder / name).is_file()
    assert not list(tmp_path.rglob("m[123]"))


def test_a_configuration_file_makes_no_objects(tmp_path):
    project = Project(tmp_path / "project")
    bad = f"!!python/object/apply:os.system ['touch {tmp_path}/code_was_run']"
    (project.folder / "bad.yaml").write_text(f"extends: configs/demo.yaml\nresults: {bad}\n")
    run = project.snakemake("--configfile", "bad.yaml", "--dry-run")
    assert run.returncode == 1
    assert "Config file is not valid JSON or YAML" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (tmp_path / "code_was_run").exists()
