"""Table 5 of the paper: how many parameters an adapter has in each variant of each model."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean

from monoglot.errors import UserError
from monoglot.evaluate.adapter_size import adapter_parameters
from monoglot.report.block import check_keys, entries, labelled, labels, text
from monoglot.report.table import Column, Table, fixed

KEYS = ("row",)
REQUIRED = ("models", "rows", "reduction_factor", "configs")
OPTIONAL = ("caption", "published")
SHAPE_KEYS = (("hidden_size", "num_hidden_layers"), ("dim", "n_layers"))
"""Hidden size and number of layers, as BERT and XLM-R name them, and as DistilBERT does."""


def render(block: Mapping) -> Table:
    """Make the table of a block: a row for each variant, a column for each model.

    `models` are headings by name, `rows` variants with labels, and `configs` says by variant and
    model which `config.json` of checkpoints to read. Where there are several (one a language) and
    they differ, the cell is the mean; where there is none it is missing. Raises `UserError` for a
    bad block or a file that holds no shape.
    """
    check_keys(block, REQUIRED, OPTIONAL, "a table of adapters")
    models = labels(block["models"], "models")
    factor = block["reduction_factor"]
    if type(factor) is not int or factor < 1:
        raise UserError(f"table key 'reduction_factor': {factor!r} must be a whole number from 1")
    rows = []
    for variant, label in (labelled(row, "rows") for row in entries(block["rows"], "rows")):
        configs = block["configs"].get(variant, {})
        cells = {model: _cell(configs.get(model, ()), factor) for model in models}
        rows.append({"row": variant, "label": label} | cells)
    columns = tuple(Column(model, heading) for model, heading in models.items())
    caption = text(block.get("caption") or "Parameters of task adapters", "caption")
    note = f"Adapters with reduction factor {factor} in all layers; prediction heads not counted."
    return Table(caption, note, {"label": "Model"}, columns, rows)


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
