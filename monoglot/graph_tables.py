"""Tables by kind: what their cells are made from, and which faults are refused."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.nodes import Needs, Run

if TYPE_CHECKING:
    from monoglot.graph import Graph

METRICS = {
    "classification": ("macro_f1", "weighted_f1", "accuracy"),
    "tagging": ("word_f1", "word_accuracy", "subtoken_f1"),
}
"""What a record holds a score of, by kind of task."""


def table_needs(graph: "Graph", table: str) -> Needs:
    """Return what the cells of a table are made from, but for tasks that a language lacks."""
    spec = graph.config["tables"][table]
    needs = NEEDS[spec["kind"]](graph, spec)
    runs = [run for run in needs.runs if run.task in graph.tasks(run.language)]
    return replace(needs, runs=runs)


def check_table(graph: "Graph", table: str) -> None:
    """Raise `UserError`, naming the key at fault, if a table asks for what there is not."""
    spec, where = graph.config["tables"][table], f"tables.{table}"
    CHECKS[spec["kind"]](graph, spec, where)
    _check_baselines(graph, table, where)
    if "published" in spec and not Path(spec["published"]).is_file():
        raise UserError(f"{where}.published: there is no file {spec['published']}")


def table_languages(graph: "Graph", spec: dict) -> list[str]:
    return spec.get("languages", graph.evaluated)


def _scores_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(
        runs=[
            Run(row.get("model", spec["model"]), language, row["variant"], task)
            for row in spec["rows"]
            for language in table_languages(graph, spec)
            for task in spec.get("tasks", graph.config["tasks"])
        ]
    )


def _retention_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(
        runs=[
            Run(column.get("model", spec["model"]), language, column["variant"], spec["task"])
            for column in spec["columns"]
            for language in table_languages(graph, spec)
        ]
    )


def _check_scores(graph: "Graph", spec: dict, where: str) -> None:
    models = [spec["model"], *(row["model"] for row in spec["rows"] if "model" in row)]
    _known(where, "models", models, graph.config["models"])
    _known(where, "evaluated languages", spec.get("languages", []), graph.evaluated)
    tasks = [*spec.get("tasks", []), *spec["scores"]]
    _known(where, "tasks", tasks, graph.config["tasks"])
    variants = [row["variant"] for row in spec["rows"]]
    variants += [spec["baseline"]] if "baseline" in spec else []
    _known(where, "variants", variants, graph.variants)
    if "baseline" in spec and graph.is_baseline(spec["baseline"]):
        raise UserError(
            f"{where}.baseline: '{spec['baseline']}' has no checkpoint, and so no size that "
            "reductions could refer to; name another variant"
        )
    languages, tasks = table_languages(graph, spec), spec.get("tasks", graph.config["tasks"])
    if not any(task in graph.tasks(language) for language in languages for task in tasks):
        raise UserError(f"{where}: none of its languages is evaluated on one of its tasks")
    for task, score in spec["scores"].items():
        _metric(graph, f"{where}.scores.{task}", task, score)


def _check_retention(graph: "Graph", spec: dict, where: str) -> None:
    models = [spec["model"], *(c["model"] for c in spec["columns"] if "model" in c)]
    _known(where, "models", models, graph.config["models"])
    _known(where, "evaluated languages", spec.get("languages", []), graph.evaluated)
    _known(where, "tasks", [spec["task"]], graph.config["tasks"])
    _known(where, "variants", [c["variant"] for c in spec["columns"]], graph.variants)
    if "score" in spec:
        _metric(graph, f"{where}.score", spec["task"], spec["score"])


def _check_baselines(graph: "Graph", table: str, where: str) -> None:
    for run in graph.table_runs(table):
        if not graph.is_baseline(run.variant):
            continue
        graph.settings(graph.checkpoint(run.model, run.language, run.variant))
        metric = graph.config["tasks"][run.task]["metric"]
        if metric.startswith("subtoken_"):
            raise UserError(
                f"tasks.{run.task}.metric: '{metric}' needs a tokenizer, which '{run.variant}' of "
                f"{where} does not have; take a score of words, and show '{metric}' by the key "
                "'scores' of the tables that want it"
            )


def _known(where: str, kind: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    for name in names:
        if name not in allowed:
            raise UserError(
                f"{where}: '{name}' is none of the {kind}; these are {', '.join(allowed)}"
            )


def _metric(graph: "Graph", where: str, task: str, score: str) -> None:
    allowed = METRICS[graph.config["tasks"][task]["kind"]]
    if score not in allowed:
        raise UserError(f"{where}: '{score}' is none of {', '.join(allowed)}")


NEEDS: dict[str, Callable[["Graph", dict], Needs]] = {
    "scores": _scores_needs,
    "retention": _retention_needs,
}
CHECKS: dict[str, Callable[["Graph", dict, str], None]] = {
    "scores": _check_scores,
    "retention": _check_retention,
}
