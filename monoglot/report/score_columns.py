"""The columns of a table of scores."""

from collections.abc import Mapping

from monoglot.report.table import Column


def score_columns(cells: Mapping[str, tuple[str, str]]) -> tuple[Column, ...]:
    """Return reduction, size, one column for each of `cells`, and their average.

    Args:
        cells: language and task by the column's name, `{language}_{task}`.
    """
    return (
        Column("reduction_percent", "Red.", decimals=0, unit="%"),
        Column("size_millions", "Size", unit="M"),
        *(
            Column(name, task.upper(), language, decimals=2)
            for name, (language, task) in cells.items()
        ),
        Column("avg", "Avg.", decimals=2),
    )
