"""A table as CSV and Markdown."""

import csv
import io
from collections.abc import Callable, Sequence

from tabulate import tabulate

from monoglot.report.columns import Row, head, score_columns, shown
from monoglot.report.table import Table


def to_csv(table: Table) -> str:
    """Return the table as CSV, every value with its fixed number of decimals."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(table.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return file.getvalue()


def to_markdown(table: Table) -> str:
    """Return the table as Markdown: scores, then their spread, then the published numbers.

    The last two blocks are there if any cell has more than one seed or a published value.
    """
    rows, cells = table.rows, score_columns(table.rows[0])
    columns = ["reduction_percent", "size_millions", *cells, "avg"]
    blocks = [f"# {table.caption}", table.note, _grid(rows, columns, shown)]
    if any(row[f"{column}_std"] for row in rows for column in cells):
        blocks += ["## Standard deviation over seeds", _grid(rows, cells, _spread)]
    if any(row.get(f"published_{column}") for row in rows for column in columns):
        blocks += [
            "## Difference from the published value",
            "This table minus the published value, which stands in brackets.",
            _grid(rows, columns, _difference),
        ]
    return "\n\n".join(blocks) + "\n"


def _grid(rows: Sequence[Row], columns: Sequence[str], cell: Callable[[Row, str], str]) -> str:
    heads = ["Model", *map(head, columns)]
    body = [[row["label"], *(cell(row, column) for column in columns)] for row in rows]
    body = [[text.replace("|", "\\|") for text in line] for line in body]
    align = ("left", *("right" for _ in columns))
    return tabulate(body, heads, "pipe", disable_numparse=True, colalign=align)


def _spread(row: Row, column: str) -> str:
    return shown(row, f"{column}_std")


def _difference(row: Row, column: str) -> str:
    published = row[f"published_{column}"]
    difference = shown(row, f"difference_{column}")
    return f"{difference} ({published})" if published else difference
