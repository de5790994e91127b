"""Finished tables read back for the page, and numbers as a reader wants them.

Values, spread and published numbers come from a table's CSV file; title, note and headings from the
Markdown file of the same name.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from monoglot.errors import UserError
from monoglot.escapes import markdown_cells, plain_markdown, printable
from monoglot.tables.base import at_chance
from monoglot.tables.formats import read_rows

MISSING = "–"
MINUS = "−"
MILLION = 10**6
TIMES = (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1))
"""Units with the next smaller ones, and how many seconds each has."""
UNIT = re.compile(r"[^\d.]{0,4}")


class Sortable(NamedTuple):
    """A number as it is written, and what a table sorts it by; None stands last."""

    text: str
    sort: float | None


def signed(text: str) -> str:
    """Return a number's text with a typographic minus."""
    return text.replace("-", MINUS)


def fixed(value: float | None, decimals: int = 2) -> str:
    """Return a number with its decimals; a dash where there is none."""
    return MISSING if value is None else signed(f"{float(value):.{decimals}f}")


def millions(parameters: float | None) -> str:
    """Return a number of parameters in millions, M: whole ones from ten on, else three digits."""
    if parameters is None:
        return MISSING
    count = float(parameters) / MILLION
    return f"{count:,.0f} M" if count >= 10 else f"{count:.3g} M"


def milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units, rounded: `3 h 5 min`."""
    if seconds is None:
        return MISSING
    if round(seconds) < 60:
        return f"{seconds:.{1 if seconds < 9.95 else 0}f} s"
    large, small, size, part = next(unit for unit in TIMES if round(seconds) >= unit[2])
    count, rest = divmod(round(round(seconds) / part), size // part)
    return f"{count} {large} {rest} {small}" if rest else f"{count} {large}"


def energy(kwh: float | None) -> str:
    """Return an energy in Wh below one kilowatt-hour, in kWh above."""
    return _scaled(kwh, "kWh", "Wh")


def mass(kilograms: float | None) -> str:
    """Return a mass in g below one kilogram, in kg above."""
    return _scaled(kilograms, "kg", "g")


def _scaled(value: float | None, large: str, small: str) -> str:
    if value is None:
        return MISSING
    return f"{value:,.3g} {large}" if value >= 1 else f"{1000 * value:.3g} {small}"


def tokens(count: float) -> str:
    """Return a number of tokens as an axis has it: `250k`, `1.5M`."""
    for size, sign in ((10**9, "G"), (MILLION, "M"), (1000, "k")):
        if count >= size:
            return f"{count / size:g}{sign}"
    return f"{count:g}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names as a sentence lists them; how many there are, if they are many."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: `1 seed`, `3 seeds`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@dataclass(frozen=True)
class Heading:
    """A column's heading; `group` is that of the columns it stands among, or empty."""

    head: str
    group: str
    is_number: bool


@dataclass(frozen=True)
class CellView:
    """A cell as it is shown; `sort` is a number's plain text, empty where it is missing.

    `key` is what the row is called elsewhere, if that is another name than the text.
    """

    text: str
    sort: str = ""
    key: str = ""
    std: str = ""
    interval: str = ""
    chance: str = ""
    at_chance: bool = False
    published: str = ""
    difference: str = ""
    tip: str = ""


@dataclass(frozen=True)
class TableView:
    """A table of the run; the first cell of every row names it."""

    name: str
    caption: str
    note: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[CellView]]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Groups of columns with their widths, in order; none if no column has a group."""
        found = [
            (name, len(list(those))) for name, those in groupby(h.group for h in self.headings)
        ]
        return found if any(name for name, _ in found) else []

    def has(self, what: str) -> bool:
        """Whether any cell has `std`, `interval` or `published`."""
        return any(getattr(cell, what) for row in self.rows for cell in row)


def read_table(
    folder: Path, name: str, groups: Mapping[str, str], variants: Collection[str] = ()
) -> TableView:
    """Read a table from `{folder}/{name}.csv` and `.md`.

    Args:
        groups: how headings of columns that belong together begin, and the name of the group.
        variants: what rows may be called elsewhere.

    Raises `UserError` if the files are not those of one table.
    """
    lines, caption, note = _markdown(folder / f"{name}.md")
    rows = read_rows(folder / f"{name}.csv")
    heads, *body = lines[:1] + lines[2:]
    if len(body) != len(rows) or any(len(line) != len(heads) for line in body):
        raise UserError(f"{folder / name}.md: is not the table of {name}.csv; make both again")
    columns = _matched(rows, body, len(heads), folder / f"{name}.md")
    numeric = [_is_number(rows, column) for column in columns]
    numeric[0] = False
    headings = _headings(heads, numeric, groups)
    cells = [
        [
            _cell(row, column, text, number)
            for column, text, number in zip(columns, line, numeric, strict=True)
        ]
        for row, line in zip(rows, body, strict=True)
    ]
    for line, row in zip(cells, rows, strict=True):
        variant = row.get("variant", row.get("row"))
        if variant in variants and variant != line[0].text:
            line[0] = replace(line[0], key=variant)
    return TableView(name, caption, note, headings, cells)


def _markdown(path: Path) -> tuple[list[list[str]], str, str]:
    """Return the cells of the first grid, its title and its note."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a table ({error})") from None
    starts = [number for number, line in enumerate(lines) if line.startswith("|")]
    if not starts:
        raise UserError(f"{path}: holds no table; make it again")
    grid = []
    for line in lines[starts[0] :]:
        if not line.startswith("|"):
            break
        grid.append(markdown_cells(line))
    title = plain_markdown(lines[0].removeprefix("#"))
    return grid, title, plain_markdown(" ".join(lines[1 : starts[0]]))


def _matched(
    rows: Sequence[Mapping[str, str]], body: Sequence[Sequence[str]], count: int, path: Path
) -> list[str]:
    """Return the CSV's columns that the grid shows: after the last one if there is one there."""
    names = list(rows[0]) if rows else []
    found: list[str] = []
    for position in range(count):
        shown = [line[position] for line in body]
        last = names.index(found[-1]) if found else -1
        name = next(
            (
                name
                for name in (*names[last + 1 :], *names[: last + 1])
                if name not in found and _shows(shown, [row[name] for row in rows])
            ),
            None,
        )
        if name is None:
            raise UserError(f"{path}: column {position + 1} is not in the CSV; make both again")
        found.append(name)
    return found


def _shows(shown: Sequence[str], values: Sequence[str]) -> bool:
    """Whether texts are these values, but for commas, a unit behind them, and dashes."""
    for text, value in zip(shown, values, strict=True):
        value = printable(value)
        plain = text if text == value else text.replace(",", "")
        missing = not value and text in (MISSING, "")
        unit = plain.removeprefix(value)
        if not missing and not (value and plain.startswith(value) and UNIT.fullmatch(unit)):
            return False
    return True


def _is_number(rows: Sequence[Mapping[str, str]], column: str) -> bool:
    return all(re.fullmatch(r"[+-]?\d*\.?\d*(e-?\d+)?", row[column]) for row in rows)


def _headings(
    heads: Sequence[str], numeric: Sequence[bool], groups: Mapping[str, str]
) -> list[Heading]:
    """Part headings that begin alike into a group's and their own, where two or more do."""
    starts = [next((g for g in groups if head.startswith(f"{g} ")), "") for head in heads]
    many = {g for g, those in groupby(starts) if g and len(list(those)) > 1}
    return [
        Heading(head.removeprefix(f"{start} "), groups[start], number)
        if start in many and number
        else Heading(head, "", number)
        for head, start, number in zip(heads, starts, numeric, strict=True)
    ]


def _cell(row: Mapping[str, str], column: str, text: str, number: bool) -> CellView:
    if not number:
        return CellView(text, text)
    found = {
        "std": row.get(f"{column}_std", ""),
        "chance": row.get(f"{column}_chance", ""),
        "interval": _interval(row, column),
        "published": row.get(f"published_{column}", ""),
        "difference": row.get(f"difference_{column}", ""),
    }
    tip, none = _tip(row, column, found), at_chance(row, column)
    return CellView(signed(text), row[column], **found, at_chance=none, tip=tip)


def _interval(row: Mapping[str, str], column: str) -> str:
    with suppress(ValueError, KeyError):
        return "–".join(f"{float(row[f'{column}_{end}']):.1f}" for end in ("low", "high"))
    return ""


def _tip(row: Mapping[str, str], column: str, found: Mapping[str, str]) -> str:
    """What a cell says of itself when it is pointed at."""
    seeds, said = row.get(f"{column}_seeds", ""), []
    if seeds and row[column]:
        said.append(f"mean over {seeds} seed{'' if seeds == '1' else 's'}")
    if found["interval"]:
        said.append(f"95 % interval {found['interval']}")
    if found["chance"] and row[column]:
        said.append(f"by chance: {found['chance']}")
    if found["std"]:
        said.append(f"standard deviation {found['std']}")
    if found["published"]:
        said.append(f"published {found['published']}")
    if found["difference"]:
        said.append(f"difference {signed(found['difference'])}")
    return ", ".join(said)
