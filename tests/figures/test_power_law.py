"""The power law against formulas written out, and what three points leave open."""

import math

import numpy as np
import pytest

from monoglot.figures.drop_figure import fit

VOLUMES, DROPS = [188, 1032, 332], [19.2264, 2.93671, 5.20539]


def test_the_fit_is_that_of_polyfit_on_logarithms():
    law = fit(VOLUMES, DROPS)
    slope, intercept = np.polyfit(np.log(VOLUMES), np.log(DROPS), 1)
    assert law.exponent == pytest.approx(slope)
    assert law.factor == pytest.approx(math.exp(intercept))


def test_the_interval_of_three_points_by_hand():
    law = fit(VOLUMES, DROPS)
    x, y = np.log(VOLUMES), np.log(DROPS)
    residuals = y - np.log([law.factor * volume**law.exponent for volume in VOLUMES])
    error = math.sqrt((residuals @ residuals) / (3 - 2) / ((x - x.mean()) ** 2).sum())
    quantile = math.tan(math.pi * (0.975 - 0.5))  # Student's t with one degree: Cauchy
    assert quantile == pytest.approx(12.7062, abs=1e-4)
    assert law.high - law.exponent == pytest.approx(quantile * error)
    assert law.exponent - law.low == pytest.approx(quantile * error)


def test_an_exact_power_law_is_found_with_no_doubt():
    law = fit([1, 10, 100, 1000], [5 * x**-0.5 for x in (1, 10, 100, 1000)])
    assert (law.factor, law.exponent) == (pytest.approx(5), pytest.approx(-0.5))
    assert law.high - law.low == pytest.approx(0, abs=1e-6)


def test_two_points_have_a_line_and_no_interval():
    law = fit([1, 10], [4, 2])
    assert law.exponent == pytest.approx(math.log10(0.5))
    assert (law.low, law.high) == (None, None)


@pytest.mark.parametrize(("x", "y"), [([5], [1]), ([5, 5], [1, 2]), ([1, 2, 3], [1, 0, 2])])
def test_there_is_none_through_one_volume_or_a_drop_that_is_none(x, y):
    assert fit(x, y) is None
