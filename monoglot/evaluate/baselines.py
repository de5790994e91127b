"""One job: what a baseline without an encoder scores on one task."""

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_union
from sklearn.svm import LinearSVC

from monoglot import provenance
from monoglot.data.readers import SPLITS, Example, TaggedExample, TextExample
from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS
from monoglot.evaluate.records import write_predictions, write_record, written
from monoglot.evaluate.task import Names, TrainedTask
from monoglot.files import sha256

# What a linear tagger sees of a word: its spelling, its shape, and the words around it.

NGRAM_SIZES = range(1, 6)
WINDOW = (-2, -1, 1, 2)
BEFORE, AFTER = "<s>", "</s>"


def word_features(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the features of each word of a sentence, as texts.

    They are the word as written and in lower case, its shape, its character n-grams (1 to 5, with
    the word's edges marked by `<` and `>`), the two words before and after it, and of its direct
    neighbours also the shape, the last three letters, and the pair with the word itself.
    """
    margin = max(WINDOW)
    padded = [*[BEFORE] * margin, *words, *[AFTER] * margin]
    lower = [word.lower() for word in padded]
    shapes = [shape(word) for word in padded]
    for at in range(margin, margin + len(words)):
        features = [f"word={padded[at]}", f"lower={lower[at]}", f"shape={shapes[at]}"]
        features += [f"chars={ngram}" for ngram in _ngrams(f"<{lower[at]}>")]
        features += [f"lower{by:+d}={lower[at + by]}" for by in WINDOW]
        for by in (-1, 1):
            features.append(f"shape{by:+d}={shapes[at + by]}")
            features.append(f"end{by:+d}={lower[at + by][-3:]}")
        features.append(f"pair-1={lower[at - 1]} {lower[at]}")
        features.append(f"pair+1={lower[at]} {lower[at + 1]}")
        yield features


def shape(word: str) -> str:
    """Return a word with `X` for capitals, `x` for other letters and `0` for digits.

    Runs of more than two are cut to two: `Valletta` is `Xxx`, `2025` is `00`.
    """
    letters = re.sub(r"[^\W\d_]", lambda match: "X" if match[0].isupper() else "x", word)
    return re.sub(r"(.)\1+", r"\1\1", re.sub(r"\d", "0", letters))


def _ngrams(word: str) -> list[str]:
    starts = range(len(word))
    return [word[at : at + size] for size in NGRAM_SIZES for at in starts[: len(word) - size + 1]]


# Bags of n-grams under a linear model, by scikit-learn: what needs no encoder at all.

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


log = logging.getLogger(__name__)


METHODS = ("majority", "ngrams")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "seqeval")


def baseline(
    examples: str | Path, task: TrainedTask, method: str, seed: int, names: Names, out: str | Path
) -> None:
    """Score the baseline `method` on a task; write `seed{seed}.json` and its predictions to `out`.

    Nothing is drawn at random: `seed` is only the name of the one record. As there is no
    checkpoint and no tokenizer, the record's `parameters` is null, what was learned for the task
    counts as `head_parameters`, and there is no `subtoken_f1`.

    Raises `UserError` on an unknown method, a metric that needs a tokenizer, a split that is
    missing or empty, or a label that `task` does not declare.
    """
    examples, out = Path(examples), Path(out)
    if method not in METHODS:
        raise UserError(f"method: '{method}' is not known; it must be one of {', '.join(METHODS)}")
    if METRICS[task.metric].needs_tokenizer:
        raise UserError(
            f"task {task.name}: the metric '{task.metric}' needs a tokenizer, which a baseline "
            "does not have; choose a score of words"
        )
    started = time.monotonic()
    splits = {split: task.split(examples, split) for split in SPLITS}
    predicted = _predict(method, task, splits)
    outcome = task.outcome(splits["train"], splits["test"], predicted.labels)
    record = {
        **asdict(names),
        "task": task.name,
        "seed": seed,
        "metric": task.metric,
        "score": outcome.scores[task.metric],
        **outcome.recorded(),
        "n_train": len(splits["train"]),
        "n_test": len(splits["test"]),
        "n_test_words": sum(len(task.words(example)) for example in splits["test"]),
        "n_test_words_cut": 0,
        "parameters": None,
        "parameters_encoder_pooler": None,
        "adapter_parameters": 0,
        "head_parameters": predicted.weights,
        "seconds": round(time.monotonic() - started, 3),
        "peak_memory_bytes": provenance.peak_memory_bytes(),
        "versions": provenance.versions(LIBRARIES),
        "hardware": provenance.hardware(),
        "git_commit": provenance.git_commit(),
        "inputs": {"examples": sha256(examples)},
        "settings": {"method": method, **task.recorded(), **predicted.settings},
    }
    to, predictions = written(out, seed)
    write_predictions(predictions, outcome.predictions)
    write_record(to, record)
    log.info("%s: %s %.4f (%.1f s)", method, task.metric, record["score"], record["seconds"])


def _predict(method: str, task: TrainedTask, splits: Mapping[str, Sequence[Example]]) -> Prediction:
    if method == "ngrams":
        return task.ngrams(splits)
    gold = [task.gold(example) for example in splits["test"]]
    return Prediction(task.constant(task.majority(splits["train"]), gold), 0)
