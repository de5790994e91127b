"""Bags of n-grams under a linear model, by scikit-learn: what needs no encoder at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_union
from sklearn.svm import LinearSVC

from monoglot.data.examples import TaggedExample, TextExample
from monoglot.evaluate.metrics import METRICS
from monoglot.evaluate.word_features import word_features

TEXT_CS = (0.1, 1.0, 10.0, 100.0)
"""Inverse strengths of regularisation to choose from on the dev set, strongest first."""

TAG_C = 0.1
"""Of the tagger; 1.0 takes five times as long on 20,000 sentences and gains next to nothing."""


@dataclass(frozen=True)
class Prediction:
    """Labels of the test set, the number of weights learned for them, and the settings used.

    Labels are as the task's gold ones: one for each example, or a list of its words' tags.
    """

    labels: list
    weights: int
    settings: dict = field(default_factory=dict)


def predict_texts(
    train: Sequence[TextExample],
    dev: Sequence[TextExample],
    test: Sequence[TextExample],
    metric: str,
) -> Prediction:
    """Predict the label of each test text.

    Logistic regression with balanced class weights on TF-IDF of words (1 and 2) and of characters
    within words (2 to 5). Its C is the one of `TEXT_CS` with the best `metric` on dev, the
    smallest among equals.
    """
    labels = [example.label for example in train]
    if len(set(labels)) == 1:
        return Prediction(labels[:1] * len(test), 0)
    features = _text_features()
    train_matrix = features.fit_transform([example.text for example in train])
    dev_matrix = features.transform([example.text for example in dev])
    dev_labels = [example.label for example in dev]
    models, reached = {}, {}
    for c in TEXT_CS:
        models[c] = LogisticRegression(C=c, class_weight="balanced", max_iter=1000)
        predicted = models[c].fit(train_matrix, labels).predict(dev_matrix).tolist()
        reached[c] = METRICS[metric].score(dev_labels, predicted)
    best = max(TEXT_CS, key=reached.__getitem__)
    predicted = models[best].predict(features.transform([example.text for example in test]))
    return Prediction(predicted.tolist(), _weights(models[best]), {"c": best})


def predict_tags(train: Sequence[TaggedExample], test: Sequence[TaggedExample]) -> Prediction:
    """Predict the tags of each test sentence.

    A linear support vector machine (one against the rest, C 0.1) on `word_features`, present or
    not. Each word is tagged for itself; tags that do not follow from one another stay as they are.
    """
    tags = [tag for example in train for tag in example.tags]
    if len(set(tags)) == 1:
        return Prediction([tags[:1] * len(example.tokens) for example in test], 0)
    features = CountVectorizer(analyzer=list, binary=True, dtype=np.float64)
    model = LinearSVC(C=TAG_C, random_state=0)
    model.fit(features.fit_transform(_words(train)), tags)
    predicted = iter(model.predict(features.transform(_words(test))).tolist())
    sentences = [[next(predicted) for _ in example.tokens] for example in test]
    return Prediction(sentences, _weights(model), {"c": TAG_C})


def _text_features() -> FeatureUnion:
    """Return the vectoriser of texts; runs of punctuation are words, so no text is empty."""
    return make_union(
        TfidfVectorizer(token_pattern=r"\w+|[^\w\s]+", ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )


def _words(examples: Sequence[TaggedExample]) -> chain[list[str]]:
    return chain.from_iterable(word_features(example.tokens) for example in examples)


def _weights(model: ClassifierMixin) -> int:
    return model.coef_.size + model.intercept_.size
