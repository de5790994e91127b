"""Figures by kind: what they are made from, and which faults are refused."""

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.evaluate import metrics_of
from monoglot.nodes import Checkpoint, Needs, Run

if TYPE_CHECKING:
    from monoglot.graph import Graph


def figure_needs(graph: "Graph", figure: str) -> Needs:
    """Return what a figure is made from."""
    spec = graph.config["figures"][figure]
    return NEEDS[spec["kind"]](graph, spec)


def check_figure(graph: "Graph", figure: str) -> None:
    """Raise `UserError`, naming the key at fault, if a figure asks for what there is not."""
    spec, where = graph.config["figures"][figure], f"figures.{figure}"
    _known(f"{where}.models", "models", spec.get("models", []), graph.config["models"])
    languages = spec.get("languages", [])
    _known(f"{where}.languages", "evaluated languages", languages, graph.evaluated)
    CHECKS[spec["kind"]](graph, spec, where)


def figure_models(graph: "Graph", spec: dict) -> list[str]:
    return spec.get("models", list(graph.config["models"]))


def figure_languages(graph: "Graph", spec: dict) -> list[str]:
    return spec.get("languages", graph.evaluated)


def figure_tasks(graph: "Graph", spec: dict) -> list[str]:
    return spec.get("tasks", list(graph.config["tasks"]))


def curves(graph: "Graph", spec: dict) -> dict[str, Checkpoint]:
    """Return the checkpoints whose histories a figure shows, by `{model}/{language}/{variant}`."""
    names = [line["variant"] for line in spec["lines"]]
    return {
        f"{model}/{language}/{name}": graph.checkpoint(model, language, name)
        for model, language, name in product(*_panels(graph, spec), names)
    }


def teachers(graph: "Graph", spec: dict) -> dict[str, Checkpoint]:
    """Return the teachers of a figure of drops, by `{model}/{language}/{variant}`."""
    names = [point["teacher"] for point in spec["points"]]
    return {
        f"{model}/{language}/{name}": graph.checkpoint(model, language, name)
        for model, language, name in product(*_panels(graph, spec), names)
    }


def _panels(graph: "Graph", spec: dict) -> tuple[list[str], list[str]]:
    return figure_models(graph, spec), figure_languages(graph, spec)


def _runs(graph: "Graph", spec: dict, variants: Sequence[str], tasks: Sequence[str]) -> list[Run]:
    return [Run(*parts) for parts in product(*_panels(graph, spec), variants, tasks)]


def _curves_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(checkpoints=list(curves(graph, spec).values()))


def _scores_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(runs=_runs(graph, spec, _score_variants(spec), [spec["task"]]))


def _drop_needs(graph: "Graph", spec: dict) -> Needs:
    if "published" in spec:
        return Needs()
    variants = [point[who] for point in spec["points"] for who in ("teacher", "student")]
    return Needs(runs=_runs(graph, spec, variants, figure_tasks(graph, spec)))


def _score_variants(spec: dict) -> list[str]:
    points = [point["variant"] for line in spec["lines"] for point in line["points"]]
    return points + [line["variant"] for line in spec.get("references", [])]


def _check_curves(graph: "Graph", spec: dict, where: str) -> None:
    where = f"{where}.lines"
    _known(where, "variants", [line["variant"] for line in spec["lines"]], graph.variants)
    _once(where, [line["label"] for line in spec["lines"]])
    _trained(graph, curves(graph, spec), where)


def _check_scores(graph: "Graph", spec: dict, where: str) -> None:
    _known(f"{where}.task", "tasks", [spec["task"]], graph.config["tasks"])
    _known(where, "variants", _score_variants(spec), graph.variants)
    _once(where, [line["label"] for line in [*spec["lines"], *spec.get("references", [])]])
    _tasks(graph, spec, where, [spec["task"]])
    if "score" in spec:
        _metric(graph, f"{where}.score", spec["task"], spec["score"])


def _check_drop(graph: "Graph", spec: dict, where: str) -> None:
    variants = [point[who] for point in spec["points"] for who in ("teacher", "student")]
    _known(f"{where}.points", "variants", variants, graph.variants)
    tasks = [*spec.get("tasks", []), *spec["scores"]]
    _known(where, "tasks", tasks, graph.config["tasks"])
    _tasks(graph, spec, where, figure_tasks(graph, spec))
    for task, score in spec["scores"].items():
        _metric(graph, f"{where}.scores.{task}", task, score)
    _trained(graph, teachers(graph, spec), f"{where}.points")
    if "volumes" in spec:
        texts = [name for node in teachers(graph, spec).values() for name in graph.text(node)]
        _known(f"{where}.volumes", "languages given", texts, spec["volumes"])
    if "published" in spec and not os.path.isfile(spec["published"]):
        raise UserError(f"{where}.published: there is no file {spec['published']}")


def _tasks(graph: "Graph", spec: dict, where: str, tasks: Iterable[str]) -> None:
    for language in figure_languages(graph, spec):
        for task in tasks:
            if task not in graph.tasks(language):
                raise UserError(
                    f"{where}: the language '{language}' has no task '{task}'; "
                    "give languages or tasks that go together"
                )


def _trained(graph: "Graph", nodes: dict[str, Checkpoint], where: str) -> None:
    for name, node in nodes.items():
        operation = graph.operation(node.variant)
        if operation != "train":
            raise UserError(
                f"{where}: '{name.split('/')[-1]}' is made by {operation}, which trains nothing; "
                "name a variant of the operation train"
            )


def _known(where: str, kind: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    for name in names:
        if name not in allowed:
            raise UserError(
                f"{where}: '{name}' is none of the {kind}; these are {', '.join(allowed)}"
            )


def _once(where: str, labels: list[str]) -> None:
    for label in labels:
        if labels.count(label) > 1:
            raise UserError(f"{where}: the label '{label}' stands there twice; rename one")


def _metric(graph: "Graph", where: str, task: str, score: str) -> None:
    allowed = metrics_of(graph.config["tasks"][task])
    if score not in allowed:
        raise UserError(f"{where}: '{score}' is none of {', '.join(allowed)}")


NEEDS: dict[str, Callable[["Graph", dict], Needs]] = {
    "curves": _curves_needs,
    "scores": _scores_needs,
    "drop": _drop_needs,
}
CHECKS: dict[str, Callable[["Graph", dict, str], None]] = {
    "curves": _check_curves,
    "scores": _check_scores,
    "drop": _check_drop,
}
