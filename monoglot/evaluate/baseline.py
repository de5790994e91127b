"""One job: what a baseline without an encoder scores on one task."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from monoglot import surroundings
from monoglot.data.examples import SPLITS, Example
from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS
from monoglot.evaluate.ngrams import Prediction
from monoglot.evaluate.records import write_predictions, write_record, written
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
        "settings": {"method": method, **task.recorded(), **predicted.settings},
    }
    to, predictions = written(out, seed)
    write_predictions(predictions, outcome.predictions)
    write_record(to, record)
    log.info("%s: %s %.4f (%.1f s)", method, task.metric, record["score"], record["seconds"])


def _predict(method: str, task: Task, splits: Mapping[str, Sequence[Example]]) -> Prediction:
    if method == "ngrams":
        return task.ngrams(splits)
    gold = [task.gold(example) for example in splits["test"]]
    return Prediction(task.constant(task.majority(splits["train"]), gold), 0)
