"""Which files of a results folder a report is made from. This module imports nothing heavy."""

import os
from collections.abc import Iterator
from pathlib import Path

from monoglot.graph import Checkpoint, Graph
from monoglot.nodes import Run
from monoglot.tables.deployment import deployed

NAME = "report.html"
TEMPLATES = Path(__file__).with_name("templates")
PROVENANCE = "provenance.json"


def templates() -> list[Path]:
    """Return the files that a report is filled into: they are part of its code."""
    return sorted(file for file in TEMPLATES.iterdir() if file.is_file())


def reported(config: dict) -> Graph:
    """Return the part of an experiment that its report shows: all of it.

    Figures and what is made for them alone are left out, unless they are among the targets: nobody
    waits for them then.
    """
    graph = Graph(config)
    if "figures" in graph.config["targets"] or not graph.config["figures"]:
        return graph
    return Graph(graph.config | {"figures": {}})


def made_from(graph: Graph) -> list[str]:
    """Return the paths, relative to the results folder, of all that a whole report is made from.

    But for what is `in_use`.
    """
    return [
        *(f"tables/{name}.{form}" for name in _tables(graph) for form in ("csv", "md")),
        *(f"figures/{name}.{form}" for name in graph.config["figures"] for form in ("csv", "png")),
        *(path for paths in records(graph).values() for path in paths),
        *histories(graph).values(),
        *jobs(graph),
    ]


def records(graph: Graph) -> dict[str, list[str]]:
    """Return the records of each adapter run, by the run's name."""
    return {
        str(run): [f"scores/{run}/seed{seed}.json" for seed in graph.seeds(run.variant)]
        for run in _runs(graph)
    }


def histories(graph: Graph) -> dict[Checkpoint, str]:
    """Return the histories of all checkpoints that are trained."""
    trained = set(graph.of_operation("train"))
    return {
        node: f"models/{node}/history.csv" for node in graph.checkpoints if node.variant in trained
    }


def deployments(graph: Graph) -> dict[Checkpoint, str]:
    """Return the measurements of checkpoints where they are used."""
    return {node: f"deployment/{node}.json" for node in deployed(graph)}


def exported(graph: Graph) -> dict[str, str]:
    """Return the scores after export, by `model/language/variant`."""
    names = [
        f"{run.model}/{run.language}/{run.variant}"
        for run in graph.runs
        if not graph.is_baseline(run.variant)
    ]
    return {name: f"onnx_scores/{name}.json" for name in dict.fromkeys(names)}


def in_use(graph: Graph) -> list[str]:
    """Return what is measured and scored as it is used, and tables of it; shown where it is."""
    measured = [*deployments(graph).values(), *exported(graph).values()]
    tables = [name for name in graph.config["tables"] if name not in _tables(graph)]
    return measured + [f"tables/{name}.{form}" for name in tables for form in ("csv", "md")]


def jobs(graph: Graph) -> list[str]:
    """Return the files of provenance of all jobs behind tables and figures, theirs included."""
    config, found = graph.config, []
    if "invented" in config["data"]:  # the raw files, perhaps in another folder, have a job too
        found.append(os.path.relpath(f"{config['data']['root']}/{PROVENANCE}", config["results"]))
    found += [f"data/{language}/{name}.{PROVENANCE}" for language, name in _sets(graph)]
    found += [f"tokens/{store}/{PROVENANCE}" for store in sorted(set(_stores(graph)))]
    found += [f"models/{node}/{PROVENANCE}" for node in graph.checkpoints]
    found += [f"scores/{run}/{PROVENANCE}" for run in _runs(graph)]
    found += [f"tables/{name}.{PROVENANCE}" for name in _tables(graph)]
    found += [f"figures/{name}.{PROVENANCE}" for name in config["figures"]]
    return found


def _tables(graph: Graph) -> list[str]:
    """Tables that are made without measuring: those of deployment have a target of their own."""
    tables = graph.config["tables"].items()
    return [name for name, spec in tables if spec["kind"] != "deployment"]


def _runs(graph: Graph) -> list[Run]:
    """Adapter runs that these tables, or figures, need."""
    needs = [*(graph.needs[name] for name in _tables(graph)), *graph.figure_needs.values()]
    return sorted({run for one in needs for run in one.runs})


def _sets(graph: Graph) -> list[tuple[str, str]]:
    """Languages and sets of data that were read; of texts, those that stores are made of."""
    found = {(run.language, run.task) for run in _runs(graph)}
    found |= {about for needs in graph.needs.values() for about in needs.sets}
    found |= {tuple(store.split("/")[-2:]) for store in _stores(graph)}
    for node in graph.checkpoints:
        operation = graph.operation(node.variant)
        if operation == "trim_vocab":
            found.add((node.language, "heldout"))
        elif operation == "scratch":
            found |= {(language, "text") for language in graph.text_languages(node)}
    return sorted(found)


def _stores(graph: Graph) -> Iterator[str]:
    """Token stores that operations and tables read: tokenizer's checkpoint, language, set."""
    for node in graph.checkpoints:
        operation = graph.operation(node.variant)
        source = graph.parent(node) if operation == "trim_vocab" else node
        names = {"train": ("text", "validation"), "prune_ffn": ("validation",)}
        for name in names.get(operation, ("text",) if operation == "trim_vocab" else ()):
            for language in graph.text_languages(node):
                yield f"{graph.tokenizer(source)}/{language}/{name}"
    for needs in graph.needs.values():
        for node, language in needs.stores:
            yield f"{graph.tokenizer(node)}/{language}/text"
