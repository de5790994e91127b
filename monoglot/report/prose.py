"""The words of the report: what was found, in sentences, and how the numbers were made."""

from collections.abc import Mapping, Sequence
from typing import Any

from monoglot.data.overlap import said_of
from monoglot.evaluate import kind_of, make_task
from monoglot.evaluate.metrics import METRICS
from monoglot.operations import OPERATIONS
from monoglot.provenance import machine
from monoglot.report.costs import JobCosts
from monoglot.report.finished_run import FinishedRun
from monoglot.report.html_tables import (
    counted,
    duration,
    energy,
    fixed,
    listed,
    mass,
    millions,
    rounded,
)
from monoglot.report.standings import Standing, kept, standings

CLOSE = 2
"""How many points below the whole model still count as close to it."""


def title(run: FinishedRun) -> str:
    """Return the page's title: which languages, which models."""
    graph = run.graph
    languages = [run.language_name(one) for one in graph.evaluated]
    models = [run.model_name(one) for one in run.models or graph.config["models"]]
    where = f"{len(languages)} languages" if len(languages) > 3 else listed(languages)
    return f"{where}: small models made from {listed(models)}"


def findings(run: FinishedRun, costs: JobCosts) -> list[str]:
    """Return the sentences: the smallest that is close, the best, the smallest of all, the cost."""
    smaller = [one for one in standings(run) if one.above_chance]
    return [
        *([_close(run, smaller)] if smaller else []),
        *_best(run),
        *([_smallest(run, smaller)] if smaller else []),
        *([_cost(costs)] if run.jobs else []),
    ]


def known(run: FinishedRun) -> list[str]:
    """Say which evaluation sentences models have read, or repeat those that a task trains on."""
    return [
        f"{said}."
        for language, rows in run.overlaps.items()
        for said in said_of(run.language_name(language), rows)
    ]


def _close(run: FinishedRun, smaller: Sequence[Standing]) -> str:
    close = [one for one in smaller if one.lost <= CLOSE]
    if close:
        best = min(close, key=lambda one: (one.size, one.lost))
        return (
            f"The smallest model within {CLOSE} points of the whole model it comes from is "
            f"{_name(run, best)}: {millions(best.size)} parameters, {rounded(best.smaller)} % "
            f"fewer than {best.whole}, with a mean score of {fixed(best.score, 1)} % instead of "
            f"{fixed(best.whole_score, 1)} %."
        )
    best = min(smaller, key=lambda one: (one.lost, one.size))
    return (
        f"No smaller model stays within {CLOSE} points of the whole model it comes from; the "
        f"closest, {_name(run, best)}, loses {fixed(best.lost, 1)} points of "
        f"{fixed(best.whole_score, 1)} and is {rounded(best.smaller)} % smaller "
        f"({millions(best.size)} parameters)."
    )


def _best(run: FinishedRun) -> list[str]:
    averages = {(m, v): run.average(m, v, run.languages) for m in run.models for v in run.variants}
    known = {name: float(score) for name, score in averages.items() if score is not None}
    if not known:
        return []
    model, variant = max(known, key=known.__getitem__)
    cells = sum(len(run.tasks(language)) for language in run.languages)
    over = counted(cells, "task") if len(run.languages) == 1 else f"{cells} tasks and languages"
    score, chance = fixed(known[model, variant], 1), run.chance(run.languages)
    said = f"The best mean score over {over} is {score} %, of {run.model_name(model)} {variant}"
    if chance is not None:
        said += f"; {run.guess} scores {chance:.1f} %"
    return [f"{said}."]


def _smallest(run: FinishedRun, smaller: Sequence[Standing]) -> str:
    one = min(smaller, key=lambda one: (one.size, -one.score))
    return (
        f"The smallest model of all, {_name(run, one)}, has {millions(one.size)} parameters, "
        f"{rounded(100 - one.smaller)} % of those of {one.whole}, and keeps "
        f"{kept(one.score, one.whole_score):.0f} % of its score."
    )


def _cost(costs: JobCosts) -> str:
    total = costs.total
    said = f"The whole run was {counted(total.jobs, 'job')} and took {duration(total.seconds)}"
    if total.kwh is None:
        return f"{said}; how much energy is not known."
    carbon = f" and {mass(total.co2_kg)} of CO₂" if total.co2_kg is not None else ""
    return f"{said}, with about {energy(total.kwh)}{carbon}."


def _name(run: FinishedRun, one: Standing) -> str:
    return f"{run.model_name(one.model)} {one.variant}"


def method(run: FinishedRun) -> dict[str, Any]:
    """Return with what, when and where a run was made, as its jobs noted it; empty if unknown."""
    jobs, graph = list(run.jobs.values()), run.graph
    started = sorted(job["started"] for job in jobs) or [""]
    used = {graph.operation(name) for name in graph.variants}
    return {
        "started": _moment(started[0]),
        "ended": _moment(started[-1]),
        "commits": sorted({job["git_commit"] for job in jobs if job["git_commit"]}),
        "hardware": sorted({machine(job["hardware"]) for job in jobs}),
        "versions": sorted({pair for job in jobs for pair in job["versions"].items()}),
        "tasks": [(name.upper(), _task(task)) for name, task in graph.config["tasks"].items()],
        "metrics": _metrics(run),
        "operations": [(name, OPERATIONS[name].summary) for name in OPERATIONS if name in used],
    }


def _moment(started: str) -> str:
    """A time to the minute, in UTC."""
    return f"{started[:10]} {started[11:16]} UTC" if started else ""


def _task(task: Mapping[str, Any]) -> str:
    how = "; the whole model is trained for it" if task.get("tuning") == "full" else ""
    if not kind_of(task).trained:
        how = "; nothing is trained for it"
    return make_task("", task).said() + how


def _metrics(run: FinishedRun) -> list[tuple[str, str, str, str]]:
    """Tasks, key of their metric in records, its name, its definition."""
    tasks: dict[str, list[str]] = {}
    for task in run.graph.config["tasks"]:
        if metric := run.metric(task):
            tasks.setdefault(metric, []).append(task.upper())
    return [
        (", ".join(those), key, METRICS[key].label, METRICS[key].description)
        for key, those in tasks.items()
    ]
