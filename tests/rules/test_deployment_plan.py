"""What Snakemake plans for the target `deployment`, and what the default target leaves out."""

import re

from project_copy import DEMO


def jobs(output: str) -> dict[str, int]:
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)}


def test_every_checkpoint_of_a_table_of_scores_is_measured_once(project):
    plan = project.snakemake("deployment", "-n", "--quiet", "rules", "--configfile", DEMO)
    counts = jobs(plan.stdout)
    # Two models with ten rows each; `base` is one checkpoint for all languages.
    assert counts["export_onnx"] == counts["deploy"] == counts["score_onnx"] == 2 * 10
    assert counts["table"] == 1
    assert not {"train", "evaluate"} & counts.keys()


def test_the_demo_itself_measures_nothing(project):
    plan = project.snakemake("-n", "--quiet", "rules", "--configfile", DEMO)
    assert "Nothing to be done" in plan.stdout


def test_measuring_has_the_machine_to_itself(project):
    target = "results/demo/deployment/xlmr/qaa/kd.json"
    plan = project.snakemake("-n", "--cores", "7", target, "--configfile", DEMO)
    deploy = plan.stdout.partition("rule deploy:")[2]
    assert re.search(r"threads: 7\b", deploy)
    assert "data/qaa/heldout.parquet" in deploy
