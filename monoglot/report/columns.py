"""The columns of a table and how one of its values is shown."""

from collections.abc import Mapping

MISSING = "–"
HEADS = {"reduction_percent": "Red.", "size_millions": "Size", "avg": "Avg."}
UNITS = {"reduction_percent": "%", "size_millions": "M"}
Row = Mapping[str, str]


def score_columns(row: Row) -> list[str]:
    """Return the names of the columns that hold scores, `{language}_{task}`."""
    columns = list(row)
    return columns[columns.index("size_millions") + 1 : columns.index("avg")]


def language_of(column: str) -> str:
    """Return the language of a score column, taken not to have an underscore in its name."""
    return column.partition("_")[0]


def task_of(column: str) -> str:
    """Return the task of a score column, as a heading."""
    return column.partition("_")[2].upper()


def head(column: str) -> str:
    """Return a column's heading."""
    return HEADS.get(column) or f"{language_of(column)} {task_of(column)}"


def shown(row: Row, column: str) -> str:
    """Return a value with its unit, or a dash where it is missing."""
    return row[column] + UNITS.get(column, "") if row[column] else MISSING
