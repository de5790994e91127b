"""Numbers as a reader wants them: with a unit, and no more digits than they are worth."""

from typing import NamedTuple

MISSING = "–"
MINUS = "−"
MILLION = 10**6


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


def milliseconds(value: float | None) -> str:
    """Return a time of answering in ms."""
    return MISSING if value is None else f"{value:.3g} ms"


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units, rounded: `3 h 5 min`."""
    if seconds is None:
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    for large, small, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60)):
        if whole >= size:
            count, rest = divmod(round(whole / part), size // part)
            return f"{count} {large} {rest} {small}" if rest else f"{count} {large}"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def energy(kwh: float | None) -> str:
    """Return an energy in Wh below one kilowatt-hour, in kWh above."""
    if kwh is None:
        return MISSING
    return f"{kwh:,.3g} kWh" if kwh >= 1 else f"{1000 * kwh:.3g} Wh"


def mass(kilograms: float | None) -> str:
    """Return a mass in g below one kilogram, in kg above."""
    if kilograms is None:
        return MISSING
    return f"{kilograms:,.3g} kg" if kilograms >= 1 else f"{1000 * kilograms:.3g} g"


def tokens(count: float) -> str:
    """Return a number of tokens as an axis has it: `250k`, `1.5M`."""
    for size, sign in ((10**9, "G"), (MILLION, "M"), (1000, "k")):
        if count >= size:
            return f"{count / size:g}{sign}"
    return f"{count:g}"


def listed(names: list[str], most: int = 4) -> str:
    """Return names as a sentence lists them; how many there are, if they are many."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: `1 seed`, `3 seeds`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
