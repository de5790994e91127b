"""The columns of a table of scores."""

from collections.abc import Iterable

from monoglot.report.table import Column


def score_columns(cells: Iterable[str]) -> tuple[Column, ...]:
    """Return reduction, size, one column for each of `cells`, and their average.

    A cell is named `{language}_{task}`, the language taken not to have an underscore in its name.
    """
    named = [(name, *name.split("_", 1)) for name in cells]
    return (
        Column("reduction_percent", "Red.", decimals=0, unit="%"),
        Column("size_millions", "Size", decimals=0, unit="M"),
        *(Column(name, task.upper(), language, decimals=2) for name, language, task in named),
        Column("avg", "Avg.", decimals=2),
    )
