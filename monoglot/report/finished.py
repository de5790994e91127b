"""Finished tables on disk: found by name, and shown in the form that somebody wants."""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

from monoglot.errors import UserError
from monoglot.report import terminal
from monoglot.report.table_file import ESCAPED, read_rows, read_text, title

FORMS = ("terminal", "md", "csv", "tex", "json")
BESIDE = re.compile(r"(^published_|^difference_|_std$|_seeds$)")
CELLS = re.compile(r"(?<!\\)\|")
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


def tables_below(folders: Iterable[Path]) -> list[Path]:
    """Return the CSV files of all tables in results folders, and in folders of those."""
    found = {
        path: None
        for folder in folders
        for pattern in ("*.csv", "tables/*.csv", "*/tables/*.csv")
        for path in sorted(folder.glob(pattern))
        if path.parent.name == "tables"
    }
    return list(found)


def find(name: str, folders: Iterable[Path]) -> Path:
    """Return the CSV file of a table: its path, or its name in one of the results folders.

    Raises `UserError` if there is no such table, or if there are several.
    """
    path = Path(name)
    if path.suffix in (".csv", ".md", ".tex") or path.is_file():
        if not path.with_suffix(".csv").is_file():
            raise UserError(f"{path.with_suffix('.csv')}: there is no such table")
        return path.with_suffix(".csv")
    tables = tables_below(folders)
    found = [table for table in tables if table.stem == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"'{name}' are {len(found)} tables, {_listed(found)}; name a file")
    names = ", ".join(dict.fromkeys(table.stem for table in tables)) or "none"
    raise UserError(
        f"there is no table '{name}' here; there are {names}; name a CSV file, or the "
        "configuration whose results it is in (--config)"
    )


def shown(path: Path, form: str, width: int) -> str:
    """Return a finished table in one of `FORMS`.

    `md`, `csv` and `tex` are the files as they are; `json` is a list of its rows, whose numbers
    are numbers and whose missing cells are null. Raises `UserError` if it cannot be read.
    """
    if form == "terminal":
        return _for_terminal(path, width)
    if form == "json":
        return json.dumps([_values(row) for row in read_rows(path)], indent=1, ensure_ascii=False)
    return read_text(path.with_suffix(f".{form}")).rstrip("\n")


def _for_terminal(path: Path, width: int) -> str:
    first = read_rows(path)[0]
    if set(first) >= terminal.NEEDED:
        return terminal.show(path, width)
    heads, *body = _grid(path)
    widths = [max(map(len, column)) for column in zip(heads, *body, strict=True)]
    numeric = [bool(re.match(r"[-+–\d]", column[0])) for column in zip(*body, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in (heads, *body)
    ]
    return "\n".join([title(path), "", *lines])


def _grid(path: Path) -> list[list[str]]:
    """The first table of the Markdown file, whose headings are for people; else the CSV's."""
    markdown = path.with_suffix(".md")
    lines = read_text(markdown).splitlines() if markdown.is_file() else []
    start = next((n for n, line in enumerate(lines) if line.startswith("|")), None)
    if start is None:
        found = read_rows(path)
        names = [name for name in found[0] if not BESIDE.search(name)]
        return [names, *([row[name] for name in names] for row in found)]
    grid = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        grid.append([ESCAPED.sub(r"\1", c.strip()) for c in CELLS.split(line)[1:-1]])
    if len(grid) < 3 or len(set(map(len, grid))) > 1:
        raise UserError(
            f"{markdown}: its first table is not whole; remove the file, or ask for --format csv"
        )
    return [grid[0], *grid[2:]]


def _values(row: dict[str, str]) -> dict[str, str | float | None]:
    return {name: _value(text) for name, text in row.items()}


def _value(text: str) -> str | float | None:
    if text == "":
        return None
    if not NUMBER.fullmatch(text):  # "nan" is a language
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(text) if text.lstrip("+-").isdigit() else number


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))
