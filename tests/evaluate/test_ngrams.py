"""Linear models on n-grams: what they learn, choose and count."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from monoglot.data.readers import TaggedExample, TextExample
from monoglot.evaluate import baselines
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

WORDS = ["kelb", "qattus", "dar", "belt", "triq", "baħar"]


def texts(count: int, seed: int) -> list[TextExample]:
    """Texts whose label is the more frequent of two words, mostly."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        label = draw.choice(["a", "b", "b"])
        astray = draw.random() < 0.3
        word = {"a": "kelb", "b": "qattus"}["ab"[("ab".index(label) + astray) % 2]]
        made.append(TextExample(" ".join([word, *draw.choice(WORDS, 3)]), str(label)))
    return made


def test_the_best_c_on_dev_is_taken_by_the_metric():
    train, dev, test = texts(60, 1), texts(60, 2), texts(40, 3)
    found = baselines.predict_texts(train, dev, test, "macro_f1")

    # The naive twin: both matrices beside each other, and every C scored on dev.
    vectorisers = [
        TfidfVectorizer(token_pattern=r"\w+|[^\w\s]+", ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    ]
    matrices = [
        np.hstack(
            [
                v.fit(r.text for r in train).transform([r.text for r in rows]).toarray()
                for v in vectorisers
            ]
        )
        for rows in (train, dev, test)
    ]
    reached = {}
    for c in (0.1, 1.0, 10.0, 100.0):
        model = LogisticRegression(C=c, class_weight="balanced", max_iter=1000)
        model.fit(matrices[0], [row.label for row in train])
        score = f1_score([r.label for r in dev], model.predict(matrices[1]), average="macro")
        reached[c] = (score, model.predict(matrices[2]).tolist())
    assert len({score for score, _ in reached.values()}) > 1
    assert found.settings["c"] == max(reached, key=lambda c: reached[c][0])
    assert found.labels == reached[found.settings["c"]][1]
    # Two classes are told apart by one vector of weights.
    assert found.weights == matrices[0].shape[1] + 1


def test_splits_are_used_for_what_they_are_there_for(monkeypatch):
    seen = []
    monkeypatch.setattr(baselines, "predict_texts", lambda *given: seen.append(given))
    monkeypatch.setattr(baselines, "predict_tags", lambda *given: seen.append(given))
    splits = {"train": [1], "dev": [2], "test": [3]}
    Classification(labels=["a", "b"], metric="accuracy").ngrams(splits)
    Tagging(labels=["NOUN", "VERB"]).ngrams(splits)
    assert seen == [([1], [2], [3], "accuracy"), ([1], [3])]


def test_the_strongest_regularisation_is_taken_among_equals():
    train = [TextExample("kelb", "a"), TextExample("belt", "b")] * 5
    assert baselines.predict_texts(train, train, train, "accuracy").settings["c"] == 0.1


def test_words_are_tagged_by_their_letters_and_neighbours():
    # `ta` is a preposition after a noun and a verb at the start.
    train = [
        TaggedExample(("ta", "kelbi"), ("VERB", "NOUN")),
        TaggedExample(("ta", "darhi", "ta", "kelbi"), ("VERB", "NOUN", "ADP", "NOUN")),
        TaggedExample(("baħri", "ta", "triqi"), ("NOUN", "ADP", "NOUN")),
    ]
    test = [
        TaggedExample(("ta", "qattusi", "ta", "belti"), ("VERB",) * 4),
        TaggedExample(("ta",), ("VERB",)),
    ]
    found = baselines.predict_tags(train, test)
    assert found.labels == [["VERB", "NOUN", "ADP", "NOUN"], ["VERB"]]
    features = {f for row in train for word in baselines.word_features(row.tokens) for f in word}
    # One against the rest, with an intercept each.
    assert found.weights == 3 * (len(features) + 1)


def test_a_feature_of_a_word_is_there_or_not_however_often(monkeypatch):
    seen, fit = [], baselines.LinearSVC.fit
    monkeypatch.setattr(
        baselines.LinearSVC, "fit", lambda self, x, y: seen.append(x) or fit(self, x, y)
    )
    sentence = TaggedExample(("bababa", "dar"), ("NOUN", "VERB"))
    baselines.predict_tags([sentence], [sentence])
    assert (seen[0].min(), seen[0].max()) == (0, 1)


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
def test_one_label_alone_is_predicted_throughout(metric):
    train = [TextExample("a b", "x"), TextExample("c", "x")]
    test = [TextExample("d", "y")] * 3
    found = baselines.predict_texts(train, train, test, metric)
    assert (found.labels, found.weights) == (["x"] * 3, 0)
    outside = [TaggedExample(("a", "b"), ("O", "O"))]
    tagged = baselines.predict_tags(outside, outside * 2)
    assert (tagged.labels, tagged.weights) == ([["O", "O"]] * 2, 0)


def test_texts_of_signs_alone_and_of_scripts_without_spaces():
    train = [TextExample("!!!", "b"), TextExample("東京は大きい", "a"), TextExample("?", "b")]
    train += [TextExample("京都も大きい", "a"), TextExample("!", "b")]
    test = [TextExample("大阪は大きい", "a"), TextExample("!!", "b")]
    assert baselines.predict_texts(train, train, test, "accuracy").labels == ["a", "b"]
