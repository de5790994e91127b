"""Numbers and tables as a model card writes them."""

from collections.abc import Iterable, Sequence


def count(number: int) -> str:
    """Return a number of parameters in words: `23.1 million`, or `29,595`."""
    return f"{number / 1e6:.1f} million" if number >= 10**6 else f"{number:,}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
