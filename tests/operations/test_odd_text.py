"""Corpora that are empty, tiny or odd, and training whose numbers overflow."""

from pathlib import Path

import pytest
from test_train import SETTINGS

from monoglot.errors import UserError
from monoglot.operations.train import train_checkpoint
from monoglot.tokens.store import TokenStore, build_store
from monoglot.training import matmul

ODD = ["\x00", " ", "", "\ufeff", "\u200b", "\x1b[31m", "e\u0301", "\u202ekelb", "🐕", "a" * 20000]


@pytest.mark.parametrize("texts", [[], [""], ["", ""]])
def test_an_empty_corpus_is_refused(parent, tmp_path, texts):
    with pytest.raises(UserError, match="holds no document with a token; give it some text"):
        build_store(texts, parent, tmp_path / "tokens")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_odd_texts_are_trained_on(parent, tmp_path, precision, monkeypatch):
    monkeypatch.setattr(matmul, "_has_bf16", True)
    build_store([*ODD, "il kelb"], parent, tmp_path / "tokens")
    settings = SETTINGS.changed(precision=precision, steps=2, epochs=None)
    train(parent, tmp_path, "tokens", settings)


def test_batches_in_which_nothing_is_masked_are_no_error(parent, tmp_path):
    build_store(["kelb"], parent, tmp_path / "tokens")
    build_store(["il kelb jiġri wara qattus"] * 200, parent, tmp_path / "validation")
    settings = SETTINGS.changed(mlm_probability=0.05, steps=4, epochs=None)
    train(parent, tmp_path, "validation", settings)


def test_a_validation_in_which_nothing_is_masked_is_refused(parent, tmp_path):
    build_store(["kelb"], parent, tmp_path / "tokens")
    settings = SETTINGS.changed(mlm_probability=0.0001, steps=2, epochs=None)
    with pytest.raises(UserError, match="of which none is masked; give more text"):
        train(parent, tmp_path, "tokens", settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("learning_rate", float("nan")), ("learning_rate", float("inf")), ("learning_rate", 0.0)),
        *(("batch_size", 0), ("max_length", 2), ("steps", 0), ("alpha", float("nan"))),
    ],
)
def test_settings_that_mean_nothing_are_refused(key, value):
    with pytest.raises(UserError, match=f"^{key}: "):
        SETTINGS.changed(**{key: value})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_rate_that_overflows_stops_with_step_and_rate(parent, tmp_path, precision, monkeypatch):
    monkeypatch.setattr(matmul, "_has_bf16", True)
    build_store(["il kelb jiġri wara qattus"] * 8, parent, tmp_path / "tokens")
    settings = SETTINGS.changed(
        learning_rate=1e38, precision=precision, steps=1, epochs=None, warmup=0.0
    )
    with pytest.raises(UserError, match=r"is (nan|inf) at step 1 \(learning rate"):
        train(parent, tmp_path, "tokens", settings)
    assert not (tmp_path / "out").exists()


def test_a_store_of_another_tokenizer_is_refused(tiny_checkpoint, tmp_path):
    build_store(["il kelb"], tiny_checkpoint("xlm-roberta"), tmp_path / "tokens")
    with pytest.raises(UserError, match="was made by another tokenizer than that of"):
        train(tiny_checkpoint("bert"), tmp_path, "tokens", SETTINGS)


def train(parent: Path, folder: Path, validation: str, settings: object) -> None:
    stores = [folder / "tokens"], [folder / validation]
    assert len(TokenStore(folder / "tokens"))
    train_checkpoint(parent, folder / "out", *stores, settings)
