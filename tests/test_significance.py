"""The test of differences, against one with the library's scorers, and by simulation."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from monoglot import significance
from monoglot.data.readers import TaggedExample
from monoglot.errors import UserError
from monoglot.evaluate.metrics import LABELS as WHOLE
from monoglot.evaluate.metrics import METRICS, SUBTOKENS, WORDS, scores_of, shared_error
from monoglot.significance import (
    Predictions,
    UncertainNumber,
    adjusted,
    difference_in,
    difference_of,
    mean_of,
    mean_over_seeds,
    read_predictions,
)
from tests.two_results import LABELS, NAMES, SENTENCES, TEST, topics

REPEATS = 250
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


def without(run: Predictions, example: int) -> Predictions:
    return Predictions(
        *(rows[:example] + rows[example + 1 :] for rows in (run.gold, run.predicted))
    )


def naive(metric: str, first: list[Predictions], second: list[Predictions]) -> tuple[float, float]:
    """Difference and p-value with the library's scorers, leaving out one example after another."""
    n, variance, terms, means, added = len(first[0].gold), 0.0, 0.0, [], []
    for side in (first, second):
        scores = [naive_score(metric, run.gold, run.predicted) for run in side]
        means.append(np.mean(scores))
        part = np.var(scores, ddof=1) / len(side)
        variance, terms = variance + part, terms + part**2 / (len(side) - 1)
        fewer = [[without(run, i) for i in range(n)] for run in side]
        left = [[naive_score(metric, r.gold, r.predicted) for r in runs] for runs in fewer]
        added.append(
            np.mean(
                [n * s - (n - 1) * np.array(one) for s, one in zip(scores, left, strict=True)], 0
            )
        )
    part = np.var(added[1] - added[0], ddof=1) / n
    variance, terms = variance + part, terms + part**2 / (n - 1)
    difference = means[1] - means[0]
    p = 2 * stats.t.sf(abs(difference) / np.sqrt(variance), variance**2 / terms)
    return difference, p


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "weighted_f1"])
def test_of_texts(metric):
    check(metric, [texts(0.9), texts(0.8)], [texts(0.4), texts(0.2), texts(0.3)])


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


def score_of(metric: str, run: Predictions) -> float:
    """The score that the counts of a test set give."""
    pair = significance._pair(metric, run)
    labels = sorted({label for rows in pair for row in rows for label in row})
    counted = METRICS[metric].counted
    counts = counted.count(*pair, labels).sum(axis=0, keepdims=True)
    return float(counted.score(counts)[0])


def check(metric: str, first: list[Predictions], second: list[Predictions]) -> None:
    for run in [*first, *second]:
        assert score_of(metric, run) == pytest.approx(
            naive_score(metric, run.gold, run.predicted), abs=1e-12
        )
    found = difference_in(metric, first, second, "x")
    assert (found.value, found.p) == pytest.approx(naive(metric, first, second), rel=1e-9)
    low, high = found.interval
    assert (low + high) / 2 == pytest.approx(found.value)
    assert (low > 0 or high < 0) == (found.p < 0.05)


def test_a_label_that_was_only_predicted_counts_in_the_tested_score_too():
    run = Predictions((("a",), ("a",), ("b",), ("b",)), (("a",), ("a",), ("b",), ("c",)))
    assert score_of("macro_f1", run) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert score_of("weighted_f1", run) == pytest.approx((1 + 2 / 3) / 2)


def test_scoring_plain_tags_says_nothing():
    run = tagged(PLAIN, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_of("word_f1", run)


def test_equal_systems_do_not_differ():
    one, other = texts(0.9), texts(0.3)
    assert difference_in("macro_f1", [one, other], [one, other], "x").p == 1.0
    assert difference_in("macro_f1", [one, one], [one, one], "x").p == 1.0
    assert difference_in("accuracy", [one, one], [one, one], "x").interval == (0.0, 0.0)


def simulated(spread: float, examples: int, seeds: int, points: float = 0.0) -> Iterator[float]:
    """Test pairs of systems whose seeds spread, in points of accuracy, and that differ by some."""
    random = np.random.default_rng([round(10 * spread), examples, seeds])
    accuracy = METRICS["accuracy"].counted.score
    while True:
        ease = random.normal(0.8, 0.15, examples)
        sides = []
        for better in (0.0, points):
            of_seed = random.normal(better, spread, (seeds, 1)) / 100
            right = random.random((seeds, examples)) < ease + of_seed
            sides.append(np.stack([right, np.ones_like(right)], axis=-1).astype(np.int64))
        yield difference_of(*sides, accuracy)


def share(tests: Iterator, number: int) -> float:
    return np.mean([test.p < 0.05 for test in islice(tests, number)])


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_seeds_of_one_method_are_rarely_two_methods(seeds):
    """However far seeds spread and however many examples there are: in 6 % of cases at most."""
    found = {
        (spread, examples): share(simulated(spread, examples, seeds), REPEATS)
        for spread in (0, 0.5, 2, 5)
        for examples in (100, 1000)
    }
    assert np.mean(list(found.values())) < 0.06
    assert max(found.values()) < 0.06 + 3 * np.sqrt(0.06 * 0.94 / REPEATS), found


def test_what_is_said_to_be_visible_is_found_four_times_in_five():
    visible = 100 * np.mean([t.visible for t in islice(simulated(1, 1000, 3), 50)])
    # With few degrees of freedom, and seeds and examples both counted, it errs to one side alone.
    assert 0.65 < share(simulated(1, 1000, 3, visible), 300) < 0.97


def listed(pair):
    return [[list(row) for row in rows] for rows in pair]


def test_sub_tokens_are_tested_as_seqeval_scores_them():
    """Of systems whose tokenizers cut words differently, by sentence."""

    def cut(run: Predictions, pieces: int) -> Predictions:
        rows = [tuple(t for tag in s for t in [tag] * pieces) for s in run.gold]
        found = [tuple(t for tag in s for t in [tag] * pieces) for s in run.predicted]
        return Predictions(run.gold, run.predicted, {SUBTOKENS: (tuple(rows), tuple(found))})

    first = [cut(tagged(SENTENCES * 2, right), 2) for right in (0.9, 0.8)]
    second = [cut(tagged(SENTENCES * 2, right), 3) for right in (0.3, 0.4)]
    found = difference_in("subtoken_f1", first, second, "x")
    scores = [
        np.mean([METRICS["subtoken_f1"].score(*listed(run.others[SUBTOKENS])) for run in side])
        for side in (first, second)
    ]
    assert found.value == pytest.approx(scores[1] - scores[0])
    assert found.error > 0


def drawn(random, spread: float, examples: int, seeds: int, own: float) -> np.ndarray:
    """Which examples are right, [seeds, examples], of new seeds and examples; about 0.7 of them.

    Seeds spread by so many points. On a share `own` of the examples, they are right or wrong
    independently of one another.
    """
    level = 0.7 + random.normal(0, spread / 100, (seeds, 1))
    luck = np.where(random.random((seeds, examples)) < own, random.random((seeds, examples)), -1)
    return (np.where(luck < 0, random.random(examples), luck) < level).astype(float)


def interval_of(right: np.ndarray) -> UncertainNumber:
    errors = [shared_error(row[None]) for row in right]
    shared = [shared_error(right)] * len(right)
    return mean_over_seeds(right.mean(axis=1).tolist(), errors, shared, right.shape[1])


@pytest.mark.parametrize("cells", [1, 4])
@pytest.mark.parametrize("seeds", [3, 5])
def test_an_interval_covers_the_true_mean_in_95_of_100_cases(seeds, cells):
    """Of cells and of averages, whatever seeds have in common (docs/tasks.md)."""
    random, repeats, found = np.random.default_rng([seeds, cells]), 400 // cells, {}
    for own in (0.0, 0.3, 0.7):
        for spread, examples in ((0, 100), (0, 1000), (2, 100), (2, 1000)):
            covered = []
            for _ in range(repeats):
                of = [
                    interval_of(drawn(random, spread, examples, seeds, own)) for _ in range(cells)
                ]
                low, high = mean_of(of).interval
                covered.append(low <= 0.7 <= high)
            found[own, spread, examples] = np.mean(covered)
    chance = 3 * np.sqrt(0.95 * 0.05 / repeats)
    assert min(found.values()) > 0.92 - chance, found
    assert 0.935 < np.mean(list(found.values())) < 0.975, found


@pytest.mark.parametrize("own", [0.0, 0.3, 0.6])
def test_the_error_of_a_mean_is_its_deviation_over_other_seeds_and_examples(own):
    """And not far larger, as where mistakes of single seeds count twice, or as every seed's."""
    random = np.random.default_rng(5)
    for spread in (0, 3):
        drawings = [drawn(random, spread, 200, 5, own) for _ in range(1000)]
        deviation = np.std([one.mean() for one in drawings])
        said = np.sqrt(np.mean([interval_of(one).error ** 2 for one in drawings]))
        assert 0.93 < said / deviation < 1.12, (spread, said / deviation)


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
def test_what_seeds_share_is_the_covariance_of_their_jackknives(metric):
    seeds = [texts(right) for right in (0.9, 0.7, 0.6)]
    added = np.stack([METRICS[metric].counted.added(run.gold, run.predicted) for run in seeds])
    covariances = np.cov(added)[np.triu_indices(3, 1)]
    assert shared_error(added) ** 2 == pytest.approx(max(covariances.mean(), 0) / len(TEST))
    one = shared_error(added[:1])
    assert one**2 == pytest.approx(np.var(added[0], ddof=1) / len(TEST))
    assert shared_error(np.stack([added[0]] * 3)) == pytest.approx(one)
    assert shared_error(added[:, :1]) == 0.0


def test_without_what_seeds_share_their_mistakes_count_as_the_same():
    known = mean_over_seeds([0.5, 0.6], [0.04, 0.04], [0.04, 0.04], 100)
    assert known.error**2 == pytest.approx(0.04**2 + 0.005 / 2)
    # Of what is their own, the spread of the seeds' scores has it already.
    assert mean_over_seeds([0.5, 0.6], [0.04] * 2, [0.03] * 2, 100).error ** 2 == pytest.approx(
        0.03**2 + 0.005 / 2
    )
    # Equal scores with no mistake in common do not make a mean certain.
    assert mean_over_seeds([0.5, 0.5], [0.04] * 2, [0.0] * 2, 100).error == pytest.approx(
        0.04 / 2**0.5
    )


def test_the_mean_of_cells_is_surer_than_each():
    one = UncertainNumber(0.6, 0.03, 50.0)
    mean = mean_of([one, replace(one, value=0.4)])
    assert (mean.value, mean.error) == pytest.approx((0.5, 0.03 / 2**0.5))
    assert mean.freedom == pytest.approx(100)
    assert mean_of([one, UncertainNumber(0.4, 0.0, 1.0)]).error == pytest.approx(0.015)


def test_predictions_come_back_by_sentence(tmp_path):
    pieces = [[[tag, "O"] for tag in tags] for tags in SENTENCES]
    outcome = NAMES.outcome(
        examples := [TaggedExample(["w"] * len(tags), tags) for tags in SENTENCES],
        examples,
        [["O"] * len(tags) for tags in SENTENCES],
        pieces,
    )
    pq.write_table(outcome.predictions, tmp_path / "x.parquet")
    found = read_predictions(tmp_path / "x.parquet")
    assert found.gold == tuple(map(tuple, SENTENCES))
    assert found.predicted == tuple(("O",) * len(tags) for tags in SENTENCES)
    gold, predicted = found.others[SUBTOKENS]
    assert gold[0] == ("B-PER", "B-PER", "I-PER", "I-PER", "O", "O")
    assert predicted[0] == ("B-PER", "O", "I-PER", "O", "O", "O")
    pq.write_table(topics(TEST).predictions, tmp_path / "y.parquet")
    found = read_predictions(tmp_path / "y.parquet")
    assert (len(found.gold), found.gold[:2], found.others) == (12, (("a",), ("b",)), {})


def test_a_label_of_another_run_does_not_count_in_this_one():
    one = Predictions((("a",), ("b",), ("a",)), (("a",), ("b",), ("b",)))
    other = Predictions(one.gold, (("c",), ("b",), ("a",)))
    found = difference_in("macro_f1", [one, one], [other, other], "x")
    assert found.value == pytest.approx(score_of("macro_f1", other) - score_of("macro_f1", one))


def test_a_difference_without_any_chance_is_certain():
    assert UncertainNumber(0.1, 0.0, 1.0).p == 0.0
    assert UncertainNumber(0.0, 0.0, 1.0).p == 1.0


def test_many_p_values_are_adjusted_as_holm_says():
    assert adjusted([]) == []
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted([0.9, 0.8]) == [1.0, 1.0]


def test_what_cannot_be_tested_and_other_test_sets():
    run = texts(0.5)
    assert difference_in("accuracy", [run], [run, run], "x") is None
    assert difference_in("subtoken_f1", [run, run], [run, run], "x") is None
    other = Predictions(run.gold[:-1], run.predicted[:-1])
    with pytest.raises(UserError, match="not of the same test set"):
        difference_in("accuracy", [run, run], [other, other], "x")
