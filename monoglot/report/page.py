"""The page: what a run has, drawn and in words, filled into the templates."""

import base64
from collections.abc import Mapping
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
        name: getattr(html_tables, name)
        for name in ("duration", "energy", "mass", "counted", "fixed")
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
    spent, config = costs.job_costs(run), run.graph.config
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
        "families": _families(run, "size"),
        "panels": panels,
        "retention": [one for model in run.models if (one := standings.retention(run, model))],
        "distilled": plots.curves(run, distilled=True),
        "adapted": plots.curves(run, distilled=False),
        "graphs": _graphs(run, spent),
        "costs": spent,
        "bars": _bars(run, spent),
        "deployment": _deployment(run),
        "figures": _figures(run),
        "configuration": yaml.dump(
            config, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=96
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


def _bars(run: FinishedRun, spent: costs.JobCosts) -> list[tuple[str, Markup]]:
    """Bars of time with their captions: by rule, and by variant of each model."""
    rows = {rule: {"jobs": one.seconds} for rule, one in spent.by_rule().items()}
    found = [("Time by rule", plots.bars("time-rules", "Time by rule", rows))] if rows else []
    seconds = spent.by_variant()
    for model in run.graph.config["models"]:
        rows = {
            variant: dict(zip(("making", "scoring"), seconds[model, variant], strict=True))
            for variant in run.graph.variants
            if (model, variant) in seconds
        }
        title = f"Time by variant, {run.model_name(model)}"
        if rows:
            bars = plots.bars(f"time-{model}", title, rows)
            hatched = "full for making it, hatched for scoring it on all tasks and seeds"
            found.append((f"{title}: {hatched}", bars))
    return found


def _deployment(run: FinishedRun) -> Mapping[str, Any] | None:
    """What was measured of variants in use, and how; None if nothing was."""
    measured = costs.deployment(run)
    if not measured:
        return None
    files = list(run.deployments.values())
    return {
        "families": _families(run, "latency"),
        "plots": [
            plots.score_plot(run, panel, f"latency-{n}")
            for n, panel in enumerate(costs.latency_panels(run, measured))
        ],
        "rows": costs.rows_on_one_thread(run, measured),
        "all": costs.all_rows(run, measured),
        "heads": ("Model", "Variant", "Form", "On", *costs.NUMBERS),
        "numbers": costs.NUMBERS,
        "forms": [costs.FORMS.get(form, form) for form in costs.forms(measured)],
        "length": costs.length(run),
        "batch": files[0].batch,
        "machines": sorted({prose.machine(one.hardware.model_dump()) for one in files}),
        "load": max(one.load_average_before for one in files),
    }


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
