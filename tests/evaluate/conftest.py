"""Small data sets that tiny checkpoints can learn, and the options to learn them with."""

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monoglot.evaluate.task import Task, TuningSettings
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

WORDS = ["kelb", "qattus", "dar", "kbira", "fil", "belt", "dog", "cat"]
SIZES = {"train": 24, "dev": 8, "test": 12}


def write_parquet(path: Path, columns: dict[str, list]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def texts_file(tmp_path: Path) -> Path:
    """Texts labelled by the word they hold."""
    draw = random.Random(0)
    columns: dict[str, list] = {"split": [], "text": [], "label": []}
    for split, size in SIZES.items():
        for _ in range(size):
            label = draw.choice(["animal", "place"])
            word = {"animal": "kelb", "place": "belt"}[label]
            length = draw.randint(2, 7)
            columns["split"].append(split)
            columns["text"].append(" ".join([word, *draw.choices(WORDS[6:], k=length)]))
            columns["label"].append(label)
    return write_parquet(tmp_path / "tc.parquet", columns)


@pytest.fixture
def sentences_file(tmp_path: Path) -> Path:
    """Sentences in which `kelb` is a person, `belt` a place."""
    draw = random.Random(0)
    tags = {"kelb": "B-PER", "belt": "B-LOC"}
    columns: dict[str, list] = {"split": [], "tokens": [], "tags": []}
    for split, size in SIZES.items():
        for _ in range(size):
            tokens = draw.choices(WORDS, k=draw.randint(2, 9))
            columns["split"].append(split)
            columns["tokens"].append(tokens)
            columns["tags"].append([tags.get(token, "O") for token in tokens])
    return write_parquet(tmp_path / "ner.parquet", columns)


@pytest.fixture
def texts_task() -> Task:
    return Classification(labels=["animal", "place"], metric="macro_f1").named("tc")


@pytest.fixture
def sentences_task() -> Task:
    return Tagging(labels=["PER", "LOC"], metric="word_f1", scheme="iob2").named("ner")


@pytest.fixture
def settings() -> Callable[..., TuningSettings]:
    """Return `settings(**changes)`: few steps, all else as small as can be."""

    def build(**changes: object) -> TuningSettings:
        values = {
            "reduction_factor": 2,
            "learning_rate": 1e-2,
            "batch_size": 8,
            "epochs": 2,
            "max_length": 32,
            "weight_decay": 0.0,
            "warmup": 0.0,
            "checkpoint": "last",
            "label_subtokens": "all",
            "seeds_affect": "initialisation",
        }
        return TuningSettings.checked(values | changes)

    return build
