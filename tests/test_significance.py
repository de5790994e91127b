"""The paired test, against one that tries every swap and scores with the library's scorers."""

import warnings
from itertools import product

import numpy as np
import pytest

from monoglot import significance
from monoglot.errors import UserError
from monoglot.evaluate.metrics import LABELS as WHOLE
from monoglot.evaluate.metrics import WORDS, scores_of
from monoglot.significance import Predictions, p_value, score_of
from tests.two_results import LABELS, SENTENCES, TEST

RANDOM = np.random.default_rng(3)
PLAIN = [["NOUN", "VERB"], ["CCONJ", "NOUN", "NOUN"], ["VERB"], ["NOUN", "CCONJ", "VERB"]]


def texts(right: float) -> Predictions:
    """Predictions of which this share is right, the rest by chance."""
    predicted = [g if RANDOM.random() < right else RANDOM.choice(list(LABELS)) for g in TEST]
    return Predictions(tuple((g,) for g in TEST), tuple((str(p),) for p in predicted))


def tagged(gold: list[list[str]], right: float) -> Predictions:
    tags = sorted({tag for tags in gold for tag in tags})
    predicted = [
        tuple(t if RANDOM.random() < right else str(RANDOM.choice(tags)) for t in sentence)
        for sentence in gold
    ]
    return Predictions(tuple(map(tuple, gold)), tuple(predicted))


def naive_score(metric: str, gold, predicted) -> float:
    if metric in ("macro_f1", "weighted_f1", "accuracy"):
        return scores_of({WHOLE: ([g[0] for g in gold], [p[0] for p in predicted])})[metric]
    scheme = "plain" if "NOUN" in gold[0] else "iob2"
    pair = ([list(g) for g in gold], [list(p) for p in predicted])
    return scores_of({WORDS: pair}, scheme)[metric]


def naive_p(metric: str, first: list[Predictions], second: list[Predictions]) -> float:
    """Try all swaps."""
    gold = first[0].gold

    def difference(swap) -> float:
        sides = []
        for a, b in zip(first, second, strict=True):
            one = [b.predicted[i] if s else a.predicted[i] for i, s in enumerate(swap)]
            two = [a.predicted[i] if s else b.predicted[i] for i, s in enumerate(swap)]
            sides.append(naive_score(metric, gold, one) - naive_score(metric, gold, two))
        return abs(np.mean(sides))

    observed = difference([0] * len(gold))
    swaps = [difference(swap) for swap in product((0, 1), repeat=len(gold))]
    return float(np.mean([found >= observed - 1e-9 for found in swaps]))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "weighted_f1"])
def test_of_texts(metric):
    first, second = [texts(0.9), texts(0.8)], [texts(0.4), texts(0.2)]
    # 2^12 swaps are too many to score by hand; the first six examples will do.
    first, second = ([Predictions(p.gold[:6], p.predicted[:6]) for p in s] for s in (first, second))
    check(metric, first, second)


@pytest.mark.parametrize(
    ("metric", "gold"),
    [
        ("word_f1", SENTENCES * 2),
        ("word_accuracy", PLAIN + PLAIN[:2]),
        ("word_f1", PLAIN + PLAIN[:2]),
        ("word_macro_f1", PLAIN + PLAIN[:2]),
    ],
)
def test_of_words(metric, gold):
    check(metric, [tagged(gold, 0.9), tagged(gold, 0.8)], [tagged(gold, 0.5), tagged(gold, 0.4)])


def check(metric: str, first: list[Predictions], second: list[Predictions]) -> None:
    for run in [*first, *second]:
        assert score_of(metric, run) == pytest.approx(
            naive_score(metric, run.gold, run.predicted), abs=1e-12
        )
    exact = naive_p(metric, first, second)
    error = 4 * np.sqrt(exact * (1 - exact) / significance.SWAPS) + 2e-4
    assert p_value(metric, first, second, "x") == pytest.approx(exact, abs=error)


def test_a_label_that_was_only_predicted_counts_in_the_tested_score_too():
    run = Predictions((("a",), ("a",), ("b",), ("b",)), (("a",), ("a",), ("b",), ("c",)))
    assert score_of("macro_f1", run) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert score_of("weighted_f1", run) == pytest.approx((1 + 2 / 3) / 2)


def test_always_the_same_answer():
    first, second = [texts(0.9)], [texts(0.3)]
    found = {p_value("macro_f1", first, second, "x") for _ in range(2)}
    assert len(found) == 1
    assert p_value("macro_f1", first, first, "x") == 1.0


def test_the_answer_is_the_same_on_every_machine_and_never_below_one_in_ten_thousand():
    """A published p-value should not change with the way in which swaps are drawn."""
    gold = tuple((one,) for one in "abcd" * 15)
    wrong = tuple((one,) for one in "bcda" * 15)
    both = list(enumerate(zip(gold, wrong, strict=True)))
    one = Predictions(gold, tuple(pair[i % 3 == 0] for i, pair in both))
    two = Predictions(gold, tuple(pair[i % 5 < 2] for i, pair in both))
    assert p_value("macro_f1", [one], [two], "x") == 0.5528
    assert p_value("accuracy", [Predictions(gold, gold)], [Predictions(gold, wrong)], "x") == 1e-4


def test_scoring_plain_tags_says_nothing():
    run = tagged(PLAIN, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_of("word_f1", run)


def test_is_rarely_significant_where_nothing_differs(monkeypatch):
    monkeypatch.setattr(significance, "SWAPS", 199)
    found = [p_value("accuracy", [texts(0.6)], [texts(0.6)], str(i)) for i in range(100)]
    assert sum(p <= 0.05 for p in found) <= 12


def test_sub_tokens_cannot_be_tested_and_other_test_sets_are_refused():
    run = texts(0.5)
    assert p_value("subtoken_f1", [run], [run], "x") is None
    assert score_of("subtoken_f1", run) is None
    other = Predictions(run.gold[:-1], run.predicted[:-1])
    with pytest.raises(UserError, match="not of the same test set"):
        p_value("accuracy", [run], [other], "x")
