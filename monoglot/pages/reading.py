"""Reading a run from its results folder, each file checked."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monoglot.errors import UserError
from monoglot.evaluate.records import read_record
from monoglot.graph import Graph
from monoglot.pages import files
from monoglot.pages.measured_files import read_deployment, read_exported
from monoglot.pages.run import HistoryRow, Run
from monoglot.pages.table_view import read_table
from monoglot.provenance import Provenance
from monoglot.provenance import read as read_provenance
from monoglot.tables.formats import read_rows

LONGEST = 10**12
"""Seconds, or joules, that no job takes."""


def read_run(graph: Graph, results: Path) -> Run:
    """Read what there is of a run; raise `UserError` if a file of it is not what it should be."""
    paths = [*files.made_from(graph), *files.in_use(graph)]
    there = {path for path in paths if (results / path).is_file()}
    return Run(
        graph,
        results,
        [
            read_record(results / path)
            for paths in files.records(graph).values()
            for path in paths
            if path in there
        ],
        [
            read_table(results / "tables", name, _groups(graph, spec), graph.variants)
            for name, spec in graph.config["tables"].items()
            if {f"tables/{name}.csv", f"tables/{name}.md"} <= there
        ],
        _published(graph, results, there),
        {
            node: read_history(results / path)
            for node, path in files.histories(graph).items()
            if path in there
        },
        {path: _job(results / path) for path in files.jobs(graph) if path in there},
        {
            node: read_deployment(results / path)
            for node, path in files.deployments(graph).items()
            if path in there
        },
        {
            name: read_exported(results / path)
            for name, path in files.exported(graph).items()
            if path in there
        },
    )


def read_history(path: Path) -> list[HistoryRow]:
    """Read the history of a training: numbers by column, None where a cell is empty."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [
                {key: _number(value) for key, value in row.items()}
                for row in csv.DictReader(file, restval="", strict=True)
            ]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a history ({error})") from None


def _job(path: Path) -> Provenance:
    """Read a file of provenance, what the job used included."""
    found = read_provenance(path)
    for key in ("seconds", "cpu_seconds", "gpu_joules"):
        value = found.get(key)
        if value is not None and not (type(value) in (int, float) and 0 <= value < LONGEST):
            raise UserError(f"{path}: '{key}' is {value!r}; it must be a number from 0")
    return found


def _number(text: str) -> float | None:
    if not text:
        return None
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number")
    return value


def _groups(graph: Graph, spec: Mapping[str, Any]) -> dict[str, str]:
    """How headings of a table's columns begin that belong together, and what to call the group."""
    languages = {name: about["name"] for name, about in graph.config["languages"].items()}
    columns = (one.get("label", one.get("variant", "")) for one in spec.get("columns", []))
    return {name: name for name in columns} | languages


def _published(
    graph: Graph, results: Path, there: set[str]
) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, spec in graph.config["tables"].items():
        path = f"tables/{name}.csv"
        if spec["kind"] != "scores" or "published" not in spec or path not in there:
            continue
        for row in read_rows(results / path):
            try:
                numbers = {
                    key.removeprefix("published_"): _number(value)
                    for key, value in row.items()
                    if key.startswith("published_") and value
                }
                found.setdefault((row["model"], row["row"]), numbers)
            except (KeyError, ValueError) as error:
                raise UserError(f"{results / path}: is not a table of scores ({error})") from None
    return found
