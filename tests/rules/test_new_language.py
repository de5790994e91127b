"""A language added by configuration alone."""

import csv
import json
import re

import pytest
import welsh
import yaml
from project_copy import DEMO, ROOT, Project

SECOND = "configs/demo-second-language.yaml"
DEMO_CONFIG = yaml.safe_load((ROOT / DEMO).read_text(encoding="utf-8"))


def written(project: Project, name: str, config: dict) -> str:
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (project.folder / name).write_text(text, encoding="utf-8")
    return name


def rows(project: Project, table: str) -> dict[str, dict[str, str]]:
    path = project.folder / "results" / "cy" / "tables" / f"{table}.csv"
    with open(path, encoding="utf-8", newline="") as file:
        return {row["row"]: row for row in csv.DictReader(file)}


def test_a_second_language_of_the_demo_adds_its_own_jobs_and_no_others(project):
    planned = project.planned(SECOND)
    of_others = {path for path in planned if "qab" not in path and not path.startswith("tables/")}
    assert of_others == set()
    kinds = {path.split("/")[0] for path in planned}
    # Its token stores are there: its text is part of the mixture that `base` is trained on.
    assert kinds == {"data", "models", "scores", "tables"}
    # 4 rows and 4 tasks; `base` needs no new checkpoint.
    assert sum(path.startswith("scores/") for path in planned) == 4 * 4
    assert {path for path in planned if path.startswith("models/")} == {
        f"models/xlmr/qab/{variant}"
        for variant in ("adapted", "kd-init", "kd", "ffn128", "hidden48-init", "hidden48")
    } | {"models/xlmr/qab/hidden48-vocab400"}


def test_a_new_language_goes_from_published_formats_to_rows_of_a_table(tmp_path):
    project = Project(tmp_path / "project")
    welsh.write(project.folder / "data" / "welsh")
    config = {
        "extends": DEMO,
        "results": "results/cy",
        "data": {"root": "data/welsh", "invented": None},
        "languages": {
            **dict.fromkeys(DEMO_CONFIG["languages"]),
            "cy": {"name": "Welsh", "codes": {"flores": "cym_Latn"}},
        },
        "tasks": {task: {"epochs": 1} for task in DEMO_CONFIG["tasks"]},
        "seeds": [1],
        "variants": {
            "ngrams": {"operation": "baseline", "method": "ngrams"},
            "init": {
                "text": {**dict.fromkeys(DEMO_CONFIG["languages"]), "cy": 1},
                "vocab_size": 300,
            },
            "small": {"operation": "train", "parent": "init", "loss": "none", "steps": 2},
        },
        "tables": {
            **dict.fromkeys(DEMO_CONFIG["tables"]),
            "linear": {"model": "xlmr", "rows": [{"variant": "ngrams", "label": "N-grams"}]},
            "encoder": {
                "model": "xlmr",
                "tasks": ["tc", "ner"],
                "rows": [{"variant": "small", "label": "Small"}],
            },
        },
    }
    name = written(project, "welsh.yaml", config)
    run = project.snakemake("--cores", "2", "--quiet", "rules", "--configfile", name)
    assert run.returncode == 0, run.stdout
    linear, small = rows(project, "linear")["ngrams"], rows(project, "encoder")["small"]
    # Training and test sentences are the same ones, so the linear model has nothing to miss.
    assert {linear[f"cy_{task}"] for task in ("tc", "sa", "ner", "pos")} == {"100.00"}
    assert 0 <= float(small["cy_tc"]) <= 100
    assert small["cy_ner"]
    record = project.folder / "results/cy/scores/xlmr/cy/small/ner/seed1.json"
    assert json.loads(record.read_text())["n_test"] == len(welsh.NAMED)

    # Without a NER set: no file is asked for, nothing else runs again, the column is gone.
    for file in (project.folder / "data/welsh/wikiann/cy").iterdir():
        file.unlink()
    config["languages"]["cy"]["tasks"] = ["tc", "sa", "pos"]
    written(project, name, config)
    run = project.snakemake("--cores", "1", "--quiet", "rules", "--configfile", name)
    assert run.returncode == 0, run.stdout
    assert set(re.findall(r"^(\w+) +\d+$", run.stdout, flags=re.MULTILINE)) == {
        *("overlap", "table", "report", "all", "total"),
    }
    linear = rows(project, "linear")["ngrams"]
    assert "cy_ner" not in linear
    assert linear["avg"] == "100.00"
    note = (project.folder / "results/cy/tables/linear.md").read_text(encoding="utf-8")
    assert "No NER for cy." in note


@pytest.fixture(scope="module")
def how_to() -> str:
    return (ROOT / "docs" / "new-language.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def welsh_project(how_to, tmp_path_factory):
    """Return a project with the configuration that the how-to writes."""
    project = Project(tmp_path_factory.mktemp("how-to") / "project")
    (block,) = re.findall(r"^```yaml\n(# configs/welsh.*?)^```", how_to, flags=re.M | re.S)
    (project.folder / "configs" / "welsh.yaml").write_text(block, encoding="utf-8")
    return project


def test_the_commands_of_the_how_to_plan_what_it_says(how_to, welsh_project):
    commands = re.findall(r"^snakemake (.*configs/welsh.yaml.*)$", how_to, flags=re.MULTILINE)
    plans = []
    for command in commands:
        plan = welsh_project.snakemake(*command.split(), "-n")
        assert plan.returncode == 0, plan.stdout
        counts = re.findall(r"^(\w+) +(\d+)$", plan.stdout, flags=re.MULTILINE)
        plans.append((dict(counts), plan.stdout))
    counting, one_cell, whole = plans
    # The paper's 240, and 2 models x 10 rows x 3 tasks of the new language.
    assert counting[0]["evaluate"] == whole[0]["evaluate"] == str(240 + 60)
    assert one_cell[0]["evaluate"] == one_cell[0]["train"] == "1"
    assert "/mt/" not in one_cell[1]


def test_the_how_to_counts_the_jobs_of_a_second_language(how_to, project):
    (said,) = re.findall(r"first counts (\d+) jobs", how_to)
    plan = project.snakemake("-n", "--quiet", "rules", "--configfile", SECOND)
    assert re.search(rf"^total +{said}$", plan.stdout, flags=re.MULTILINE), plan.stdout
