import re
import warnings
from pathlib import Path

import pytest
from seqeval.metrics import classification_report

from monoglot.evaluate.metrics import LABELS, METRICS, SUBTOKENS, WORDS, scores_of


def classification_scores(gold: list[str], predicted: list[str]) -> dict[str, float]:
    return scores_of({LABELS: (gold, predicted)})


def tagging_scores(words: tuple, subtokens: tuple, scheme: str) -> dict[str, float]:
    return scores_of({WORDS: words, SUBTOKENS: subtokens}, scheme)


def test_the_page_has_each_metric_with_the_description_of_its_entry():
    page = (Path(__file__).parents[2] / "docs/tasks.md").read_text(encoding="utf-8")
    assert re.findall(r"^- `(\w+)`", page, flags=re.MULTILINE) == list(METRICS)
    for name, metric in METRICS.items():
        assert f"- `{name}`: {metric.description}" in page
        assert metric.label
        assert metric.label not in metric.description


def plain(gold: list[str], predicted: list[str]) -> dict[str, float]:
    return tagging_scores(([gold], [predicted]), ([gold], [predicted]), "plain")


def test_conjunctions_are_one_type_for_seqeval_but_not_for_accuracy():
    gold = ["NOUN", "CCONJ", "VERB", "NOUN"]
    scores = plain(gold, ["NOUN", "SCONJ", "VERB", "NOUN"])
    assert scores["word_f1"] == scores["subtoken_f1"] == 1.0
    assert scores["word_accuracy"] == 0.75
    assert scores["word_macro_f1"] == pytest.approx(2 / 4)


def test_neighbours_of_one_type_are_one_chunk_for_seqeval():
    scores = plain(["DET", "NOUN", "NOUN", "VERB"], ["DET", "NOUN", "VERB", "VERB"])
    assert scores["word_accuracy"] == 0.75
    assert scores["word_f1"] == scores["subtoken_f1"] == pytest.approx(1 / 3)


def test_a_missed_first_piece_costs_a_word_but_one_of_many_subtokens():
    words = ([["B-PER", "O"]], [["O", "O"]])
    pieces = ([["B-PER", "B-PER", "B-PER", "O"]], [["O", "B-PER", "B-PER", "O"]])
    scores = tagging_scores(words, pieces, "iob2")
    assert scores["subtoken_f1"] == pytest.approx(0.80)
    assert scores["word_f1"] == 0.00
    assert scores["word_accuracy"] == 0.5


def test_subtoken_f1_is_the_micro_average_of_seqevals_report():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["I-LOC", "O", "B-ORG"]]
    predicted = [["B-PER", "B-PER", "O", "I-LOC"], ["I-LOC", "B-PER", "O"]]
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    scores = tagging_scores((gold, predicted), (gold, predicted), "iob2")
    assert scores["subtoken_f1"] == report["micro avg"]["f1-score"] > 0


def test_scoring_plain_tags_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain(["NOUN", "DET"], ["O", "O"])


def test_a_word_without_prediction_is_wrong_and_adds_no_label_to_the_mean():
    scores = plain(["NOUN", "VERB"], ["NOUN", "O"])
    assert scores["word_accuracy"] == 0.5
    assert scores["word_macro_f1"] == 0.5


def test_macro_f1_is_over_labels_that_occur():
    scores = classification_scores(["a", "a", "b", "b"], ["a", "a", "b", "a"])
    assert scores["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores["accuracy"] == 0.75
    assert classification_scores(["a"], ["c"])["macro_f1"] == 0.0


def test_a_label_that_was_only_predicted_or_is_only_gold_counts_in_macro_f1():
    """F1 is 1 of `a`, 2/3 of `b`, and 0 of `c`, which is no gold label or never predicted."""
    gold, predicted = ["a", "a", "b", "b"], ["a", "a", "b", "c"]
    expected = pytest.approx((1 + 2 / 3 + 0) / 3)
    for pair in ((gold, predicted), (predicted, gold)):
        assert classification_scores(*pair)["macro_f1"] == expected
        assert plain(*pair)["word_macro_f1"] == expected


def test_weighted_f1_weighs_labels_by_their_share_of_the_gold_ones():
    scores = classification_scores(["a", "a", "a", "b"], ["a", "a", "b", "b"])
    assert scores["weighted_f1"] == pytest.approx((3 * (4 / 5) + 1 * (2 / 3)) / 4)
    assert classification_scores(["a"], ["c"])["weighted_f1"] == 0.0
