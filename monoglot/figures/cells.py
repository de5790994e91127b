"""Scores of adapter runs, by what was scored."""

from collections.abc import Iterable, Mapping

from monoglot.errors import UserError
from monoglot.report.cells import Cell, score_of

Key = tuple[str, str, str, str]
"""Model, language, variant, task."""


def collect(records: Iterable[Mapping], scores: Mapping[str, str]) -> dict[Key, Cell]:
    """Return the scores of records in percent, by run and seed.

    `scores` names, by task, the metric to take instead of a record's own `score`. Raises
    `UserError` if a record has no such metric, or two are of the same run and seed.
    """
    cells: dict[Key, Cell] = {}
    for record in records:
        key = tuple(record[part] for part in ("model", "language", "variant", "task"))
        cell = cells.setdefault(key, Cell())
        if record["seed"] in cell.percent:
            raise UserError(
                f"two records are of {'/'.join(key)} and seed {record['seed']}; keep one of them"
            )
        cell.percent[record["seed"]] = 100 * score_of(record, scores.get(record["task"]))
    return cells


def cell_of(cells: Mapping[Key, Cell], *key: str) -> Cell:
    """Return the cell of a run; raise `UserError` if no record is of it."""
    if key not in cells:
        raise UserError(f"the figure needs records of {'/'.join(key)}, but none of them is given")
    return cells[key]


def metric_of(records: Iterable[Mapping], task: str, scores: Mapping[str, str]) -> str:
    """Return the name of the metric that a task's scores are; '' if no record is of the task."""
    own = (record["metric"] for record in records if record["task"] == task)
    return scores.get(task) or next(own, "")
