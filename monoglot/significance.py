"""Whether two systems differ: a test that counts other test examples and other seeds as chance.

What a mean over seeds is compared with is a mean over other seeds, on other examples of the same
kind. Its variance is the sum of two parts:

- over examples, paired: the variance of both systems' difference in what an example adds to the
  score, the mean over seeds. For a score that is no mean, F1 say, what an example adds is its
  jackknife pseudo-value: n times the score less n - 1 times the score without it;
- over seeds, of each system: the variance of the seeds' scores by their number.

The difference by the square root of the sum is compared with Student's distribution, whose degrees
of freedom follow from those of the parts (Welch and Satterthwaite). What depends on example and
seed together is in both parts, so the test errs on the side of caution: where nothing differs, 1 to
6 % of tests have p < .05, for 2 to 5 seeds that spread by 0 to 5 points and 100 to 10,000 examples
(tests/test_significance.py). A test over examples alone, approximate randomisation for one, takes
two lots of seeds of the same method for different methods in a fifth to a half of such cases.

Sources: Tukey 1958 and Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans";
Welch 1947, "The generalization of 'Student's' problem"; Satterthwaite 1946; Holm 1979. For why
seeds must count: Dror et al. 2019, "Deep dominance" (ACL); Bouthillier et al. 2021, "Accounting for
variance in machine learning benchmarks" (MLSys).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.special import stdtr, stdtrit

from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS, Counted

LEVEL = 0.05
POWER = 0.8

Score = Callable[[np.ndarray], np.ndarray]
"""From counts added up over examples, [any, counts], to scores, [any]."""


@dataclass(frozen=True)
class Predictions:
    """Gold and predicted labels of a test set, [examples] each with one label or a label a word."""

    gold: tuple[tuple[str, ...], ...]
    predicted: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class MeanDifference:
    """A difference of two means over seeds, in parts of one, and how sure it is.

    Attributes:
        difference: the second minus the first.
        error: its standard error, over examples and seeds.
        freedom: the degrees of freedom of that error.
    """

    difference: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """The probability of at least this difference, either way, between equal systems."""
        if not self.error:
            return 1.0 if not self.difference else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.difference) / self.error))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval."""
        half = self._quantile(1 - LEVEL / 2) * self.error
        return self.difference - half, self.difference + half

    @property
    def visible(self) -> float:
        """The true difference that such a test would find significant in four of five cases."""
        return (self._quantile(1 - LEVEL / 2) + self._quantile(POWER)) * self.error

    def _quantile(self, share: float) -> float:
        return float(stdtrit(self.freedom, share))


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


def difference_in(
    metric: str, first: Sequence[Predictions], second: Sequence[Predictions], name: str
) -> MeanDifference | None:
    """Test the difference in a metric between two systems, each a mean over seeds.

    Args:
        metric: as in records.
        first, second: the predictions of each seed.
        name: of what is compared, for messages.

    Returns:
        None where nothing can be said: a side has one seed alone, or predictions do not hold all
        that the metric needs (`subtoken_f1`).

    Raises:
        UserError: the predictions are not of the same test set.
    """
    counted = _counted(metric)
    if counted is None or min(len(first), len(second)) < 2:
        return None
    runs = [*first, *second]
    if any(run.gold != runs[0].gold for run in runs):
        raise UserError(f"{name}: the predictions are not of the same test set")
    labels = sorted(
        {label for run in runs for rows in (run.gold, run.predicted) for r in rows for label in r}
    )
    sides = [
        np.stack([counted.count(run.gold, run.predicted, labels) for run in side])
        for side in (first, second)
    ]
    return difference_of(*sides, counted.score)


def difference_of(first: np.ndarray, second: np.ndarray, score: Score) -> MeanDifference:
    """Test two systems by their counts of each seed and example, [seeds, examples, counts]."""
    (ours, added), (others, others_added) = (_seeds(side, score) for side in (first, second))
    examples = first.shape[1]
    parts = [
        ((others_added - added).var(ddof=1) / examples, examples - 1),
        *((scores.var(ddof=1) / len(scores), len(scores) - 1) for scores in (ours, others)),
    ]
    variance = sum(part for part, _ in parts)
    weights = sum(part**2 / freedom for part, freedom in parts)
    return MeanDifference(
        difference=float(others.mean() - ours.mean()),
        error=float(np.sqrt(variance)),
        freedom=float(variance**2 / weights) if weights else 1.0,
    )


def adjusted(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979): those below .05 hold all together.

    The chance that any of them is below, though nothing differs, is below .05 then.
    """
    order = sorted(range(len(ps)), key=ps.__getitem__)
    found, highest = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - place) * ps[index]))
        found[index] = highest
    return found


def score_of(metric: str, run: Predictions) -> float | None:
    """Return the score of predictions as a record has it; None where they do not hold enough."""
    if (counted := _counted(metric)) is None:
        return None
    labels = sorted({label for rows in (run.gold, run.predicted) for r in rows for label in r})
    counts = counted.count(run.gold, run.predicted, labels)
    return float(counted.score(counts.sum(axis=0, keepdims=True))[0])


def _counted(metric: str) -> Counted | None:
    return METRICS[metric].counted if metric in METRICS else None


def _seeds(counts: np.ndarray, score: Score) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each seed, and what each example adds to it, the mean over seeds."""
    number = counts.shape[1]
    whole = counts.sum(axis=1)
    scores = score(whole)
    added = [
        number * score(one[None]) - (number - 1) * score(one - by_example)
        for one, by_example in zip(whole, counts, strict=True)
    ]
    return scores, np.mean(added, axis=0)
