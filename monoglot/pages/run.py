"""A run as its results folder has it: everything that a report shows, read and checked."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from monoglot.errors import UserError
from monoglot.evaluate.records import Record, read_record
from monoglot.figures.cells import Key, collect, metric_of
from monoglot.graph import Checkpoint, Graph
from monoglot.pages import files
from monoglot.pages.measured_files import read_deployment, read_exported
from monoglot.pages.table_view import TableView, read_csv, read_table
from monoglot.provenance import Provenance
from monoglot.provenance import read as read_provenance
from monoglot.report.cells import Cell

LONGEST = 10**12
"""Seconds, or joules, that no job takes."""
HistoryRow = Mapping[str, float | None]


@dataclass(frozen=True)
class Run:
    """An experiment and what there is of its results; what is missing is left out.

    Attributes:
        graph: the experiment as configured.
        results: its results folder.
        records: what adapter runs scored.
        tables: the finished tables, in the order of the configuration.
        published: published numbers in the tables of scores: (model, variant) -> column -> value.
        histories: of each trained checkpoint, a row an evaluation.
        jobs: files of provenance by their path in the results folder.
        deployments: of each checkpoint, what it takes where it is used.
        exported: by `model/language/variant`, scores after export, by task and numbers.
    """

    graph: Graph
    results: Path
    records: list[Record]
    tables: list[TableView]
    published: Mapping[tuple[str, str], Mapping[str, float]]
    histories: Mapping[Checkpoint, list[HistoryRow]]
    jobs: Mapping[str, Provenance]
    deployments: Mapping[Checkpoint, Mapping[str, Any]]
    exported: Mapping[str, Mapping[str, Any]]

    @cached_property
    def scores(self) -> Mapping[str, str]:
        """By task, the metric shown where it is not the records' own: as in the first table."""
        tables = self.graph.config["tables"].values()
        return next((spec["scores"] for spec in tables if spec["kind"] == "scores"), {})

    @cached_property
    def cells(self) -> Mapping[Key, Cell]:
        """Scores in percent by model, language, variant and task; runs without scores left out."""
        found = collect([one for one in self.records if _has(one, self.scores)], self.scores)
        return {key: cell for key, cell in found.items() if cell.percent}

    @cached_property
    def sizes(self) -> Mapping[tuple[str, str, str], int]:
        """Parameters by model, language and variant; baselines, which have none, left out."""
        return {
            (one["model"], one["language"], one["variant"]): one["parameters"]
            for one in self.records
            if one["parameters"] is not None
        }

    @cached_property
    def models(self) -> list[str]:
        return [m for m in self.graph.config["models"] if any(key[0] == m for key in self.cells)]

    @cached_property
    def languages(self) -> list[str]:
        """Languages that anything is scored in, in the order of the configuration."""
        return [one for one in self.graph.evaluated if any(key[1] == one for key in self.cells)]

    @cached_property
    def variants(self) -> list[str]:
        """Variants that are scored, in the order of the configuration."""
        return [one for one in self.graph.variants if any(key[2] == one for key in self.cells)]

    def tasks(self, language: str) -> list[str]:
        """The tasks that anything is scored on in a language."""
        return [task for task in self.graph.tasks(language) if (language, task) in self._scored]

    @cached_property
    def _scored(self) -> set[tuple[str, str]]:
        return {(language, task) for _, language, _, task in self.cells}

    def metric(self, task: str) -> str:
        return metric_of(self.records, task, self.scores)

    def model_name(self, model: str) -> str:
        return self.graph.config["models"][model].get("name", model)

    def language_name(self, language: str) -> str:
        return self.graph.config["languages"].get(language, {}).get("name", language)


def read_run(graph: Graph, results: Path) -> Run:
    """Read what there is of a run; raise `UserError` if a file of it is not what it should be."""
    there = {path for path in files.made_from(graph) if (results / path).is_file()}
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
            if (results / path).is_file()
        },
        {
            name: read_exported(results / path)
            for name, path in files.exported(graph).items()
            if (results / path).is_file()
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


def _has(record: Record, scores: Mapping[str, str]) -> bool:
    """Whether a record has the metric shown: a baseline has none that needs a tokenizer."""
    return record["task"] not in scores or scores[record["task"]] in record["scores"]


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
        for row in read_csv(results / path):
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
