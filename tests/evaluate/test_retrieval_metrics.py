"""Metrics of retrieval beside naive twins, and their differences where there are no seeds."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, f1_score
from test_significance import score_of

from monoglot.evaluate.metrics import (
    COSINES,
    METRICS,
    NEIGHBOURS,
    RANKS,
    added_of,
    scores_of,
    shared_error,
)
from monoglot.significance import (
    UncertainNumber,
    difference_in,
    mean_over_seeds,
    read_predictions,
)

NUMBER = 40


@pytest.fixture
def gold() -> list[list[str]]:
    return [[str(i), str(i)] for i in range(NUMBER)]


def drawn(seed: int, right: float) -> list[list[str]]:
    """Neighbours of which a share is right; the others are few, so that they are shared."""
    draw = random.Random(seed)
    return [
        [str(i) if draw.random() < right else str(draw.randrange(5)) for _ in range(2)]
        for i in range(NUMBER)
    ]


def test_they_are_mtebs_of_each_direction(gold):
    """mteb.evaluation.evaluators: scikit-learn's weighted F1 over the numbers of sentences."""
    predicted = drawn(0, 0.5)
    scores = scores_of({NEIGHBOURS: (gold, predicted)})
    for side, name in enumerate(("target", "source")):
        columns = [[row[side] for row in rows] for rows in (gold, predicted)]
        expected = f1_score(*columns, average="weighted", zero_division=0)
        assert scores[f"f1_to_{name}"] == pytest.approx(expected)
        assert scores[f"accuracy_to_{name}"] == pytest.approx(accuracy_score(*columns))
    for kind in ("accuracy", "f1"):
        both = [scores[f"{kind}_to_{name}"] for name in ("target", "source")]
        assert scores[f"bitext_{kind}"] == pytest.approx(sum(both) / 2)
    assert scores["bitext_f1"] < scores["bitext_accuracy"] < 1


def test_ranks_and_cosines_are_averaged():
    ones = [["1", "1"]] * 2
    assert scores_of({RANKS: (ones, [["1", "2"], ["4", "1"]])}) == {"bitext_mrr": 2.75 / 4}
    pairs = {COSINES: ([["1"]] * 2, [["0.5"], ["1.0"]])}
    assert scores_of(pairs) == {"cosine_kept": 0.75}
    assert shared_error(added_of(pairs)["cosine_kept"][None]) == pytest.approx(0.25)
    assert scores_of({COSINES: ([["1"]], [["-0.5"]])}) == {"cosine_kept": 0.0}


def test_the_error_is_that_of_a_mean_over_pairs(gold):
    predicted = drawn(1, 0.5)
    right = [sum(map(str.__eq__, *rows)) / 2 for rows in zip(gold, predicted, strict=True)]
    found = shared_error(added_of({NEIGHBOURS: (gold, predicted)})["bitext_accuracy"][None])
    assert found == pytest.approx(np.std(right, ddof=1) / NUMBER**0.5)


def written(folder, name: str, predicted: list[list[str]]):
    rows = [(i, side) for i in range(NUMBER) for side in range(2)]
    columns = {
        "sentence": [i for i, _ in rows],
        "gold": [str(i) for i, _ in rows],
        "predicted": [predicted[i][side] for i, side in rows],
        "rank": [1 + (predicted[i][side] != str(i)) for i, side in rows],
        "cosine": [0.9 if side == 0 else None for _, side in rows],
    }
    pq.write_table(pa.table(columns), folder / name)
    return read_predictions(folder / name)


def test_one_run_a_side_is_tested_and_no_seed_counts_as_chance(gold, tmp_path):
    sides = {"a": drawn(0, 0.9), "b": drawn(1, 0.4)}
    first, second = (written(tmp_path, name, predicted) for name, predicted in sides.items())
    for metric in (one for one in METRICS.values() if not one.has_seeds):
        found = difference_in(metric.name, [first], [second], "mt")
        values = [score_of(metric.name, side) for side in (first, second)]
        assert found.value == pytest.approx(values[1] - values[0])
        assert found.freedom == (1 if metric.name == "cosine_kept" else NUMBER - 1)
    assert difference_in("bitext_accuracy", [first], [second], "mt").p < 0.001
    assert difference_in("bitext_accuracy", [first], [first], "mt").p == 1.0
    right = [(np.array(gold) == np.array(sides[name])).mean(axis=1) for name in "ab"]
    gaps = right[1] - right[0]
    found = difference_in("bitext_accuracy", [first], [second], "mt")
    assert found.error == pytest.approx(gaps.std(ddof=1) / NUMBER**0.5)


def test_the_interval_of_one_run_is_that_over_examples():
    found = mean_over_seeds([0.8], [0.05], [0.05], 41)
    assert (found.value, found.freedom) == (0.8, 40)
    assert found == UncertainNumber(0.8, pytest.approx(0.05), 40)
