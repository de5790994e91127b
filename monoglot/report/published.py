"""Published numbers, and how a table differs from them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from monoglot.errors import UserError
from monoglot.report.table import Column, Table

LARGEST = 10**15
Published = Mapping[tuple[str, ...], Mapping[str, Decimal]]


def read_published(path: str | Path, keys: Sequence[str]) -> Published:
    """Read published numbers: values of `keys` -> column -> number, empty cells left out.

    Raises `UserError` if a column of `keys` is missing, a row stands there twice, or a cell of
    another column than `label` is not a number.
    """
    published: dict[tuple[str, ...], dict[str, Decimal]] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            if len(set(names)) < len(names):
                raise UserError(f"{path}: two columns have the same name; keep one of them")
            for entry in reader:
                where = f"{path}, line {reader.line_num}"
                if None in entry or None in entry.values():
                    raise UserError(f"{where}: must have {len(names)} columns, as the first line")
                try:
                    key = tuple(entry.pop(name) for name in keys)
                except KeyError as error:
                    raise UserError(f"{path}: there is no column {error}") from None
                if key in published:
                    raise UserError(f"{where}: the row of {' '.join(key)} stands there twice")
                published[key] = _numbers(entry, where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a CSV file ({error})") from None
    return published


def compared(table: Table, path: str | Path | None, keys: Sequence[str]) -> Table:
    """Return the table with published numbers beside its own, found by the columns `keys`.

    `published_{column}` and `difference_{column}` (ours minus theirs) are added for every numeric
    column. The difference is that of the two numbers as shown, so that readers can check it.
    Without a path the table stays as it is.
    """
    if path is None:
        return table
    published = read_published(path, keys)
    rows = []
    for row in table.rows:
        theirs = published.get(tuple(row[key] for key in keys), {})
        for column in table.columns:
            row = row | _beside(column, row[column.name], theirs.get(column.name))
        rows.append(row)
    return replace(table, rows=rows)


def _beside(column: Column, ours: str, theirs: Decimal | None) -> dict[str, str]:
    value, difference = "", ""
    if theirs is not None:
        value = f"{theirs:f}" if column.decimals is None else f"{theirs:.{column.decimals}f}"
    if value and ours:
        gap = Decimal(ours) - Decimal(value)
        if column.decimals is not None:
            gap = round(gap, column.decimals)
        # Adding zero turns -0 into 0.
        difference = f"{gap + 0:+f}"
    return {f"published_{column.name}": value, f"difference_{column.name}": difference}


def _numbers(entry: Mapping[str, str], where: str) -> dict[str, Decimal]:
    numbers = {}
    for column, text in entry.items():
        if column == "label" or not text:
            continue
        try:
            numbers[column] = Decimal(text)
        except (TypeError, ValueError, InvalidOperation):
            raise UserError(f"{where}, column {column}: {text!r} is not a number") from None
        # No number of a table is larger; 1e9999999 would be printed with all its digits.
        if not numbers[column].is_finite() or abs(numbers[column]) > LARGEST:
            raise UserError(f"{where}, column {column}: {text!r} is not a number")
    return numbers
