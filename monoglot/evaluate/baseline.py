"""One job: what a baseline without an encoder scores on one task."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from monoglot import surroundings
from monoglot.data.examples import SPLITS, Example
from monoglot.errors import UserError
from monoglot.evaluate import ngrams
from monoglot.evaluate.majority import majority
from monoglot.evaluate.ngrams import Prediction
from monoglot.evaluate.outcome import (
    Outcome,
    classification_outcome,
    tagging_outcome,
    write_predictions,
    written,
)
from monoglot.evaluate.records import write_record
from monoglot.evaluate.splits import labels_of, read_split
from monoglot.evaluate.task import Names, Task
from monoglot.files import sha256

METHODS = ("majority", "ngrams")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "seqeval")

log = logging.getLogger(__name__)


def baseline(
    examples: str | Path, task: Task, method: str, seed: int, names: Names, out: str | Path
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
    if task.metric.startswith("subtoken_"):
        raise UserError(
            f"task {task.name}: the metric '{task.metric}' needs a tokenizer, which a baseline "
            "does not have; choose a score of words"
        )
    started = time.monotonic()
    splits = {split: read_split(examples, split, task) for split in SPLITS}
    predicted = _predict(method, task, splits)
    outcome = _outcome(task, splits, predicted.labels)
    record = {
        **asdict(names),
        "task": task.name,
        "seed": seed,
        "metric": task.metric,
        "score": outcome.scores[task.metric],
        "scores": outcome.scores,
        "n_train": len(splits["train"]),
        "n_test": len(splits["test"]),
        "n_words_without_subtoken": outcome.lost,
        "parameters": None,
        "parameters_encoder_pooler": None,
        "adapter_parameters": 0,
        "head_parameters": predicted.weights,
        "seconds": round(time.monotonic() - started, 3),
        "peak_memory_bytes": surroundings.peak_memory_bytes(),
        "versions": surroundings.versions(LIBRARIES),
        "hardware": surroundings.hardware(),
        "git_commit": surroundings.git_commit(),
        "inputs": {"examples": sha256(examples)},
        "settings": {
            "method": method,
            "kind": task.kind,
            "scheme": task.scheme if task.kind == "tagging" else None,
            "labels": list(task.labels),
            **predicted.settings,
        },
    }
    to, predictions = written(out, seed)
    write_predictions(predictions, outcome.predictions)
    write_record(to, record)
    log.info("%s: %s %.4f (%.1f s)", method, task.metric, record["score"], record["seconds"])


def _predict(method: str, task: Task, splits: Mapping[str, Sequence[Example]]) -> Prediction:
    if method == "majority":
        constant = majority(task, (label for row in splits["train"] for label in labels_of(row)))
        return Prediction([constant] * sum(len(labels_of(row)) for row in splits["test"]), 0)
    if task.kind == "classification":
        return ngrams.predict_texts(*(splits[split] for split in SPLITS), task.metric)
    return ngrams.predict_tags(splits["train"], splits["test"])


def _outcome(
    task: Task, splits: Mapping[str, Sequence[Example]], predicted: Sequence[str]
) -> Outcome:
    train, test = splits["train"], splits["test"]
    if task.kind == "classification":
        return classification_outcome(task, train, test, predicted)
    tags = iter(predicted)
    return tagging_outcome(task, train, test, [[next(tags) for _ in row.tags] for row in test])
