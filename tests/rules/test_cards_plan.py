"""Which jobs model cards ask for, shown by dry runs of the real Snakemake on the demo grid."""

import re

from project_copy import DEMO


def jobs(project, *targets):
    """Return how many jobs of each rule are planned."""
    plan = project.snakemake("--configfile", DEMO, "--dry-run", *targets)
    assert plan.returncode == 0, plan.stdout
    return {name: int(number) for name, number in re.findall(r"^(\w+) +(\d+)$", plan.stdout, re.M)}


def test_cards_of_a_finished_grid_are_all_that_is_made(project):
    assert jobs(project, "cards") == {"card": 20, "cards": 1, "total": 21}


def test_a_licence_runs_nothing_but_cards(project):
    project.edit(DEMO, "  text:\n    default: {", "  text:\n    default: {license: mit, ")
    project.edit(DEMO, "    family: bert\n", "    family: bert\n    license: mit\n")
    assert project.planned() == set()
    assert set(jobs(project, "cards")) == {"card", "cards", "total"}
