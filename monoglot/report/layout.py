"""A table as CSV and Markdown."""

import csv
import io
from collections.abc import Callable, Sequence

from tabulate import tabulate

from monoglot.report.table import Column, Row, Table, shown

Cell = Callable[[Row, Column], str]
ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\|`<>"} | {"&": "&amp;"})


def to_csv(table: Table) -> str:
    """Return the table as CSV, every value with its fixed number of decimals."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(table.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return file.getvalue()


def to_markdown(table: Table) -> str:
    """Return the table as Markdown: its numbers, then their spread, then the published numbers.

    The last two blocks hold the columns in which any cell has more than one seed, or a published
    value.
    """
    spread = [column for column in table.columns if _any(table, f"{column.name}_std")]
    published = [column for column in table.columns if _any(table, f"published_{column.name}")]
    blocks = [
        f"# {escaped(table.caption)}",
        escaped(table.note),
        _grid(table, table.columns, _value),
    ]
    if spread:
        blocks += ["## Standard deviation over seeds", _grid(table, spread, _spread)]
    if published:
        blocks += [
            "## Difference from the published value",
            "This table minus the published value, which stands in brackets.",
            _grid(table, published, _difference),
        ]
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """Return text in which Markdown finds no cell's end, no link, no code and no HTML."""
    return text.translate(ESCAPES)


def _any(table: Table, name: str) -> bool:
    return any(row.get(name) for row in table.rows)


def _grid(table: Table, columns: Sequence[Column], cell: Cell) -> str:
    heads = [*table.labels.values(), *(column.title for column in columns)]
    body = [
        [*(row[name] for name in table.labels), *(cell(row, column) for column in columns)]
        for row in table.rows
    ]
    heads, *body = ([escaped(text) for text in line] for line in [heads, *body])
    align = (*("left" for _ in table.labels), *("right" for _ in columns))
    return tabulate(body, heads, "pipe", disable_numparse=True, colalign=align)


def _value(row: Row, column: Column) -> str:
    return shown(row, column.name, column.unit)


def _spread(row: Row, column: Column) -> str:
    return shown(row, f"{column.name}_std")


def _difference(row: Row, column: Column) -> str:
    difference = shown(row, f"difference_{column.name}")
    if not row[f"published_{column.name}"]:
        return difference
    return f"{difference} ({shown(row, f'published_{column.name}')})"
