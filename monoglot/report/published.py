"""Published numbers, and how a table differs from them."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from monoglot.errors import UserError

Published = Mapping[tuple[str, str], Mapping[str, float]]


def read_published(path: str | Path) -> Published:
    """Read published numbers: (model, row) -> column -> value, empty cells left out.

    Raises `UserError` if a column `model` or `row` is missing, a row stands there twice, or a cell
    of another column than `label` is not a number.
    """
    published: dict[tuple[str, str], dict[str, float]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            for entry in reader:
                where = f"{path}, line {reader.line_num}"
                try:
                    key = (entry.pop("model"), entry.pop("row"))
                except KeyError as error:
                    raise UserError(f"{path}: there is no column {error}") from None
                if key in published:
                    raise UserError(f"{where}: the row of {' '.join(key)} stands there twice")
                published[key] = _numbers(entry, where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a CSV file ({error})") from None
    return published


def compared(
    row: Mapping[str, str], theirs: Mapping[str, float], cells: Iterable[str]
) -> dict[str, str]:
    """Return `published_{column}` and `difference_{column}` (ours minus theirs) of a row.

    The difference is that of the two numbers as shown, so that readers can check it.
    """
    columns = {"reduction_percent": 0, "size_millions": 0, **dict.fromkeys([*cells, "avg"], 2)}
    texts = {}
    for column, decimals in columns.items():
        value, difference = "", ""
        if column in theirs:
            value = f"{theirs[column]:.{decimals}f}"
        if value and row[column]:
            # Adding zero turns -0.0 into 0.0.
            difference = f"{round(float(row[column]) - float(value), decimals) + 0.0:+.{decimals}f}"
        texts |= {f"published_{column}": value, f"difference_{column}": difference}
    return texts


def _numbers(entry: Mapping[str, str], where: str) -> dict[str, float]:
    numbers = {}
    for column, text in entry.items():
        if column == "label" or not text:
            continue
        try:
            numbers[column] = float(text)
        except (TypeError, ValueError):
            raise UserError(f"{where}, column {column}: {text!r} is not a number") from None
    return numbers
