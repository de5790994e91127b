"""Finished tables on disk: found by name, and shown in the form that somebody wants."""

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path

from monoglot.errors import UserError
from monoglot.report import terminal

FORMS = ("terminal", "md", "csv", "tex", "json")
OF_SCORES = ("label", "reduction_percent", "size_millions", "avg")
BESIDE = re.compile(r"(^published_|^difference_|_std$|_seeds$)")
CELLS = re.compile(r"(?<!\\)\|")
ESCAPED = re.compile(r"\\(.)")


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
        return json.dumps([_values(row) for row in rows(path)], indent=1, ensure_ascii=False)
    return _text(path.with_suffix(f".{form}")).rstrip("\n")


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; raise `UserError` if it has none."""
    found = list(csv.DictReader(_text(path).splitlines(), restval=""))
    if not found or None in found[0]:
        raise UserError(f"{path}: is not the CSV of a table")
    return found


def _for_terminal(path: Path, width: int) -> str:
    first = rows(path)[0]
    if set(OF_SCORES) <= set(first):
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
    return "\n".join([_title(path), "", *lines])


def _grid(path: Path) -> list[list[str]]:
    """The first table of the Markdown file, whose headings are for people; else the CSV's."""
    markdown = path.with_suffix(".md")
    lines = _text(markdown).splitlines() if markdown.is_file() else []
    start = next((n for n, line in enumerate(lines) if line.startswith("|")), None)
    if start is None:
        found = rows(path)
        names = [name for name in found[0] if not BESIDE.search(name)]
        return [names, *([row[name] for name in names] for row in found)]
    grid = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        grid.append([ESCAPED.sub(r"\1", c.strip()) for c in CELLS.split(line)[1:-1]])
    return [grid[0], *grid[2:]]


def _title(path: Path) -> str:
    markdown = path.with_suffix(".md")
    if not markdown.is_file():
        return path.stem
    return ESCAPED.sub(r"\1", _text(markdown).partition("\n")[0].removeprefix("# "))


def _values(row: dict[str, str]) -> dict[str, str | float | None]:
    return {name: _value(text) for name, text in row.items()}


def _value(text: str) -> str | float | None:
    if text == "":
        return None
    try:
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    except ValueError:
        return text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))
