"""Which records a number of a table is made from."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monoglot.chain import Job
from monoglot.errors import UserError
from monoglot.evaluate.records import Record, read_record
from monoglot.provenance import provenance_of


@dataclass(frozen=True)
class Cell:
    """A number of a table, and the records it comes from by their paths.

    `whole` says that it comes from all records of the table (a kind of table that does not name
    variants or languages), or that the table is made from none.
    """

    table: Path
    row: str
    column: str
    value: str
    label: str
    records: Mapping[Path, Record]
    whole: bool


def read_cell(table: Path, column: str, row: str) -> Cell:
    """Find a number in a table and the records that the table's provenance names for it.

    Args:
        table: a table's CSV file.
        column: a column of it, such as `mt_ner` or `avg`.
        row: a row by its name (`hidden312`) or, if models share names, `xlmr/hidden312`.

    Raises:
        UserError: there is no such table, column or row, or the table has no provenance.
    """
    found = _row(table, row)
    if column not in found:
        shown = [name for name in found if not name.endswith(("_std", "_seeds"))]
        raise UserError(f"{table}: has no column '{column}'; its columns are {', '.join(shown)}")
    provenance = provenance_of(table)
    if provenance is None:
        raise UserError(
            f"{table}: there is no account of what it was made from beside it; make it again"
        )
    path, made = provenance
    files = [file for file in Job(path, made).files("inputs") if _is_record(file)]
    records = {file: read_record(file) for file in files if file.is_file()}
    chosen = _of_cell(records, column, found)
    label = found.get("label", "")
    return Cell(table, row, column, found[column], label, chosen or records, not chosen)


def _row(table: Path, row: str) -> dict[str, str]:
    try:
        rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UserError(f"{table}: cannot be read; name the CSV file of a table") from None
    if not rows:
        raise UserError(f"{table}: has no rows; name the CSV file of a table")
    for one in rows:
        if len(one) < 2 or None in one or None in one.values():
            raise UserError(f"{table}: has rows of different lengths; name the CSV file of a table")
    names = [_names(one) for one in rows]
    found = [one for one, its in zip(rows, names, strict=True) if row in its]
    if not found:
        listed = ", ".join(its[-1] for its in names)
        raise UserError(f"{table}: has no row '{row}'; its rows are {listed}")
    if len(found) > 1:
        both = ", ".join(its[-1] for its in names if row in its)
        raise UserError(f"{table}: '{row}' are {len(found)} rows; say which: {both}")
    return found[0]


def _names(row: Mapping[str, str]) -> tuple[str, ...]:
    """What a row may be called by, the longest last: tables name a row in one column or two."""
    if "row" in row:
        model = row.get("model")
        return (row["row"], f"{model}/{row['row']}") if model else (row["row"],)
    first, second = list(row.values())[:2]
    return first, second, f"{first}/{second}"


def _is_record(path: Path) -> bool:
    return path.suffix == ".json" and path.name.startswith("seed")


def _of_cell(records: Mapping[Path, Record], column: str, row: dict[str, str]) -> dict:
    """Return the records of a row, and of the column if any record of the row is of it alone."""
    of_row = {
        path: record
        for path, record in records.items()
        if row.get("row") in (record["variant"], record["language"])
        and row.get("model", record["model"]) == record["model"]
    }
    name = column.removesuffix("_std").removesuffix("_seeds")
    of_cell = {
        path: record
        for path, record in of_row.items()
        if name in (f"{record['language']}_{record['task']}", record["variant"])
    }
    return of_cell or of_row
