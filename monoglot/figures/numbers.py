"""The numbers of a figure as CSV: one row a mark, everything that is drawn and nothing else."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

Row = Mapping[str, str]


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows of texts as CSV; they have the same columns in the same order."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def from_csv(text: str) -> list[Row]:
    """Return the rows of a figure's CSV."""
    return list(csv.DictReader(io.StringIO(text), restval="", strict=True))


def distinct(rows: Iterable[Row], *columns: str) -> list[tuple[str, ...]]:
    """Return the different values of some columns, in the order they first stand there."""
    return list(dict.fromkeys(tuple(row[column] for column in columns) for row in rows))


def where(rows: Iterable[Row], **values: str) -> list[Row]:
    """Return the rows that have these values."""
    return [row for row in rows if all(row[key] == value for key, value in values.items())]
