"""What all kinds of table have in common: named columns of texts, ready to print."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

MISSING = "–"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """A column of numbers: its name in the CSV and its heading, which may stand below a group's.

    `decimals` is how many published numbers are shown with; None leaves them as they are.
    """

    name: str
    head: str
    group: str = ""
    decimals: int | None = None
    unit: str = ""

    @property
    def title(self) -> str:
        """The heading with its group, for forms that have one line of headings."""
        return f"{self.group} {self.head}".strip()


@dataclass(frozen=True)
class Table:
    """Rows of texts by column name; a missing number is an empty text.

    `labels` are the columns of text on the left with their headings, `columns` those of numbers
    that Markdown and LaTeX show. Rows may hold more, which only the CSV has: what identifies a row,
    `{column}_std` (shown by Markdown in a block of its own), and, of a table with published
    numbers, `published_{column}` and `difference_{column}`. `note` says what the cells are.
    """

    caption: str
    note: str
    labels: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: list[dict[str, str]]


def shown(row: Row, name: str, unit: str = "") -> str:
    """Return a number with its unit and with commas from 10,000 on; a dash where it is missing."""
    if not row[name]:
        return MISSING
    commas = re.sub(r"^([+-]?)(\d{5,})", lambda m: f"{m[1]}{int(m[2]):,}", row[name])
    return commas + unit


def fixed(value: Fraction | float | None, decimals: int) -> str:
    """Return a number with its decimals; an empty text for None, which is a missing number."""
    return "" if value is None else f"{float(value):.{decimals}f}"
