"""Whether two systems differ on a test set: approximate randomisation, paired by example.

The null hypothesis is that it makes no difference which of two systems an example's predictions
come from. The predictions of both, of all seeds together, are swapped for a random half of the
examples, again and again; p is the share of swaps that differ in score at least as much as the
systems do, both counted among them, so that it is never 0 and the test is exact at any number of
swaps. It suits every metric, F1 included, because whole test sets are scored.

Sources: Noreen 1989, Computer-Intensive Methods for Testing Hypotheses; Yeh 2000, "More accurate
tests for the statistical significance of result differences" (COLING); for the p-value of sampled
swaps Phipson and Smyth 2010, "Permutation p-values should never be zero".
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS, Counted

SWAPS = 9_999
AT_A_TIME = 256
ROUNDING = 1e-9

Score = Callable[[np.ndarray], np.ndarray]
"""From counts summed over examples, [swaps, counts], to scores, [swaps]."""


@dataclass(frozen=True)
class Predictions:
    """Gold and predicted labels of a test set, [examples] each with one label or a label a word."""

    gold: tuple[tuple[str, ...], ...]
    predicted: tuple[tuple[str, ...], ...]


def read_predictions(path: Path) -> Predictions:
    """Read the predictions beside a record; raise `UserError` if they are none."""
    try:
        columns = pq.read_table(path).to_pydict()
        ids = columns["sentence"] if "sentence" in columns else columns["id"]
        gold, predicted = columns["gold"], columns["predicted"]
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as predictions ({error})") from None
    starts = [i for i, one in enumerate(ids) if i == 0 or one != ids[i - 1]]
    spans = list(zip(starts, [*starts[1:], len(ids)], strict=True))
    return Predictions(
        *(tuple(tuple(column[a:b]) for a, b in spans) for column in (gold, predicted))
    )


def p_value(
    metric: str, first: Sequence[Predictions], second: Sequence[Predictions], name: str
) -> float | None:
    """Return the p-value of the difference in a metric, a mean over seeds, of two systems.

    Args:
        metric: as in records; None is returned for one that predictions do not hold all of
            (`subtoken_f1`).
        first, second: of each seed, paired by seed.
        name: of what is compared; it seeds the random swaps, so that the answer is always the same.

    Raises:
        UserError: the predictions are not of the same test set.
    """
    if (counted := _counted(metric)) is None:
        return None
    runs = [*first, *second]
    if any(run.gold != runs[0].gold for run in runs):
        raise UserError(f"{name}: the predictions are not of the same test set")
    labels = sorted(
        {label for run in runs for rows in (run.gold, run.predicted) for r in rows for label in r}
    )
    a, b = (
        np.stack([counted.count(run.gold, run.predicted, labels) for run in side])
        for side in (first, second)
    )
    return _swapped(a, b, counted.score, _seed(name))


def score_of(metric: str, run: Predictions) -> float | None:
    """Return the score of predictions, from 0 to 1, as a record has it; None as `p_value` does."""
    if (counted := _counted(metric)) is None:
        return None
    labels = sorted({label for rows in (run.gold, run.predicted) for r in rows for label in r})
    counts = counted.count(run.gold, run.predicted, labels)
    return float(counted.score(counts.sum(axis=0, keepdims=True))[0])


def _counted(metric: str) -> Counted | None:
    return METRICS[metric].counted if metric in METRICS else None


def _swapped(a: np.ndarray, b: np.ndarray, score: Score, seed: int) -> float:
    """Swap examples of counts [seeds, examples, counts] and compare the differences."""
    if np.array_equal(a, b):
        return 1.0
    sums, other = a.sum(axis=1), b.sum(axis=1)

    def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        pairs = zip(first, second, strict=True)
        return np.mean([score(one) - score(two) for one, two in pairs], axis=0)

    observed = abs(difference(sums[:, None], other[:, None])[0])
    random, as_large = np.random.default_rng(seed), 0
    gain = (b - a).astype(np.float32)
    for done in range(0, SWAPS, AT_A_TIME):
        number = min(AT_A_TIME, SWAPS - done)
        swap = random.integers(0, 2, (number, a.shape[1]), dtype=np.int8).astype(np.float32)
        moved = np.rint(swap @ gain)
        found = difference(sums[:, None] + moved, other[:, None] - moved)
        as_large += int((abs(found) >= observed - ROUNDING).sum())
    return (1 + as_large) / (1 + SWAPS)


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
