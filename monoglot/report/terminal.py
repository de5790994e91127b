"""A finished table as aligned text for a terminal."""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from monoglot.errors import UserError
from monoglot.report.score_columns import score_columns
from monoglot.report.table import Column, Row, shown
from monoglot.report.table_file import read_rows, title

GAP = "  "
NEEDED = {"label", "reduction_percent", "size_millions", "avg"}


def show(path: str | Path, width: int) -> str:
    """Return the table of a CSV file as text, with its title and the names of its files.

    The title is that of the Markdown file of the same name, where there is one. Where `width`
    characters do not hold a whole row, the languages are put below one another. Raises `UserError`
    if the file is not a table's CSV.
    """
    path = Path(path)
    rows = read_rows(path)
    names = list(rows[0])
    if not set(names) >= NEEDED:
        raise UserError(f"{path}: is not the CSV of a table, as scripts/table.py writes it")
    cells = names[names.index("size_millions") + 1 : names.index("avg")]
    # A CSV does not say where in mt_ner the language ends; most have no underscore in their names.
    reduction, size, *scores, average = score_columns(
        {name: (name.split("_")[0], name.partition("_")[2]) for name in cells}
    )
    text = _text(rows, [reduction, size, *scores, average])
    if len(text.splitlines()[-1]) > width:
        parts = groupby(scores, lambda column: column.group)
        text = "\n\n".join(_text(rows, [reduction, size, *part, average]) for _, part in parts)
    endings = [e for e in ("csv", "md", "tex") if path.with_suffix(f".{e}").exists()]
    files = f"{path.with_suffix('')}.{{{','.join(endings)}}}"
    return "\n".join([*textwrap.wrap(title(path), width), "", text, "", files])


def _text(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    heads = ["Model", *(column.head for column in columns)]
    body = [[row["label"], *(shown(row, c.name, c.unit) for c in columns)] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *body, strict=True)]
    lines = [_groups(columns, widths), _line(heads, widths)]
    return "\n".join([*lines, *(_line(texts, widths) for texts in body)])


def _groups(columns: Sequence[Column], widths: Sequence[int]) -> str:
    line, at = " " * widths[0], 1
    for group, members in groupby(columns, lambda column: column.group):
        count = len(list(members))
        span = sum(widths[at : at + count]) + (count - 1) * len(GAP)
        line += GAP + (f" {group} ".center(span, "-") if group else " " * span)
        at += count
    return line.rstrip()


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(texts, widths, strict=True)
    return GAP.join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)])
