"""Two small results folders with predictions, to be compared."""

from pathlib import Path

import pyarrow.parquet as pq

from monoglot.data.readers import TaggedExample, TextExample
from monoglot.evaluate.records import FIELDS, write_record
from monoglot.evaluate.task import Outcome
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

LABELS = ("a", "b", "c")
TEST = "abcabcabcabc"
TOPICS = Classification(labels=list(LABELS), metric="macro_f1").named("tc")
NAMES = Tagging(labels=["PER", "LOC"], metric="word_f1", scheme="iob2").named("ner")
SENTENCES = [["B-PER", "I-PER", "O"], ["O", "B-LOC"], ["B-PER", "O", "B-LOC"], ["O"]]


def topics(predicted: str) -> Outcome:
    test = [TextExample("text", label) for label in TEST]
    return TOPICS.outcome(test, test, list(predicted))


def names(predicted: list[list[str]]) -> Outcome:
    test = [TaggedExample(["w"] * len(tags), tags) for tags in SENTENCES]
    return NAMES.outcome(test, test, predicted, [[[tag] for tag in tags] for tags in predicted])


def write(folder: Path, about: str, seed: int, outcome: Outcome, **more) -> Path:
    """Write a record and its predictions; `about` is model/language/variant/task."""
    model, language, variant, task = about.split("/")
    metric = {"tc": "macro_f1", "ner": "word_f1"}[task]
    record = {key: kind() for key, kind in FIELDS.items()} | {
        **{"model": model, "language": language, "variant": variant, "task": task, "seed": seed},
        **{"metric": metric, "scores": outcome.scores, "score": outcome.scores[metric]},
        **{"errors": outcome.recorded()["errors"], "chance": outcome.chance, "n_test": 12},
        **{"git_commit": None, "parameters": 1_000_000, "settings": {"epochs": 5}},
    }
    path = folder / "scores" / about / f"seed{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, record | more)
    pq.write_table(outcome.predictions, path.with_suffix(".predictions.parquet"))
    return path
