"""Table 4 of the paper: how the adapters of each task are trained, from the configuration alone."""

from collections.abc import Mapping
from decimal import Decimal

from monoglot.errors import UserError
from monoglot.report.block import check_keys, names, text
from monoglot.report.table import Column, Table

KEYS = ("row",)
REQUIRED = ("tasks", "rows")
OPTIONAL = ("caption", "published")
LABELS = {
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "epochs": "Epochs",
    "max_length": "Maximum length",
    "weight_decay": "Weight decay",
    "warmup": "Warm-up",
    "reduction_factor": "Reduction factor",
}


def render(block: Mapping) -> Table:
    """Make the table of a block: a row for each of `rows`, a column for each task.

    `tasks` are blocks of the configuration by name. Raises `UserError` for a bad block.
    """
    check_keys(block, REQUIRED, OPTIONAL, "a table of hyperparameters")
    rows = []
    for key in names(block["rows"], "rows"):
        if key not in LABELS:
            raise UserError(f"table key 'rows': '{key}' is none of {', '.join(LABELS)}")
        cells = {name: _plain(task.get(key)) for name, task in block["tasks"].items()}
        rows.append({"row": key, "label": LABELS[key]} | cells)
    columns = tuple(Column(name, name.upper()) for name in block["tasks"])
    caption = text(block.get("caption") or "Hyperparameters of task adapters", "caption")
    return Table(caption, "As configured.", {"label": "Hyperparameter"}, columns, rows)


def _plain(value: float | None) -> str:
    """Return a number without an exponent: 0.00001 and not 1e-05."""
    return "" if value is None else f"{Decimal(str(value)):f}"
