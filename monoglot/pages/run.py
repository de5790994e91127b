"""A run as its results folder has it: everything that a report shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from monoglot.evaluate.records import Record
from monoglot.figures.base import Key, collect, metric_of
from monoglot.graph import Checkpoint, Graph
from monoglot.pages.table_view import TableView
from monoglot.provenance import Provenance
from monoglot.tables.scores import Cell, shown_scores

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
        return shown_scores(self.graph)

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


def _has(record: Record, scores: Mapping[str, str]) -> bool:
    """Whether a record has the metric shown: a baseline has none that needs a tokenizer."""
    return record["task"] not in scores or scores[record["task"]] in record["scores"]
