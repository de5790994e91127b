"""Finished tables read back for the page, and numbers as a reader wants them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from pathlib import Path
from typing import NamedTuple

from monoglot import errors
from monoglot.energy import amount
from monoglot.errors import UserError
from monoglot.escapes import plain_markdown
from monoglot.tables import base, formats
from monoglot.tables.base import AT_CHANCE, MISSING

MINUS = "−"
MILLION = 10**6


class Sortable(NamedTuple):
    """A number as it is written, and what a table sorts it by; None stands last.

    `share` is how much of the cell is filled, in percent.
    """

    text: str
    sort: float | None
    share: float | None = None


def signed(text: str) -> str:
    """Return a number's text with a typographic minus."""
    return text.replace("-", MINUS)


def fixed(value: float | None, decimals: int = 2) -> str:
    """Return a number with its decimals; a dash where there is none."""
    return MISSING if value is None else signed(f"{float(value):.{decimals}f}")


def rounded(share: float) -> str:
    """Return a share in whole percents; with a decimal where that would be nothing or all of it."""
    whole = 1 <= share <= 99 or share in (0, 100)
    return f"{share:.{0 if whole else 1}f}"


def millions(parameters: float | None) -> str:
    """Return a number of parameters in millions, M: whole ones from ten on, else three digits."""
    return MISSING if parameters is None else f"{base.millions(parameters)} M"


def milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units, `3 h 5 min`; a dash where it is not known."""
    return MISSING if seconds is None else errors.duration(seconds)


def energy(kwh: float | None) -> str:
    """Return an energy in Wh below one kilowatt-hour, in kWh above."""
    return MISSING if kwh is None else amount(kwh, "kWh", "Wh")


def mass(kilograms: float | None) -> str:
    """Return a mass in g below one kilogram, in kg above."""
    return MISSING if kilograms is None else amount(kilograms, "kg", "g")


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
    """A cell as it is shown; `key` is a row's name elsewhere, if that is another than the text."""

    text: str
    key: str = ""
    interval: str = ""
    std: str = ""
    published: str = ""
    difference: str = ""
    chance: str = ""
    at_chance: bool = False

    @property
    def sort(self) -> str:
        """The number without its unit and commas; '' if it is missing."""
        return re.sub(r"[^\d.eE+-]", "", self.text.replace(MINUS, "-"))


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


def read_table(csv: Path, groups: Mapping[str, str], variants: Collection[str] = ()) -> TableView:
    """Read a table from its Markdown, and what rows are called elsewhere from its CSV.

    Args:
        groups: how headings of columns that belong together begin, and the name of the group.
        variants: what rows may be called elsewhere.

    Raises `UserError` if the files are not those of one table.
    """
    md, rows, grids = csv.with_suffix(".md"), formats.read_rows(csv), formats.read_grids(csv)
    if "" not in grids:
        raise UserError(f"{md}: holds no table; make it again")
    if any(len(grid.body) != len(rows) for grid in grids.values()):
        raise UserError(f"{md}: is not the table of {csv.name}; make both again")
    heads, right, body = grids.pop("")
    # Intervals are shown for the columns, in their order, whose ends the CSV has.
    sure = grids[formats.INTERVALS].heads[1:] if formats.INTERVALS in grids else ()
    scored = [name.removesuffix("_low") for name in (*rows, {})[0] if name.endswith("_low")]
    columns = dict(zip(sure, scored, strict=True)) if len(sure) == len(scored) else {}
    cells = []
    for number, (line, row) in enumerate(zip(body, rows, strict=True)):
        variant = row.get("variant", row.get("row", ""))
        name = CellView(line[0], variant if variant in variants and variant != line[0] else "")
        numbers = zip(heads[1:], right[1:], line[1:], strict=True)
        chances = (row.get(f"{columns.get(head)}_chance", "") for head in heads[1:])
        shown = [_cell(grids, number, *about) for about in numbers]
        pairs = zip(shown, chances, strict=True)
        cells.append([name, *(replace(cell, chance=chance) for cell, chance in pairs)])
    before = takewhile(lambda line: line[:1] != "|", formats.read_text(md).splitlines()[1:])
    note = plain_markdown(" ".join(before))
    return TableView(csv.stem, formats.title(csv), note, _headings(heads, right, groups), cells)


def _cell(
    grids: Mapping[str, formats.Grid], row: int, head: str, is_number: bool, text: str
) -> CellView:
    """A cell with what the blocks below the first grid say of it."""

    def below(block: str) -> str:
        if block not in grids or head not in grids[block].heads:
            return ""
        found = grids[block].body[row][grids[block].heads.index(head)]
        return "" if found == MISSING else found

    if not is_number:
        return CellView(text)
    difference, _, published = below(formats.PUBLISHED).partition(" (")
    return CellView(
        signed(text),
        interval=DECIMAL.sub(_in_tenths, below(formats.INTERVALS)).replace(" to ", "–"),
        std=below(formats.SPREAD),
        published=published.removesuffix(")"),
        difference="" if difference == MISSING else difference,
        at_chance=text.endswith(AT_CHANCE),
    )


DECIMAL = re.compile(r"\d+\.\d+")


def _in_tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"


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
