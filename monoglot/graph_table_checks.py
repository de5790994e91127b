"""Which tables are refused before anything runs, by kind of table."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from monoglot.config import source_of
from monoglot.errors import UserError
from monoglot.evaluate import metrics_of
from monoglot.graph_tables import examples_sets, table_languages, table_needs
from monoglot.operations import OPERATIONS

if TYPE_CHECKING:
    from monoglot.graph import Graph

FROM_TEXT = tuple(name for name, one in OPERATIONS.items() if "text" in one.reads)
"""Operations that take something from the raw text of a language."""


def check_table(graph: "Graph", table: str) -> None:
    """Raise `UserError`, naming the key at fault, if a table asks for what there is not."""
    spec, where = graph.config["tables"][table], f"tables.{table}"
    CHECKS[spec["kind"]](graph, spec, where)
    _check_baselines(graph, table, where)
    for key in ("rows", "columns"):
        _once(f"{where}.{key}", spec.get(key, []))
    if "published" in spec and not os.path.isfile(spec["published"]):
        raise UserError(f"{where}.published: there is no file {spec['published']}")


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
    _evaluated(graph, spec, spec.get("tasks", graph.config["tasks"]), where)
    for task, score in spec["scores"].items():
        _metric(graph, f"{where}.scores.{task}", task, score)


def _check_retention(graph: "Graph", spec: dict, where: str) -> None:
    models = [spec["model"], *(c["model"] for c in spec["columns"] if "model" in c)]
    _known(where, "models", models, graph.config["models"])
    _known(where, "evaluated languages", spec.get("languages", []), graph.evaluated)
    _known(where, "tasks", [spec["task"]], graph.config["tasks"])
    _known(where, "variants", [c["variant"] for c in spec["columns"]], graph.variants)
    _evaluated(graph, spec, [spec["task"]], where)
    if "score" in spec:
        _metric(graph, f"{where}.score", spec["task"], spec["score"])


def _check_corpora(graph: "Graph", spec: dict, where: str) -> None:
    _known(where, "models", [spec["model"]], graph.config["models"])
    languages = graph.config["languages"]
    _known(where, "languages", spec.get("languages", []), languages)
    variants = [column["variant"] for column in spec["columns"]]
    _known(where, "variants", variants, graph.variants)
    for language in table_languages(graph, spec):
        source_of(graph.config, "text", language)
    for variant in variants:
        made = graph.checkpoint(spec["model"], next(iter(languages)), variant)
        operation = graph.operation(made.variant)
        if operation not in FROM_TEXT or not graph.text_languages(made):
            raise UserError(
                f"{where}.columns: '{variant}' is made by {operation}, from no text; "
                f"name a variant of {', '.join(FROM_TEXT)}"
            )


def _check_examples(graph: "Graph", spec: dict, where: str) -> None:
    _known(where, "languages", spec.get("languages", []), graph.config["languages"])
    _known(where, "tasks", spec.get("tasks", []), graph.config["tasks"])
    _evaluated(graph, spec, spec.get("tasks", graph.config["tasks"]), where)
    for language, task in examples_sets(graph, spec):
        source_of(graph.config, task, language)


def _check_hyperparameters(graph: "Graph", spec: dict, where: str) -> None:
    _known(where, "tasks", spec.get("tasks", []), graph.config["tasks"])


def _check_adapters(graph: "Graph", spec: dict, where: str) -> None:
    models = [column["model"] for column in spec["columns"]]
    variants = [row["variant"] for row in spec["rows"]]
    _known(where, "models", models, graph.config["models"])
    _known(where, "variants", variants, graph.variants)
    for variant in variants:
        if graph.is_baseline(variant):
            raise UserError(f"{where}.rows: '{variant}' is a baseline, without adapters; remove it")


def _check_deployment(graph: "Graph", spec: dict, where: str) -> None:
    _known(where, "models", spec.get("models", []), graph.config["models"])
    _known(where, "evaluated languages", spec.get("languages", []), graph.evaluated)
    _known(where, "tasks", spec.get("tasks", []), graph.config["tasks"])
    variants = [row["variant"] for row in spec.get("rows", [])]
    _known(where, "variants", variants, graph.variants)
    _evaluated(graph, spec, spec.get("tasks", graph.config["tasks"]), where)
    for variant in variants:
        if graph.is_baseline(variant):
            raise UserError(f"{where}.rows: '{variant}' is a baseline, without a model; remove it")
    for language in table_languages(graph, spec):
        source_of(graph.config, "heldout", language)
    lengths = graph.config["deployment"]["lengths"]
    if spec.get("length", lengths[0]) not in lengths:
        raise UserError(
            f"{where}.length: {spec['length']} is none of deployment.lengths, which are "
            f"{', '.join(map(str, lengths))}"
        )


def _check_baselines(graph: "Graph", table: str, where: str) -> None:
    for run in table_needs(graph, table).runs:
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


def _evaluated(graph: "Graph", spec: dict, tasks: Iterable[str], where: str) -> None:
    languages = table_languages(graph, spec)
    if not any(task in graph.tasks(language) for language in languages for task in tasks):
        raise UserError(f"{where}: none of its languages is evaluated on one of its tasks")


def _known(where: str, kind: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    for name in names:
        if name not in allowed:
            raise UserError(
                f"{where}: '{name}' is none of the {kind}; these are {', '.join(allowed)}"
            )


def _once(where: str, entries: list) -> None:
    """Refuse a row or column that stands there twice, under whatever label."""
    shown = [entry for entry in entries if isinstance(entry, dict)]
    seen: set[frozenset] = set()
    for entry in shown:
        about = {key: entry[key] for key in entry if key != "label"}
        if frozenset(about.items()) in seen:
            raise UserError(f"{where}: '{' '.join(about.values())}' stands there twice")
        seen.add(frozenset(about.items()))


def _metric(graph: "Graph", where: str, task: str, score: str) -> None:
    allowed = metrics_of(graph.config["tasks"][task])
    if score not in allowed:
        raise UserError(f"{where}: '{score}' is none of {', '.join(allowed)}")


CHECKS: dict[str, Callable[["Graph", dict, str], None]] = {
    "scores": _check_scores,
    "corpora": _check_corpora,
    "examples": _check_examples,
    "hyperparameters": _check_hyperparameters,
    "adapters": _check_adapters,
    "retention": _check_retention,
    "deployment": _check_deployment,
}
