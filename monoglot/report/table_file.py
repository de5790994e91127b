"""The files of a finished table: its rows from the CSV, its title from the Markdown beside it."""

import csv
import io
import re
from pathlib import Path

from monoglot.errors import UserError

ESCAPED = re.compile(r"\\(.)")
"""A character that Markdown would take for its own."""


def read_text(path: Path) -> str:
    """Return what a file holds; raise `UserError` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; raise `UserError` if it has none, or not all are whole."""
    reader = csv.DictReader(io.StringIO(read_text(path)), strict=True)
    found = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise UserError(
                    f"{path}: is not the CSV of a table; line {reader.line_num} has another number "
                    "of cells than the first one"
                )
            found.append(row)
    except csv.Error as error:
        raise UserError(
            f"{path}: is not the CSV of a table ({error} in line {reader.reader.line_num})"
        ) from None
    if not found:
        raise UserError(f"{path}: is not the CSV of a table; it has no rows")
    return found


def title(path: Path) -> str:
    """Return the title of the table of a CSV file: the Markdown's, where there is one."""
    markdown = path.with_suffix(".md")
    if not markdown.is_file():
        return path.stem
    first = read_text(markdown).partition("\n")[0]
    return ESCAPED.sub(r"\1", first.removeprefix("# "))
