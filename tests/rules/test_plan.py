"""What Snakemake plans, and how it refuses."""

import re

import pytest
from project_copy import DEMO, Project


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a copy of the project in which nothing has run; tests must not edit it."""
    return Project(tmp_path_factory.mktemp("fresh") / "project")


def jobs(output: str) -> dict[str, int]:
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)}


def test_the_papers_grid_is_planned_without_a_network(fresh):
    plan = fresh.snakemake("-n", "--quiet", "rules", HF_HUB_OFFLINE="1")
    counts = jobs(plan.stdout)
    assert plan.returncode == 0
    # 2 models x 3 languages x 10 rows x 4 tasks; all seeds in one job.
    assert counts["evaluate"] == 240
    # One teacher and four distillations for each model and language.
    assert counts["train"] == 30
    assert counts["trim_vocab"] == counts["reduce_hidden"] == 18
    assert counts["pretrained"] == 2
    assert counts["table"] == 6
    # Each language's text is searched for its evaluation sentences.
    assert counts["overlap"] == 3


def test_the_demo_is_the_whole_grid_in_miniature(fresh):
    counts = jobs(fresh.snakemake("-n", "--quiet", "rules", "--configfile", DEMO).stdout)
    assert counts["evaluate"] == 2 * 10 * 4
    assert counts["trim_vocab"] == 2 * 3
    assert counts["table"] == 6


@pytest.mark.parametrize(
    ("table", "jobs_of_its_own"),
    [
        ("table2", {"invent": 1, "read_text": 3, "scratch": 1, "build_tokens": 3}),
        ("table3", {"invent": 1, "read_task": 4}),
        ("table4", {}),
    ],
)
def test_a_table_runs_what_its_cells_are_made_from(fresh, table, jobs_of_its_own):
    target = f"results/demo/tables/{table}.csv"
    plan = fresh.snakemake(target, "-n", "--quiet", "rules", "--configfile", DEMO)
    counts = {name: n for name, n in jobs(plan.stdout).items() if not name.startswith("table")}
    assert counts.pop("total") == 1 + sum(jobs_of_its_own.values())
    assert counts == jobs_of_its_own


def test_both_reduction_factors_are_planned_on_the_papers_checkpoints(fresh):
    config = "configs/reduction-factor.yaml"
    plan = fresh.snakemake("-n", "--quiet", "rules", "--configfile", config)
    counts = jobs(plan.stdout)
    # 2 models x 3 languages x 6 rows x 4 tasks, as in the paper and with either factor.
    assert counts["evaluate"] == 2 * 3 * 6 * 4 * 3
    assert counts["train"] == 30


def test_a_text_waits_for_the_tasks_that_are_excluded_from_it(fresh, tmp_path):
    config = tmp_path / "exclude.yaml"
    config.write_text("extends: configs/demo.yaml\ndata: {text: {default: {exclude: [ner, tc]}}}\n")
    target = "results/demo/data/qaa/text.parquet"
    plan = fresh.snakemake(target, "-n", "--quiet", "rules", "--configfile", config)
    assert jobs(plan.stdout) == {"invent": 1, "read_task": 2, "read_text": 1, "total": 4}


def test_one_student_for_five_languages(fresh):
    plan = fresh.snakemake("-n", "--quiet", "rules", "--configfile", "configs/comet.yaml")
    counts = jobs(plan.stdout)
    # A teacher, a random student and its training; both are tuned in each language.
    assert counts["pretrained"] == counts["scratch"] == counts["train"] == 1
    assert counts["evaluate_tuned_whole"] == 2 * 5
    assert counts["read_task"] == 5
    # Text and validation sentences of five languages, under the teacher's tokenizer.
    assert counts["build_tokens"] == counts["read_text"] == 2 * 5


def test_retrieval_scores_models_as_they_are(fresh):
    plan = fresh.snakemake("-n", "--quiet", "rules", "--configfile", "configs/retrieval.yaml")
    counts = jobs(plan.stdout)
    assert plan.returncode == 0, plan.stdout
    # Five rows, and four of them among the vectors of the first one.
    assert counts["score"] == 5 + 4
    assert (counts["pretrained"], counts["trim_vocab"], counts["table"]) == (1, 4, 3)
    assert not {"evaluate", "train", "overlap"} & counts.keys()


def test_comet_in_miniature_goes_on_from_the_demo(project):
    plan = project.snakemake("-n", "--quiet", "rules", "--configfile", "configs/demo-comet.yaml")
    counts = jobs(plan.stdout)
    assert (counts["scratch"], counts["train"]) == (1, 3)
    assert counts["evaluate_tuned_whole"] == 5
    assert "pretrained" not in counts
    assert counts["read_task"] == 1


def test_without_network_it_stops_with_the_two_ways_on(fresh, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = fresh.snakemake("--cores", "1", "--quiet", "rules", **offline)
    assert run.returncode != 0
    assert "either connect and start once with a network" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (fresh.folder / "results" / "models").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seeds=one", "seeds: 'one' is not of type array"),
        ("variants={'kd': {'operation': 'train', 'parent': 'nobody'}}", "no variant 'nobody'"),
        ("rseults=x", "unknown key 'rseults'"),
    ],
)
def test_a_fault_in_the_configuration_is_one_sentence(fresh, setting, message):
    run = fresh.snakemake("-n", "--configfile", DEMO, "--config", setting)
    assert run.returncode != 0
    assert message in run.stdout
    assert "Traceback" not in run.stdout


def test_a_missing_raw_file_is_named_before_any_job(fresh, tmp_path):
    settings = (f"data={{'root': '{tmp_path}/raw'}}", f"results={tmp_path}/out")
    config = "configs/real-small.yaml"
    run = fresh.snakemake("--cores", "1", "--configfile", config, "--config", *settings)
    assert run.returncode != 0
    assert "there is no file" in run.stdout
    assert not (tmp_path / "out" / "data").exists()
