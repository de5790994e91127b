"""Two sets of results, or results and published numbers, cell by cell.

A cell is what one variant scored for a model, a language and a task: the mean over seeds. Beside
the difference stand the deviations over seeds, which say how far a mean moves with the adapter's
random numbers, and where both sides have predictions with the same seeds the p-value of a paired
test over test examples (`paired_test`), which says how far it would move with another test set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from monoglot.evaluate.records import Record
from monoglot.nodes import Run
from monoglot.report.compare_cells import MILLION, Cell

SAME = ("metric", "n_train", "n_test", "settings", "versions", "hardware", "git_commit", "inputs")
"""What of records is compared beside scores and sizes; mappings key by key."""


@dataclass(frozen=True)
class Difference:
    """A cell of both sides.

    Attributes:
        points: the second minus the first, in per cent.
        p: of the paired test; None where there was none.
    """

    key: Run
    first: Cell
    second: Cell
    points: Fraction
    p: float | None


@dataclass(frozen=True)
class Comparison:
    """Two sides compared.

    Attributes:
        cells: those that both have.
        only_first, only_second: those that one has.
        others: of what else differs (`settings.epochs`), pairs of values and in how many cells.
    """

    cells: list[Difference]
    only_first: list[Run]
    only_second: list[Run]
    others: dict[str, dict[tuple[str, str], int]]

    def differing(self, tolerance: float = 0.0) -> list[Difference]:
        """Return the cells whose scores differ by more than so many points, or whose size does."""
        return [
            one
            for one in self.cells
            if abs(one.points) > Fraction(str(tolerance)) or not same_size(one)
        ]

    def equal(self, tolerance: float = 0.0) -> bool:
        """Whether both sides have the same cells with the same scores and sizes."""
        return not (self.differing(tolerance) or self.only_first or self.only_second)


def compare(first: Mapping[Run, Cell], second: Mapping[Run, Cell], test: bool = True) -> Comparison:
    """Compare two sides cell by cell.

    Args:
        test: whether to test differences, which takes up to a second a cell.

    Raises:
        UserError: predictions cannot be read.
    """
    common = [key for key in first if key in second]
    return Comparison(
        cells=[_difference(key, first[key], second[key], test) for key in common],
        only_first=[key for key in first if key not in second],
        only_second=[key for key in second if key not in first],
        others=_others((first[key], second[key]) for key in common),
    )


def same_size(one: Difference) -> bool:
    """Whether both sides have as many parameters, of published ones as far as they are told."""
    sizes = [one.first.parameters, one.second.parameters]
    if None in sizes:
        return True
    if not (one.first.records and one.second.records):
        sizes = [round(size / MILLION) for size in sizes]
    return sizes[0] == sizes[1]


def _difference(key: Run, first: Cell, second: Cell, test: bool) -> Difference:
    p = _p_value(key, first, second) if test and first.metric == second.metric else None
    return Difference(key, first, second, second.mean - first.mean, p)


def _p_value(key: Run, first: Cell, second: Cell) -> float | None:
    """The p-value of the means' difference; None if seeds are not the same, or files missing."""
    from monoglot.report.paired_test import p_value, read_predictions

    seeds = sorted(first.predictions)
    if not seeds or seeds != sorted(second.predictions):
        return None
    sides = [[cell.predictions[seed] for seed in seeds] for cell in (first, second)]
    if not all(path.is_file() for side in sides for path in side):
        return None
    a, b = ([read_predictions(path) for path in side] for side in sides)
    if any(run.gold != a[0].gold for run in [*a, *b]):
        return None  # another test set: its hash differs and is named
    return p_value(first.metric, a, b, str(key))


def _others(pairs: Iterable[tuple[Cell, Cell]]) -> dict[str, dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = {}
    for first, second in pairs:
        for seed in first.records.keys() & second.records.keys():
            a, b = _flat(first.records[seed]), _flat(second.records[seed])
            for name in sorted(a.keys() | b.keys()):
                if a.get(name) != b.get(name):
                    values = (_short(a.get(name)), _short(b.get(name)))
                    found.setdefault(name, {}).setdefault(values, 0)
                    found[name][values] += 1
            break  # the seeds of a cell are of one job
    return found


def _flat(record: Record) -> dict[str, Any]:
    """What `SAME` names of a record, by `settings.epochs`; unknown in records from elsewhere."""
    flat: dict[str, Any] = {}
    for name in SAME:
        value = record.get(name)
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": one for key, one in value.items()}
        elif name in record:
            flat[name] = value
    return flat


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
