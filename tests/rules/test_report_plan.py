"""The report as a target: when it is made again, and what it waits for."""

import re

from project_copy import DEMO


def planned(project, *arguments: str) -> dict[str, int]:
    plan = project.snakemake("-n", "--quiet", "rules", "--configfile", DEMO, *arguments)
    assert plan.returncode == 0, plan.stdout
    found = re.findall(r"^(\w+) +(\d+)$", plan.stdout, flags=re.MULTILINE)
    return {name: int(number) for name, number in found if name not in ("total", "all")}


def test_a_template_or_a_name_makes_the_report_alone_again(project):
    project.edit("monoglot/report/templates/style.css", "--paper: #fdfcfa;", "--paper: #ffffff;")
    assert planned(project) == {"report": 1}
    project.edit("monoglot/report/templates/style.css", "--paper: #ffffff;", "--paper: #fdfcfa;")
    project.edit(DEMO, "name: mBERT", "name: BERT")
    assert planned(project) == {"report": 1}


def test_measurements_are_awaited_only_if_they_are_a_target(project):
    both = planned(project, "--config", "targets=['tables', 'deployment', 'report']")
    assert both["deploy"] > 0
    assert both["report"] == 1
    files = project.folder / "results/demo/deployment/xlmr/qaa"
    files.mkdir(parents=True)
    (files / "kd.json").write_text("{}", encoding="utf-8")
    assert planned(project, "--", "report") == {"report": 1}
