"""Table 5 of the paper: how many parameters an adapter has in each variant of each model."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Literal

from monoglot.errors import UserError
from monoglot.evaluate.records import adapter_parameters
from monoglot.keys import Count, Parameters
from monoglot.paths import Checkpoint, Needs
from monoglot.tables.base import (
    Column,
    Entries,
    Kind,
    Labelled,
    Record,
    Table,
    TableBlock,
    Text,
    fixed,
)

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

SHAPE_KEYS = (("hidden_size", "num_hidden_layers"), ("dim", "n_layers"))
"""Hidden size and number of layers, as BERT and XLM-R name them, and as DistilBERT does."""


class LabelledModel(Parameters):
    """A column that shows a model."""

    model: Text
    """Name of a model."""
    label: Text
    """What is printed."""


class AdaptersTable(TableBlock):
    """Parameters of an adapter in each variant and model (Table 5)."""

    kind: Literal["adapters"] = "adapters"
    """What the cells are."""
    columns: Entries[LabelledModel]
    """Models with their headings."""
    rows: Entries[Labelled]
    """Variants with their labels, in this order."""
    reduction_factor: Count = 16
    """The same in all rows, whatever the variants' own are."""

    def needs(self, graph: "Graph") -> Needs:
        checkpoints = [
            checkpoint
            for row in self.rows
            for column in self.columns
            for checkpoint in _shapes(graph, column.model, row.variant)
        ]
        return Needs(checkpoints=checkpoints)

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        for row in self.rows:
            if graph.is_baseline(row.variant):
                raise UserError(
                    f"{where}.rows: '{row.variant}' is a baseline, without adapters; remove it"
                )

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        configs = {
            row.variant: {
                column.model: [
                    f"{paths.checkpoint(node)}/config.json"
                    for node in _shapes(graph, column.model, row.variant)
                ]
                for column in self.columns
            }
            for row in self.rows
        }
        return self.given() | {"configs": configs}


class AdaptersSpec(AdaptersTable):
    """What a table of adapters is made by."""

    configs: dict[str, dict[str, list[str]]]
    """By variant and model, the `config.json` of its checkpoints."""


def render(records: Sequence[Record], spec: AdaptersSpec) -> Table:
    """Make the table: a row for each variant, a column for each model.

    Where a variant has several checkpoints of a model (one a language) and they differ, the cell is
    the mean; where it has none it is missing. Raises `UserError` for a file that holds no shape.
    """
    factor = spec.reduction_factor
    rows = []
    for row in spec.rows:
        configs = spec.configs.get(row.variant, {})
        cells = {one.model: _cell(configs.get(one.model, ()), factor) for one in spec.columns}
        rows.append({"row": row.variant, "label": row.label} | cells)
    columns = tuple(Column(column.model, column.label) for column in spec.columns)
    caption = spec.caption or "Parameters of task adapters"
    note = f"Adapters with reduction factor {factor} in all layers; prediction heads not counted."
    return Table(caption, note, {"label": "Model"}, columns, rows)


def _shapes(graph: "Graph", model: str, variant: str) -> list[Checkpoint]:
    """Return a variant's checkpoints, one for each evaluated language or one for all."""
    return sorted({graph.checkpoint(model, language, variant) for language in graph.evaluated})


def _cell(configs: Sequence[str], factor: int) -> str:
    counts = [Fraction(adapter_parameters(*_shape(path), factor)) for path in configs]
    return fixed(mean(counts), 0) if counts else ""


def _shape(path: str) -> tuple[int, int]:
    """Return hidden size and number of layers of a checkpoint's `config.json`."""
    try:
        config = json.loads(Path(path).read_text(encoding="utf-8"))
        hidden, layers = next(keys for keys in SHAPE_KEYS if keys[0] in config)
        return config[hidden], config[layers]
    except (OSError, ValueError, TypeError, KeyError, StopIteration):
        raise UserError(
            f"{path}: holds no hidden size and number of layers; name the config.json of a "
            "checkpoint"
        ) from None


KIND = Kind(AdaptersTable, AdaptersSpec, render)
