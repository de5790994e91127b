"""A kind of table and a kind of figure, each added as one module: from configuration to files."""

import csv
import subprocess
import sys

import pytest
import yaml
from project_copy import Project
from test_plan import jobs

TABLE = '''\
"""How many tasks each language has."""

from typing import Literal

from monoglot.tables.base import Column, Kind, Table, TableBlock, TextNames


class TasksTable(TableBlock):
    """How many tasks each language has."""

    kind: Literal["tasks"] = "tasks"
    """What the cells are."""
    languages: TextNames | None = None
    """All evaluated languages by default."""

    def spec(self, graph, paths):
        languages = self.languages_of(graph)
        return self.given() | {"tasks": {one: len(graph.tasks(one)) for one in languages}}


class TasksSpec(TasksTable):
    """What the table is made by."""

    tasks: dict[str, int]


def render(records, spec):
    rows = [{"row": one, "label": one, "tasks": str(n)} for one, n in spec.tasks.items()]
    columns = (Column("tasks", "Tasks"),)
    return Table(spec.caption or "Tasks", "As configured.", {"label": "Language"}, columns, rows)


KIND = Kind(TasksTable, TasksSpec, render)
'''
FIGURE = '''\
"""A point for each language."""

from typing import Annotated, Literal

from pydantic import Field

from monoglot.figures.blocks import FigureBlock, FigureKind


class DotsFigure(FigureBlock):
    """A point for each language, all as high."""

    kind: Literal["dots"]
    """What is drawn."""
    height: Annotated[int, Field(ge=1)] = 1
    """Of the points."""


def rows(spec, sources, records):
    return [{"language": one, "height": str(spec.height)} for one in spec.languages]


def draw(drawn, spec, sources):
    from monoglot.figures.canvas import Canvas

    canvas = Canvas(1, 1, spec.caption, ["languages"], "")
    names = [sources.name(row["language"]) for row in drawn]
    canvas.panels[0].plot(names, [float(row["height"]) for row in drawn], label="languages")
    return canvas.finish()


KIND = FigureKind(DotsFigure, rows, draw)
'''
CONFIG = """\
extends: configs/published.yaml
targets: [tables, figures]
tables:
  counts: {kind: tasks, caption: How many}
figures:
  data_volume: null
  dots: {kind: dots, height: 3, models: [xlmr]}
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Return a copy of the project with one more kind of table and one more of figure."""
    project = Project(tmp_path_factory.mktemp("kinds") / "project")
    (project.folder / "monoglot/tables/tasks.py").write_text(TABLE, encoding="utf-8")
    (project.folder / "monoglot/figures/dots_figure.py").write_text(FIGURE, encoding="utf-8")
    (project.folder / "kinds.yaml").write_text(CONFIG, encoding="utf-8")
    return project


def test_a_module_is_all_that_a_kind_takes(extended):
    config = ("--configfile", "kinds.yaml")
    assert jobs(extended.snakemake("-n", "--quiet", "rules", *config).stdout) == {
        "table": 1,
        "figure": 1,
        "all": 1,
        "total": 3,
    }
    done = extended.snakemake("--cores", "2", *config)
    assert done.returncode == 0, done.stdout
    made = extended.folder / "results" / "published"
    with open(made / "tables/counts.csv", encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file)) == {"row": "mt", "label": "mt", "tasks": "4"}
    assert (made / "tables/counts.md").read_text(encoding="utf-8").startswith("# How many\n")
    assert (made / "figures/dots.csv").read_text(encoding="utf-8").startswith("language,height\n")
    assert (made / "figures/dots.pdf").read_bytes().startswith(b"%PDF")
    assert "Nothing to be done" in extended.snakemake("--cores", "1", *config).stdout
    # What a kind draws is no part of what another kind does.
    extended.edit("monoglot/figures/dots_figure.py", "float(row", "2 * float(row")
    assert "figure" in jobs(extended.snakemake("-n", "--quiet", "rules", *config).stdout)
    assert "table" not in jobs(extended.snakemake("-n", "--quiet", "rules", *config).stdout)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("height: 3", "height: 0", "figures.dots.height: 0 is less than the minimum of 1"),
        (
            "caption: How many",
            "languages: [xx]",
            "tables.counts.languages: 'xx' is not one of the",
        ),
        ("caption: How many", "tokens: true", "tables.counts: unknown key 'tokens'; known keys"),
        (
            "kind: tasks",
            "kind: task",
            "tables.counts.kind: 'task' must be one of adapters",
        ),
    ],
)
def test_its_keys_and_checks_count_before_anything_runs(extended, old, new, message):
    wrong = yaml.safe_load(CONFIG.replace(old, new))
    assert wrong != yaml.safe_load(CONFIG)
    code = f"from monoglot.graph import Graph; Graph({wrong!r})"
    command = [sys.executable, "-c", code]
    refused = subprocess.run(command, cwd=extended.folder, capture_output=True, text=True)
    assert message in refused.stderr
