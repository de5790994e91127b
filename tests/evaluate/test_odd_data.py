"""Labels missing somewhere, odd texts, and numbers that are none: a score or a sentence."""

import math
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import DIFFERENT

from monoglot.errors import UserError
from monoglot.evaluate import finetune
from monoglot.evaluate.baselines import baseline
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

NAMES = Names("m", "mt", "v")
TASK = Classification(labels=["animal", "place", "person"], metric="macro_f1").named("tc")
TAGS = Tagging(labels=["NOUN", "VERB", "ADP"], metric="word_accuracy").named("pos")
ODD_TEXTS = [
    "\x00", "\x1b[31m", "\ufeff", "\u200b\u200d", "e\u0301 é", "\u202eabc", "a" * 5000, "\r\n.\r",
    "🐕" * 40,
    "\x85\x0b\x0c x", "<mask> [MASK] </s> [SEP]", "#", "kelb\u00a0belt", "ﬁ ½ Ⅷ", "\U0010ffff",
]  # fmt: skip


def texts(path: Path, **splits: list[tuple[str, str]]) -> Path:
    rows = [(split, *row) for split, found in splits.items() for row in found]
    columns = dict(zip(("split", "text", "label"), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    return path


def sentences(path: Path, **splits: list[tuple[list[str], list[str]]]) -> Path:
    rows = [(split, *row) for split, found in splits.items() for row in found]
    columns = dict(
        zip(("split", "tokens", "tags"), map(list, zip(*rows, strict=True)), strict=True)
    )
    pq.write_table(pa.table(columns), path)
    return path


ANIMALS = [("kelb qattus", "animal"), ("dog cat", "animal")] * 4
PLACES = [("belt", "place"), ("dar kbira", "place")] * 4


@pytest.mark.parametrize("tuning", ["adapter", "full"])
def test_a_label_of_test_that_train_lacks_counts_as_missed(
    tiny_checkpoint, settings, tmp_path, tuning
):
    splits = {"train": ANIMALS + PLACES, "dev": PLACES, "test": [*ANIMALS, ("cat", "person")]}
    file = texts(tmp_path / "t.parquet", **splits)
    evaluate(
        tiny_checkpoint("bert"), file, TASK, settings(tuning=tuning), [1], NAMES, tmp_path / "out"
    )
    scores = read_record(tmp_path / "out" / "seed1.json")["scores"]
    gold = pq.read_table(tmp_path / "out" / "seed1.predictions.parquet").to_pylist()
    hits = sum(row["gold"] == row["predicted"] for row in gold)
    assert scores["accuracy"] == hits / 9
    assert {row["gold"] for row in gold} == {"animal", "person"}


@pytest.mark.parametrize("choice", ["last", "best"])
def test_a_task_with_one_class_is_scored(tiny_checkpoint, settings, tmp_path, choice):
    file = texts(tmp_path / "t.parquet", train=ANIMALS, dev=ANIMALS, test=ANIMALS)
    options = settings(checkpoint=choice)
    evaluate(tiny_checkpoint("xlm-roberta"), file, TASK, options, [1, 2], NAMES, tmp_path / "out")
    for seed in (1, 2):
        assert read_record(tmp_path / "out" / f"seed{seed}.json")["scores"]["majority"] == 1


@pytest.mark.parametrize("method", ["majority", "ngrams"])
def test_baselines_of_one_class_and_of_labels_that_train_lacks(tmp_path, method):
    for name, test in (("one", ANIMALS), ("lacking", [*ANIMALS, ("x", "person")])):
        file = texts(tmp_path / name, train=ANIMALS, dev=PLACES, test=test)
        baseline(file, TASK, method, 1, NAMES, tmp_path / "out" / name)
        record = read_record(tmp_path / "out" / name / "seed1.json")
        assert record["scores"]["accuracy"] == 8 / len(test)
    tagged = [(["kelb", "."], ["NOUN", "NOUN"])] * 4
    file = sentences(tmp_path / "tags", train=tagged, dev=tagged, test=[(["x"], ["VERB"])])
    baseline(file, TAGS, method, 1, NAMES, tmp_path / "tagged")
    assert read_record(tmp_path / "tagged" / "seed1.json")["score"] == 0


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_split_is_refused(tiny_checkpoint, settings, tmp_path, split):
    splits = {"train": ANIMALS, "dev": PLACES, "test": PLACES} | {split: []}
    file = texts(tmp_path / "t.parquet", **splits)
    with pytest.raises(UserError, match=rf"the split '{split}' is missing or empty"):
        evaluate(tiny_checkpoint("bert"), file, TASK, settings(), [1], NAMES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("family", DIFFERENT)
def test_odd_texts_are_trained_on_and_scored(tiny_checkpoint, settings, tmp_path, family):
    rows = [(text, "place") for text in ODD_TEXTS] + ANIMALS
    file = texts(tmp_path / "t.parquet", train=rows, dev=rows, test=rows)
    evaluate(tiny_checkpoint(family), file, TASK, settings(), [1], NAMES, tmp_path / "out")
    assert read_record(tmp_path / "out" / "seed1.json")["n_test"] == len(rows)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_words_without_a_piece_keep_their_place(tiny_checkpoint, settings, tmp_path, family):
    words = [*ODD_TEXTS, "kelb", " "]
    rows = [(words, ["NOUN"] * len(words)), (["\x00"], ["VERB"]), (["kelb"] * 300, ["ADP"] * 300)]
    file = sentences(tmp_path / "t.parquet", train=rows, dev=rows, test=rows)
    options = settings(checkpoint="best")
    evaluate(tiny_checkpoint(family), file, TAGS, options, [1], NAMES, tmp_path / "out")
    found = pq.read_table(tmp_path / "out" / "seed1.predictions.parquet").to_pylist()
    assert [row["gold"] for row in found] == [tag for _, tags in rows for tag in tags]


def test_examples_that_are_there_twice_count_twice(tiny_checkpoint, settings, tmp_path):
    file = texts(tmp_path / "t.parquet", train=ANIMALS + PLACES, dev=PLACES, test=PLACES * 2)
    evaluate(tiny_checkpoint("bert"), file, TASK, settings(), [1], NAMES, tmp_path / "out")
    assert read_record(tmp_path / "out" / "seed1.json")["n_test"] == 16


def huge(checkpoint: Path, out: Path) -> Path:
    """A checkpoint whose weights are finite, but whose outputs are not."""
    shutil.copytree(checkpoint, out)
    weights = load_file(out / "model.safetensors")
    for name in weights:
        weights[name] = weights[name] * 1e30
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    return out


@pytest.mark.parametrize("affect", ["initialisation", "everything"])
@pytest.mark.parametrize("tuning", ["adapter", "full"])
@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_a_loss_that_is_no_number_stops_with_step_and_rate(
    tiny_checkpoint, settings, tmp_path, family, tuning, affect
):
    broken = huge(tiny_checkpoint(family), tmp_path / "broken")
    file = texts(tmp_path / "t.parquet", train=ANIMALS + PLACES, dev=PLACES, test=PLACES)
    options = settings(tuning=tuning, seeds_affect=affect)
    with pytest.raises(UserError, match=r"loss is (nan|inf) at step 0 \(learning rate 0\.01\)"):
        evaluate(broken, file, TASK, options, [1, 2], NAMES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tuning", ["adapter", "full"])
def test_a_last_step_that_spoils_the_weights_is_no_score(
    tiny_checkpoint, settings, tmp_path, tuning
):
    """The loss of the only step is finite; what it leaves behind is not."""
    file = texts(tmp_path / "t.parquet", train=ANIMALS, dev=PLACES, test=PLACES)
    options = settings(tuning=tuning, learning_rate=3e38, epochs=1, batch_size=8)
    with pytest.raises(UserError, match=r"output of the trained model is not a finite number"):
        evaluate(tiny_checkpoint("bert"), file, TASK, options, [1], NAMES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("rate", [math.nan, math.inf])
def test_a_rate_that_is_no_number_is_refused(settings, rate):
    with pytest.raises(UserError, match="learning_rate: is"):
        settings(learning_rate=rate)


def test_between_two_looks_the_first_step_at_fault_is_named(monkeypatch):
    """On a GPU, losses are looked at every 32 steps."""
    monkeypatch.setitem(finetune.BETWEEN_CHECKS, "cpu", 32)
    losses = finetune.FiniteLosses("seed 1")
    for step in range(40):
        loss = torch.tensor(math.nan if step >= 35 else 1.0)
        losses.add(step, 0.5, loss)
    with pytest.raises(UserError, match=r"^seed 1: the training loss is nan at step 35 \(learn"):
        losses.check()
    losses.check()
