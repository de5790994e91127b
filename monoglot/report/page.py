"""The page: what a run has, drawn and in words, filled into the templates."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from monoglot.graph import Graph
from monoglot.report import costs, html_tables, plots, prose, standings, variant_graph
from monoglot.report.finished_run import TEMPLATES, FinishedRun, read_run


def render(graph: Graph, results: Path) -> str:
    """Return the report of a run as HTML; the same files give the same text.

    Args:
        graph: the experiment, as configured.
        results: its results folder; what is missing in it is left out of the report.

    Raises `UserError` if a file is not what it should be.
    """
    run = read_run(graph, results)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(html_tables, name) for name in ("duration", "energy", "mass", "counted")
    }
    # Our own files, which go into the page as they are.
    inline = {
        name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))
        for name in ("style.css", "script.js")
    }
    with plots.look():
        page = SimpleNamespace(**_parts(run), steps=standings.STEPS)
        template = environment.get_template("report.html.j2")
        return template.render(page=page, run=run, inline=inline)


def _parts(run: FinishedRun) -> dict[str, Any]:
    """What the templates show."""
    spent, in_use = costs.job_costs(run), costs.in_use(run)
    panels = [
        plots.score_plot(
            run, panel, f"size-{n}", (plots.SMALL,) if n else (plots.LARGE, plots.SMALL)
        )
        for n, panel in enumerate(standings.panels(run))
    ]
    return {
        "title": prose.title(run),
        "findings": prose.findings(run, spent),
        "known": prose.known(run),
        "method": prose.method(run),
        "families": {plot: _families(run, plot) for plot in ("size", "in-use")},
        "panels": panels,
        "retention": [one for model in run.models if (one := standings.retention(run, model))],
        "distilled": plots.curves(run, distilled=True),
        "adapted": plots.curves(run, distilled=False),
        "graphs": _graphs(run, spent),
        "costs": spent,
        "by_rule": costs.rule_rows(spent),
        "by_variant": costs.variant_rows(run, spent),
        "in_use": [
            (
                one,
                [
                    plots.score_plot(run, p, f"{one.name}-{n}")
                    for n, p in enumerate(in_use[one.name])
                ],
            )
            for one in run.tables
            if one.name in in_use
        ],
        "tables": [one for one in run.tables if one.name not in in_use],
        "figures": _figures(run),
        "configuration": yaml.dump(
            run.graph.config, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=96
        ),
    }


def _families(run: FinishedRun, plot: str) -> list[tuple[str, Markup]]:
    """Of each model its name and its mark, for the legend of a plot."""
    return [
        (run.model_name(model), plots.key(number, f"{plot}-key-{number}"))
        for number, model in enumerate(run.models)
    ]


def _graphs(run: FinishedRun, spent: costs.JobCosts) -> list[plots.Illustration]:
    """The graph of the variants of each model."""
    found = []
    for model in run.graph.config["models"]:
        if boxes := variant_graph.boxes(run, spent, model):
            name = run.model_name(model)
            drawing = variant_graph.draw(boxes, f"graph-{model}", f"How {name}'s variants are made")
            rows = variant_graph.rows(boxes)
            found.append(plots.Illustration(name, [drawing], variant_graph.HEADS, rows))
    return found


def _figures(run: FinishedRun) -> list[tuple[str, str, str]]:
    """Name, caption and picture of each figure that the run has drawn."""
    found = []
    for name, spec in run.graph.config["figures"].items():
        path = run.results / "figures" / f"{name}.png"
        if path.is_file():
            picture = base64.b64encode(path.read_bytes()).decode("ascii")
            found.append((name, spec["caption"], f"data:image/png;base64,{picture}"))
    return found


class _Whole(yaml.SafeDumper):
    """Writes what stands in two places twice, as a configuration without aliases does."""

    def ignore_aliases(self, data: object) -> bool:
        return True
