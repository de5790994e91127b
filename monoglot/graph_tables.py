"""What the cells of a table are made from, by kind of table."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monoglot.nodes import ANY, Checkpoint, Needs, Run

if TYPE_CHECKING:
    from monoglot.graph import Graph


class DeploymentRow(NamedTuple):
    """A variant that a table of deployment shows, and the languages that it is shown for."""

    model: str
    variant: str
    label: str
    languages: list[str]


def table_needs(graph: "Graph", table: str) -> Needs:
    """Return what the cells of a table are made from, but for tasks that a language lacks."""
    spec = graph.config["tables"][table]
    needs = NEEDS[spec["kind"]](graph, spec)
    runs = [run for run in needs.runs if run.task in graph.tasks(run.language)]
    return replace(needs, runs=runs)


def text_nodes(graph: "Graph", spec: dict, variant: str) -> dict[str, Checkpoint]:
    """Return, by language of a `corpora` table, the checkpoint that is made from its text.

    A language has none if the variant is not made for it and does not have it in its mixture.
    """
    found = {}
    for language in table_languages(graph, spec):
        checkpoint = graph.checkpoint(spec["model"], language, variant)
        made = checkpoint.language == ANY or language in graph.evaluated
        if made and language in graph.text(checkpoint):
            found[language] = checkpoint
    return found


def examples_sets(graph: "Graph", spec: dict) -> list[tuple[str, str]]:
    """Return (language, task) of an `examples` table, but for tasks that a language lacks."""
    return [
        (language, task)
        for language in table_languages(graph, spec)
        for task in spec.get("tasks", graph.config["tasks"])
        if task in graph.tasks(language)
    ]


def shape_nodes(graph: "Graph", model: str, variant: str) -> list[Checkpoint]:
    """Return a variant's checkpoints, one for each evaluated language or one for all."""
    return sorted({graph.checkpoint(model, language, variant) for language in graph.evaluated})


def table_languages(graph: "Graph", spec: dict) -> list[str]:
    return spec.get("languages", graph.evaluated)


def deployment_rows(graph: "Graph", spec: dict) -> list[DeploymentRow]:
    """Return the rows of a table of deployment, each model's together.

    Where it has none of its own they are those of the tables of scores, without baselines, each
    with the languages that those show.
    """
    models = spec.get("models", list(graph.config["models"]))
    languages = table_languages(graph, spec)
    rows: dict[tuple[str, str], DeploymentRow] = {}
    if "rows" in spec:
        own = {"model": None, "languages": languages, "rows": spec["rows"]}
        tables = [own | {"model": model} for model in models]
    else:
        tables = [t for t in graph.config["tables"].values() if t["kind"] == "scores"]
    for table in tables:
        for row in table["rows"]:
            model, variant = row.get("model", table["model"]), row["variant"]
            if model in models and not graph.is_baseline(variant):
                found = DeploymentRow(model, variant, row["label"], [])
                shown = rows.setdefault((model, variant), found).languages
                more = table_languages(graph, table)
                shown += [one for one in languages if one in more and one not in shown]
    return sorted((row for row in rows.values() if row.languages), key=_by_model(models))


def _by_model(models: list[str]) -> Callable[[DeploymentRow], int]:
    return lambda row: models.index(row.model)


def shown_scores(graph: "Graph") -> dict[str, str]:
    """Return, by task, the metric that the first table of scores shows, if not the records' own."""
    tables = graph.config["tables"].values()
    return next((spec["scores"] for spec in tables if spec["kind"] == "scores"), {})


def deployed(graph: "Graph") -> list[Checkpoint]:
    """Return the checkpoints that tables of scores and of deployment show."""
    runs = deployed_runs(graph)
    return sorted({graph.checkpoint(run.model, run.language, run.variant) for run in runs})


def deployed_runs(graph: "Graph") -> list[Run]:
    """Return the runs, all but those of baselines, that tables of scores and of deployment show."""
    return sorted(
        {
            run
            for table, needs in graph.needs.items()
            if graph.config["tables"][table]["kind"] in ("scores", "deployment")
            for run in needs.runs
            if not graph.is_baseline(run.variant)
        }
    )


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


def _corpora_needs(graph: "Graph", spec: dict) -> Needs:
    stores = [
        (checkpoint, language)
        for column in spec["columns"]
        for language, checkpoint in text_nodes(graph, spec, column["variant"]).items()
    ]
    sets = [(language, "text") for language in table_languages(graph, spec)]
    return Needs(stores=stores if spec["tokens"] else [], sets=sets)


def _examples_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(sets=examples_sets(graph, spec))


def _hyperparameters_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs()


def _adapters_needs(graph: "Graph", spec: dict) -> Needs:
    return Needs(
        checkpoints=[
            checkpoint
            for row in spec["rows"]
            for column in spec["columns"]
            for checkpoint in shape_nodes(graph, column["model"], row["variant"])
        ]
    )


def _deployment_needs(graph: "Graph", spec: dict) -> Needs:
    runs = [
        Run(row.model, language, row.variant, task)
        for row in deployment_rows(graph, spec)
        for language in row.languages
        for task in spec.get("tasks", graph.config["tasks"])
    ]
    return Needs(runs=runs)


NEEDS: dict[str, Callable[["Graph", dict], Needs]] = {
    "scores": _scores_needs,
    "corpora": _corpora_needs,
    "examples": _examples_needs,
    "hyperparameters": _hyperparameters_needs,
    "adapters": _adapters_needs,
    "retention": _retention_needs,
    "deployment": _deployment_needs,
}
