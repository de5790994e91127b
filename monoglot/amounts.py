"""Amounts as people read them."""

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float | None) -> str:
    """Return a number of bytes: `1.06 GB`; a question mark for None."""
    if count is None:
        return "?"
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.3g} {UNITS[unit]}"
