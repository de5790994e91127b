"""Checkpoints on disk: they load whole or are refused in one sentence."""

import json
import shutil

import pytest
import torch
from tiny_models import DIFFERENT
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from monoglot.checkpoints import FILES, count_parameters, load_model, save_checkpoint
from monoglot.errors import UserError


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.fixture
def copy(parent, tmp_path):
    """Return a copy of the family's tiny checkpoint that a test may damage."""
    return shutil.copytree(parent, tmp_path / "copy")


def test_a_saved_checkpoint_has_four_files_and_loads_with_stock_classes(model, parent, tmp_path):
    save_checkpoint(model, parent, tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILES)
    stock = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    for ours, theirs in zip(model.parameters(), stock.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    AutoModel.from_pretrained(tmp_path / "out")
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("il kelb")["input_ids"]


def test_parameters_count_a_tied_decoder_once(model):
    names = {name for name, _ in model.named_parameters()}
    assert count_parameters(model) == sum(
        value.numel() for name, value in model.state_dict().items() if name in names
    )


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(UserError, match=rf"there is no {name}"):
        load_model(copy)


def test_another_architecture_is_refused(copy):
    (copy / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(UserError, match="model_type is 'gpt2'; it must be one of bert"):
        load_model(copy)


def test_a_broken_configuration_is_refused(copy):
    (copy / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json is not valid JSON"):
        load_model(copy)


def test_cut_weights_are_refused(copy):
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match="the weights cannot be read"):
        load_model(copy)


def test_a_tokenizer_with_more_pieces_than_embeddings_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"vocab_size": 20}))
    with pytest.raises(UserError, match="but the model has 20 embeddings"):
        load_model(copy)
