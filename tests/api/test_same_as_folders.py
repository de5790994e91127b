"""The functions give the weights that scripts/ write into folders, to the byte."""

import csv
import shutil

import pytest
import torch
from tiny_models import DIFFERENT
from transformers import AutoModelForMaskedLM, AutoTokenizer

import monoglot
from monoglot.checkpoints import TOKENIZER_FILES, load_model
from monoglot.errors import UserError
from monoglot.operations.train import train_checkpoint
from monoglot.operations.trim_vocab import Trimming, trim_vocab
from monoglot.tokens.store import build_store
from monoglot.training.settings import Settings

TEXTS = [
    "il kelb jiġri wara qattus.",
    "id dar hija kbira fil belt.",
    "the dog runs after a cat -" * 3,
    "qattus, kelb u ziju!",
    "belt",
] * 4


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.fixture
def loaded(parent):
    return AutoModelForMaskedLM.from_pretrained(parent), AutoTokenizer.from_pretrained(parent)


@pytest.fixture
def stores(parent, tmp_path):
    for name, texts in (("tokens", TEXTS), ("validation", TEXTS[:3])):
        build_store(texts, parent, tmp_path / name)
    tokens, validation = ([tmp_path / name] for name in ("tokens", "validation"))
    return {"parent": parent, "tokens": tokens, "validation": validation}


def assert_same(model, folder):
    expected = load_model(folder)
    assert model.config.to_diff_dict() == expected.config.to_diff_dict()
    for (name, found), (other, weight) in zip(
        model.named_parameters(), expected.named_parameters(), strict=True
    ):
        assert name == other
        assert torch.equal(found, weight), name


def test_trim_vocab(parent, loaded, tmp_path):
    out, size = tmp_path / "out", len(loaded[1]) - 20
    how = {"keep_characters": True, "keep_scripts": True, "keep": ["dog: "]}
    trim_vocab(parent, out, TEXTS, TEXTS, Trimming(size=size, **how), out / "trim_report.json")
    model, tokenizer, report = monoglot.trim_vocab(*loaded, TEXTS, size, **how)
    assert report.items() >= how.items()
    assert_same(model, out)
    again = AutoTokenizer.from_pretrained(out)
    assert tokenizer.get_vocab() == again.get_vocab()
    assert [tokenizer(text) for text in TEXTS] == [again(text) for text in TEXTS]


def test_select_layers(script, parent, loaded, tmp_path):
    out = tmp_path / "out"
    options = ["--layers", 2, "--strategy", "random", "--seed", 3]
    assert not script("select_layers", "--parent", parent, "--out", out, *options)
    assert_same(monoglot.select_layers(loaded[0], 2, "random", seed=3), out)


def test_prune_ffn(script, parent, stores, loaded, tmp_path):
    out, (tokens,) = tmp_path / "out", stores["tokens"]
    options = ["--size", 20, "--max-length", 64, "--head-order", "cumulative_importance"]
    assert not script(
        "prune_ffn", "--parent", parent, "--validation", tokens, "--out", out, *options
    )
    found = monoglot.prune_ffn(*loaded, TEXTS, 20, head_order="cumulative_importance")
    assert_same(found, out)


def test_reduce_hidden(script, parent, loaded, tmp_path):
    out = tmp_path / "out"
    options = ["--size", 8, "--method", "svd", "--heads", "aligned"]
    assert not script("reduce_hidden", "--parent", parent, "--out", out, *options)
    assert_same(monoglot.reduce_hidden(loaded[0], 8, "svd", heads="aligned"), out)


@pytest.mark.parametrize("refit", [False, True])
def test_reduce_hidden_on_text(script, parent, stores, loaded, tmp_path, refit):
    out, (tokens,) = tmp_path / "out", stores["tokens"]
    options = ["--size", 12, "--method", "hidden_states", "--validation", tokens]
    options += ["--refit"] if refit else []
    assert not script("reduce_hidden", "--parent", parent, "--out", out, *options)
    model, tokenizer = loaded
    how = {"tokenizer": tokenizer, "texts": TEXTS, "refit": refit}
    found = monoglot.reduce_hidden(model, 12, "hidden_states", **how)
    assert_same(found, out)


def test_refit_without_text_is_refused_alike(script, parent, loaded, tmp_path):
    words = "'refit' needs a method that looks at text, hidden_states or activations"
    options = ["--size", 16, "--method", "svd", "--refit"]
    said = script("reduce_hidden", "--parent", parent, "--out", tmp_path / "out", *options)
    assert words in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match=words):
        monoglot.reduce_hidden(loaded[0], 16, "svd", refit=True)


def test_adapt_and_distill(stores, loaded, tmp_path):
    how = {"steps": 6, "batch_size": 4, "learning_rate": 0.01, "warmup": 0.1, "max_length": 32}
    adapted, history = monoglot.adapt(*loaded, TEXTS, validation=TEXTS[:3], **how)
    train_checkpoint(out=tmp_path / "adapted", settings=Settings(**how), **stores)
    assert_same(adapted, tmp_path / "adapted")
    with open(tmp_path / "adapted" / "history.csv") as file:
        losses = [float(row["validation_loss"]) for row in csv.DictReader(file)]
    assert losses == [row["validation_loss"] for row in history]

    student = monoglot.select_layers(loaded[0], 2, "stride")
    student.save_pretrained(tmp_path / "student")
    for name in TOKENIZER_FILES:
        shutil.copyfile(stores["parent"] / name, tmp_path / "student" / name)
    how |= {"loss": "kl", "alpha": 0.3}
    found, _ = monoglot.distill(student, loaded[0], loaded[1], TEXTS, validation=TEXTS[:3], **how)
    settings = Settings(**how)
    folders = {**stores, "parent": tmp_path / "student", "teacher": stores["parent"]}
    train_checkpoint(out=tmp_path / "kd", settings=settings, **folders)
    assert_same(found, tmp_path / "kd")
