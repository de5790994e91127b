import logging
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import DIFFERENT
from transformers import AutoModel

from monoglot.checkpoints import EMBEDDINGS
from monoglot.errors import UserError
from monoglot.operations.surgery import load_with_head


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.fixture
def prefix(model):
    return f"{model.base_model_prefix}."


@pytest.fixture(params=["with prefix", "without"])
def encoder(request, parent, prefix, tmp_path):
    """A checkpoint of the encoder alone, its tensors named as in either kind of upload."""
    folder = tmp_path / "encoder"
    AutoModel.from_pretrained(parent).save_pretrained(folder)
    if request.param == "with prefix":
        weights = load_file(folder / "model.safetensors")
        renamed = {f"{prefix}{name}": tensor for name, tensor in weights.items()}
        save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_an_encoder_gets_the_same_random_head_each_time(encoder, parent, inputs, caplog):
    caplog.set_level(logging.INFO)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    model, again = (load_with_head(encoder, "x", "fresh") for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert "x: has no masked-LM head; it gets an untrained one" in caplog.messages
    first, second = model.state_dict(), again.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.get_output_embeddings().bias.abs().sum() == 0
    expected = AutoModel.from_pretrained(parent).eval()(**inputs).last_hidden_state
    assert torch.equal(model.base_model(**inputs).last_hidden_state, expected)


def test_a_missing_head_must_be_asked_for(encoder):
    with pytest.raises(UserError, match=r"x: has no weights for .* if 'head' is set to fresh"):
        load_with_head(encoder, "x", "trained")


def test_a_head_that_is_there_in_part_or_whole_is_not_replaced(parent, prefix, tmp_path):
    with pytest.raises(UserError, match="x: has a masked-LM head of its own; remove 'head: fresh'"):
        load_with_head(parent, "x", "fresh")
    part = shutil.copytree(parent, tmp_path / "part")
    weights = load_file(part / "model.safetensors")
    del weights[next(name for name in weights if not name.startswith(prefix))]
    save_file(weights, part / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="remove 'head: fresh'"):
        load_with_head(part, "x", "fresh")
    with pytest.raises(UserError, match="x: has no weights for"):
        load_with_head(part, "x", "trained")


def test_a_discriminators_head_is_no_masked_lm_head(tiny_checkpoint, tmp_path):
    """ELECTRA's discriminators have none, but one that says which pieces were replaced."""
    AutoModel.from_pretrained(tiny_checkpoint("electra")).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights = {f"electra.{name}": tensor for name, tensor in weights.items()}
    weights |= {f"discriminator_predictions.dense.{n}": torch.ones(24) for n in ("weight", "bias")}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="if 'head' is set to fresh"):
        load_with_head(tmp_path, "x", "trained")
    assert load_with_head(tmp_path, "x", "fresh").generator_lm_head.bias.abs().sum() == 0


def test_an_encoder_must_be_whole(encoder):
    weights = load_file(encoder / "model.safetensors")
    gone = next(name for name in weights if name.endswith(EMBEDDINGS))
    del weights[gone]
    save_file(weights, encoder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"has no weights for .*(word|tok)_embeddings"):
        load_with_head(encoder, "x", "fresh")
