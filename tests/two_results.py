"""Two small results folders with predictions, to be compared."""

from pathlib import Path

import pyarrow.parquet as pq

from monoglot.data.examples import TaggedExample, TextExample
from monoglot.evaluate.outcome import Outcome, classification_outcome, tagging_outcome
from monoglot.evaluate.records import FIELDS, write_record
from monoglot.evaluate.task import Task

LABELS = ("a", "b", "c")
TEST = "abcabcabcabc"
TOPICS = Task("tc", "classification", LABELS, "macro_f1")
NAMES = Task("ner", "tagging", ("PER", "LOC"), "word_f1", "iob2")
SENTENCES = [["B-PER", "I-PER", "O"], ["O", "B-LOC"], ["B-PER", "O", "B-LOC"], ["O"]]


def topics(predicted: str) -> Outcome:
    test = [TextExample("text", label) for label in TEST]
    return classification_outcome(TOPICS, test, test, list(predicted))


def names(predicted: list[list[str]]) -> Outcome:
    test = [TaggedExample(["w"] * len(tags), tags) for tags in SENTENCES]
    return tagging_outcome(NAMES, test, test, predicted, (SENTENCES, predicted))


def write(folder: Path, about: str, seed: int, outcome: Outcome, **more) -> Path:
    """Write a record and its predictions; `about` is model/language/variant/task."""
    model, language, variant, task = about.split("/")
    metric = {"tc": "macro_f1", "ner": "word_f1"}[task]
    record = {key: kind() for key, kind in FIELDS.items()} | {
        **{"model": model, "language": language, "variant": variant, "task": task, "seed": seed},
        **{"metric": metric, "scores": outcome.scores, "score": outcome.scores[metric]},
        **{"git_commit": None, "parameters": 1_000_000, "settings": {"epochs": 5}},
    }
    path = folder / "scores" / about / f"seed{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, record | more)
    pq.write_table(outcome.predictions, path.with_suffix(".predictions.parquet"))
    return path
