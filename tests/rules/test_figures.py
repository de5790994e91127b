"""The figures as targets: what each configuration plans, and a figure drawn by Snakemake."""

import csv
import re

import pytest
import yaml
from project_copy import DEMO, ROOT, Project
from test_plan import jobs

FIGURES = [f"figure{number}" for number in range(2, 11)] + ["data_volume"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a copy of the project in which nothing has run."""
    return Project(tmp_path_factory.mktemp("fresh") / "project")


def plan(project: Project, name: str, *arguments: str) -> dict[str, int]:
    config = ("--configfile", f"configs/{name}.yaml")
    return jobs(project.snakemake("-n", "--quiet", "rules", *config, *arguments).stdout)


@pytest.mark.parametrize("name", ["ablations", "demo-ablations"])
def test_both_ablations_hold_all_ten_figures(name):
    config = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert list(config["figures"]) == FIGURES
    assert config["targets"] == ["figures"]


def test_the_papers_ablations_are_planned_without_a_network(fresh):
    counts = plan(fresh, "ablations")
    assert counts["figure"] == len(FIGURES)
    # The grid's own: teacher, first step and hidden 312 for each of 6; 564 and 456 of Maltese.
    grid = 3 * 6 + 2 * 2
    # Figure 2: two multilingual students and a lone one for each of 6, and XLM-R's last layers.
    first_step = 3 * 6 + 3
    distances = 2 * 6
    # mBERT lacks four initialisations; XLM-R four, of which Figure 2 has made one.
    starts = 4 * 3 + 3 * 3
    hidden, alphas = 5, 4 * 2
    assert counts["train"] == grid + first_step + distances + starts + hidden + alphas
    # Figure 9: 6 of 3 languages; Figure 10: 4 models, 7 factors and 2 families, one of them above.
    # Data volume: 2 variants, 6 of model and language, 4 tasks, the two of Maltese TC above.
    assert counts["evaluate"] == 6 * 3 + (4 * 7 * 2 - 1) + (2 * 6 * 4 - 2)


def test_the_miniature_is_planned_on_top_of_the_demo(fresh):
    counts = plan(fresh, "demo-ablations")
    assert counts["figure"] == len(FIGURES)
    # Of the demo: base, adapted, kd and three hidden sizes; then Figure 2, 3 and 4, 5 and 6, 7, 8,
    # and two more teachers with two students each.
    assert counts["train"] == 2 * (6 + 4 + 2 + 4 + 4 + 2 * 3) + 6


def test_a_finished_demo_is_not_made_again(project):
    counts = plan(project, "demo-ablations")
    assert counts["train"] == 2 * (4 + 2 + 4 + 4 + 2 * 3) + 6
    assert "scratch" not in counts
    assert "build_tokens" not in counts


def test_a_plain_run_plans_no_figure(fresh):
    demo = fresh.snakemake("-n", "--quiet", "rules", "--configfile", DEMO)
    assert "figure" not in jobs(demo.stdout)


def test_figures_of_a_configuration_whose_target_is_tables_wait_to_be_asked_for(fresh):
    targets = ("--config", "targets=['tables', 'report']")
    plain, asked = (
        plan(fresh, "demo-ablations", *targets, *more) for more in ((), ("--", "figures"))
    )
    demo = jobs(fresh.snakemake("-n", "--quiet", "rules", "--configfile", DEMO).stdout)
    assert plain == demo
    assert asked["figure"] == len(FIGURES)


def test_a_published_figure_is_drawn_with_nothing_but_its_file(fresh):
    config = ("--configfile", "configs/published.yaml")
    run = fresh.snakemake("--cores", "1", "--quiet", "rules", *config)
    assert run.returncode == 0, run.stdout
    assert "The figures are in results/published/figures." in run.stdout
    folder = fresh.folder / "results" / "published" / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"data_volume.{form}" for form in ("csv", "pdf", "png", "provenance.json")
    ]
    with open(folder / "data_volume.csv", encoding="utf-8", newline="") as file:
        rows = {(row["model"], row["language"]): row for row in csv.DictReader(file)}
    assert round(float(rows["xlmr", "mt"]["drop"]), 1) == 19.2
    again = fresh.snakemake("-n", *config)
    assert "Nothing to be done" in again.stdout


def test_the_volumes_of_table_2_are_those_of_its_data(fresh):
    config = yaml.safe_load((ROOT / "configs" / "published.yaml").read_text(encoding="utf-8"))
    with open(ROOT / "resources" / "paper" / "table2.csv", encoding="utf-8", newline="") as file:
        data = {row["language"]: float(row["adapted_megabytes"]) for row in csv.DictReader(file)}
    assert config["figures"]["data_volume"]["volumes"] == data


def test_a_fault_in_a_figure_is_one_sentence(fresh):
    run = fresh.snakemake(
        "-n", "--configfile", DEMO, "--config", "figures={'f': {'kind': 'curves', 'lines': []}}"
    )
    assert run.returncode != 0
    assert re.search(r"figures\.f\.lines: \[\] .*", run.stdout)
    assert "Traceback" not in run.stdout
