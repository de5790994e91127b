"""The plans of the configurations with ready-made small models; docs/models.md counts them."""

import pytest
from project_copy import Project
from test_plan import jobs

OFFLINE = {"HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a copy of the project in which nothing has run."""
    return Project(tmp_path_factory.mktemp("small") / "project")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("small-models", {"total": 339, "evaluate": 192, "train": 30, "trim_vocab": 30}),
        ("small-models-adapted", {"total": 424, "evaluate": 240, "train": 42, "trim_vocab": 42}),
        ("demo-small-models", {"total": 61, "evaluate": 18, "train": 5, "scratch": 3}),
    ],
)
def test_the_plan_has_the_jobs_that_the_page_says(fresh, name, counts):
    plan = fresh.snakemake(
        "-n", "--quiet", "rules", "--configfile", f"configs/{name}.yaml", **OFFLINE
    )
    assert plan.returncode == 0, plan.stdout
    planned = jobs(plan.stdout)
    assert {rule: planned[rule] for rule in counts} == counts


def test_a_missing_folder_of_a_model_is_named_before_the_first_job(fresh, tmp_path):
    run = fresh.snakemake(
        *("--cores", "1", "--quiet", "rules", "--configfile", "configs/small-models.yaml"),
        **OFFLINE,
        HF_HOME=str(tmp_path),
    )
    assert run.returncode != 0
    folder = "checkpoints/multilingual-minilm-l12-h384"
    assert f"models.minilm.folder: there is no file {folder}/config.json" in run.stdout
    assert "Traceback" not in run.stdout
