"""A power law through few points, and how little few points say about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import linregress, t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """y = factor · x ** exponent; `low` and `high` bound the exponent, NaN below three points."""

    factor: float
    exponent: float
    low: float
    high: float

    def __call__(self, x: float) -> float:
        return self.factor * x**self.exponent


def fit(x: Sequence[float], y: Sequence[float]) -> PowerLaw | None:
    """Fit a power law by least squares of log y on log x.

    The interval of the exponent is the analytic one of simple regression: estimate ± t · standard
    error, t the 97.5 % quantile of Student's distribution with n - 2 degrees of freedom (12.7 for
    three points). It takes the points to be independent, with equal normal errors in log y.
    Returns None where there is none to fit: a value that is not positive, or a single x.
    """
    if min(*x, *y, 1) <= 0 or len(set(x)) < 2:
        return None
    line = linregress([math.log(value) for value in x], [math.log(value) for value in y])
    half = math.nan
    if len(x) > 2:
        half = t.ppf((1 + CONFIDENCE) / 2, len(x) - 2) * line.stderr
    exponent = float(line.slope)
    return PowerLaw(math.exp(line.intercept), exponent, exponent - half, exponent + half)
