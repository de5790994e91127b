"""Table 4 of the paper: how the adapters of each task are trained, from the configuration alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field

from monoglot.keys import UNIQUE
from monoglot.tables.base import (
    Column,
    Kind,
    Record,
    Table,
    TableBlock,
    Text,
    TextNames,
)

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

Key = Literal[
    "learning_rate",
    "batch_size",
    "epochs",
    "min_steps",
    "max_length",
    "weight_decay",
    "warmup",
    "reduction_factor",
]
LABELS = {key: key.replace("_", " ").capitalize() for key in get_args(Key)}
LABELS |= {"min_steps": "Fewest steps", "max_length": "Maximum length", "warmup": "Warm-up"}


class HyperparametersTable(TableBlock):
    """How the adapters of each task are trained, from the configuration (Table 4)."""

    kind: Literal["hyperparameters"] = "hyperparameters"
    """What the cells are."""
    tasks: TextNames | None = None
    """All tasks that adapters are trained for by default."""
    rows: Annotated[list[Key], Field(min_length=1), *UNIQUE] = [
        "learning_rate",
        "batch_size",
        "epochs",
        "max_length",
    ]
    """Keys of a task to show."""

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        tasks = graph.config["tasks"]
        names = self.tasks or filter(graph.is_trained, tasks)
        shown = {name: {k: tasks[name].get(k) for k in self.rows} for name in names}
        return self.given() | {"tasks": shown}


class HyperparametersSpec(HyperparametersTable):
    """What a table of hyperparameters is made by."""

    tasks: dict[Text, dict[str, Any]]
    """Blocks of the configuration by name, in which a key may be missing or null."""


def render(records: Sequence[Record], spec: HyperparametersSpec) -> Table:
    """Make the table: a row for each of `rows`, a column for each task."""
    rows = [
        {"row": key, "label": LABELS[key]}
        | {name: _plain(task.get(key)) for name, task in spec.tasks.items()}
        for key in spec.rows
    ]
    columns = tuple(Column(name, name.upper()) for name in spec.tasks)
    caption = spec.caption or "Hyperparameters of task adapters"
    return Table(caption, "As configured.", {"label": "Hyperparameter"}, columns, rows)


def _plain(value: float | None) -> str:
    """Return a number without an exponent: 0.00001 and not 1e-05."""
    return "" if value is None else f"{Decimal(str(value)):f}"


KIND = Kind(HyperparametersTable, HyperparametersSpec, render)
