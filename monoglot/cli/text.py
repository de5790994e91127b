"""Numbers and tables as text for a terminal, a pipe or a log."""

import shutil
from collections.abc import Sequence

from monoglot.amounts import size as size

GAP = "  "


def width() -> int:
    """Return the characters of a line: those of the terminal, or 132 where there is none."""
    return shutil.get_terminal_size(fallback=(132, 24)).columns


def duration(seconds: float) -> str:
    """Return a duration in the two largest units: `45 s`, `12 min 5 s`, `3 h 10 min`, `2 d 4 h`."""
    whole = round(seconds)
    for length, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= length:
            rest = whole % length // smaller
            return f"{whole // length} {unit}" + (f" {rest} {name}" if rest else "")
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 job`, `2 jobs`, `1,200 jobs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], limit: int, left: int = 1) -> str:
    """Return aligned columns, cut at `limit` characters a line; the first `left` to the left."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = (_line(texts, widths, left) for texts in (heads, *rows))
    return "\n".join(cut(line.rstrip(), limit) for line in lines)


def cut(line: str, limit: int) -> str:
    """Return a line of at most `limit` characters, the last one a mark if there were more."""
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def _line(texts: Sequence[str], widths: Sequence[int], left: int) -> str:
    padded = (
        text.ljust(width) if number < left else text.rjust(width)
        for number, (text, width) in enumerate(zip(texts, widths, strict=True))
    )
    return GAP.join(padded)
