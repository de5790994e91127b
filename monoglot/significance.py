"""Whether two systems differ: a test that counts other test examples and other seeds as chance.

A mean over seeds is compared with a mean over other seeds, on other examples of the same kind. Its
variance is the sum of two parts:

- over examples, paired: the variance of the systems' difference in what an example adds to the
  score, the mean over seeds. For a score that is no mean, F1 say, that is its jackknife
  pseudo-value;
- over seeds, of each system: the variance of the seeds' scores by their number.

What depends on example and seed together, mistakes that one seed alone makes, is in both parts.
Tests leave it there, on the side of caution. In the interval of a mean it counts once: where the
seeds' scores spread further than it makes them spread, it is taken from the first part, and else
the first part is all there is. That is a two-way analysis of variance with random examples and
seeds, whose estimate of the seeds' variance is not negative.

The difference by the square root of the sum is compared with Student's distribution, with Welch's
and Satterthwaite's degrees of freedom. Where nothing differs, 1 to 6 % of tests have p < .05, for 2
to 5 seeds that spread by 0 to 5 points and 100 to 10,000 examples (tests/test_significance.py). A
test over examples alone takes two lots of seeds of one method for different methods in a fifth to a
half of such cases.

What nothing is trained for, as retrieval, has no seeds: the first part is all there is.

Sources: Tukey 1958 and Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans";
Searle, Casella and McCulloch 1992, "Variance Components"; Welch 1947; Satterthwaite 1946; Holm
1979. For why seeds must count: Dror et al. 2019, "Deep dominance" (ACL); Bouthillier et al. 2021,
"Accounting for variance in machine learning benchmarks" (MLSys).
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow.parquet as pq
from scipy.special import stdtr, stdtrit

from monoglot.errors import UserError
from monoglot.evaluate.metrics import (
    COSINES,
    METRICS,
    RANKS,
    SUBTOKENS,
    added_by_example,
)

LEVEL = 0.05
POWER = 0.8

Score = Callable[[np.ndarray], np.ndarray]
"""From counts added up over examples, [any, counts], to scores, [any]."""


Rows = tuple[tuple[str, ...], ...]
"""By example, one label or a label a word or sub-token."""


@dataclass(frozen=True)
class Predictions:
    """Gold and predicted labels of a test set; by what is compared, other pairs that it has."""

    gold: Rows
    predicted: Rows
    others: Mapping[str, tuple[Rows, Rows]] = field(default_factory=dict)


@dataclass(frozen=True)
class UncertainNumber:
    """A number, and how sure it is.

    Attributes:
        value: the number, in parts of one.
        error: its standard error, over examples and seeds.
        freedom: the degrees of freedom of that error.
    """

    value: float
    error: float
    freedom: float

    @classmethod
    def of(cls, value: float, parts: Iterable[tuple[float, float]]) -> Self:
        """Return a number whose variance has parts, each with its degrees of freedom.

        Those of their sum are Welch's and Satterthwaite's.
        """
        parts = list(parts)
        variance = sum(part for part, _ in parts)
        weights = sum(part**2 / freedom for part, freedom in parts)
        return cls(value, math.sqrt(variance), variance**2 / weights if weights else 1.0)

    @property
    def p(self) -> float:
        """The probability to see a number at least as far from 0, either way, if it is 0."""
        if not self.error:
            return 1.0 if not self.value else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.value) / self.error))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval."""
        half = self._quantile(1 - LEVEL / 2) * self.error
        return self.value - half, self.value + half

    @property
    def visible(self) -> float:
        """The true difference that such a test would find significant in four of five cases."""
        return (self._quantile(1 - LEVEL / 2) + self._quantile(POWER)) * self.error

    def _quantile(self, share: float) -> float:
        return float(stdtrit(self.freedom, share))


def mean_of(estimates: Sequence[UncertainNumber]) -> UncertainNumber:
    """Return the mean of numbers of different test sets and seeds."""
    count = len(estimates)
    parts = [((one.error / count) ** 2, one.freedom) for one in estimates]
    return UncertainNumber.of(sum(one.value for one in estimates) / count, parts)


def mean_over_seeds(
    scores: Sequence[float], errors: Sequence[float], shared: Sequence[float], examples: int
) -> UncertainNumber:
    """Return the mean of a system's scores over seeds.

    Args:
        scores: of each seed, two or more, or the one score of what no seed changes.
        errors: their standard errors over examples, as records have them.
        shared: the part of these errors that all seeds share; `errors` again where it is unknown,
            which assumes that all seeds make the same mistakes and errs on the side of caution.
        examples: of the test set.
    """
    seeds = len(scores)
    whole = statistics.fmean(error**2 for error in errors)
    common = min(statistics.fmean(error**2 for error in shared), whole)
    own, freedom = whole - common, max(examples - 1, 1)
    if seeds > 1 and (spread := statistics.variance(scores)) > own:
        parts = [(common, freedom), (spread / seeds, seeds - 1)]
    else:
        parts = [(common + own / seeds, freedom)]
    return UncertainNumber.of(statistics.fmean(scores), parts)


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

    def rows(column: list) -> Rows:
        return tuple(tuple(column[a:b]) for a, b in spans)

    def pieces_of(column: list) -> Rows:
        return tuple(tuple(chain.from_iterable(column[a:b])) for a, b in spans)

    others: dict[str, tuple[Rows, Rows]] = {}
    if None not in (pieces := columns.get("subtokens", [None])):
        repeated = [[tag] * len(tags) for tag, tags in zip(gold, pieces, strict=True)]
        others[SUBTOKENS] = pieces_of(repeated), pieces_of(pieces)
    for compared, name in ((RANKS, "rank"), (COSINES, "cosine")):
        if name in columns:  # what is missing, as of the other side's sentences, is left out
            numbers = [[str(one)] * (one is not None) for one in columns[name]]
            others[compared] = pieces_of([["1"] * len(n) for n in numbers]), pieces_of(numbers)
    return Predictions(rows(gold), rows(predicted), others)


def difference_in(
    metric: str, first: Sequence[Predictions], second: Sequence[Predictions], name: str
) -> UncertainNumber | None:
    """Test the difference in a metric between two systems, each a mean over seeds.

    Args:
        metric: as in records.
        first, second: the predictions of each seed.
        name: of what is compared, for messages.

    Returns:
        The second minus the first; None where nothing can be said, because a side has one seed
        alone of something trained, or no sub-tokens for a metric of these.

    Raises:
        UserError: the predictions are not of the same test set.
    """
    runs = [*first, *second]
    if any(run.gold != runs[0].gold for run in runs):
        raise UserError(f"{name}: the predictions are not of the same test set")
    pairs = [_pair(metric, run) for run in runs]
    if None in pairs or (METRICS[metric].has_seeds and min(len(first), len(second)) < 2):
        return None
    labels = sorted({label for pair in pairs for rows in pair for row in rows for label in row})
    counted = METRICS[metric].counted
    counts = [counted.count(*pair, labels) for pair in pairs]
    sides = np.stack(counts[: len(first)]), np.stack(counts[len(first) :])
    return difference_of(*sides, counted.score)


def difference_of(first: np.ndarray, second: np.ndarray, score: Score) -> UncertainNumber:
    """Test two systems by their counts of each seed and example, [seeds, examples, counts]."""
    (ours, added), (others, others_added) = (_seeds(side, score) for side in (first, second))
    examples = first.shape[1]
    parts = [
        (float((others_added - added).var(ddof=1)) / examples, examples - 1),
        *(
            (float(scores.var(ddof=1)) / len(scores), len(scores) - 1)
            for scores in (ours, others)
            if len(scores) > 1
        ),
    ]
    return UncertainNumber.of(float(others.mean() - ours.mean()), parts)


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


def _pair(metric: str, run: Predictions) -> tuple[Rows, Rows] | None:
    """What a metric compares; None if that, or how it is counted, is not known."""
    if metric not in METRICS or METRICS[metric].counted is None:
        return None
    compares = METRICS[metric].compares
    own = compares in (SUBTOKENS, RANKS, COSINES)
    return run.others.get(compares) if own else (run.gold, run.predicted)


def _seeds(counts: np.ndarray, score: Score) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each seed, and what each example adds to it, the mean over seeds."""
    added = [added_by_example(of_seed, score) for of_seed in counts]
    return score(counts.sum(axis=1)), np.mean(added, axis=0)
