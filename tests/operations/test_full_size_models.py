"""What single operations make of models at true size; marked `slow`, up to 4 GB of memory."""

import os
from pathlib import Path

import pytest
import torch
from exact_sizes import PARAMETERS, WHOLE_CHECKPOINT
from safetensors.torch import load_file
from transformers import (
    BertConfig,
    BertForPreTraining,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
)

from monoglot.checkpoints import count_parameters, load_model
from monoglot.operations.pretrained import pretrained
from monoglot.operations.reduce_hidden import low_rank, reduce_hidden

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
TOKENIZERS = {"mbert": "mbert/vocab.txt", "xlmr": "xlmr/tokenizer.json.gz"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(not (DATA / "tokenizers").is_dir(), reason=f"{DATA} has no tokenizers"),
]


def whole_model(name):
    """A model with every tensor of the published checkpoint, random."""
    if name == "mbert":
        return BertForPreTraining(BertConfig(vocab_size=119_547))
    config = XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1)
    model = XLMRobertaForMaskedLM(config)
    model.roberta = XLMRobertaModel(config, add_pooling_layer=True)
    model.tie_weights()
    return model


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_whole_checkpoint_becomes_the_masked_model_that_sizes_count(name, tmp_path):
    whole = whole_model(name)
    whole.save_pretrained(tmp_path / "hub")
    family = whole.config.model_type
    stored = load_file(tmp_path / "hub" / "model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == WHOLE_CHECKPOINT[name]

    given = DATA / "tokenizers" / TOKENIZERS[name]
    pretrained(tmp_path / "hub", tmp_path / "out", family, tokenizer=given)
    model = load_model(tmp_path / "out")
    assert count_parameters(model) == PARAMETERS[name]["base"]
    for key, tensor in load_file(tmp_path / "out" / "model.safetensors").items():
        assert torch.equal(tensor, stored[key]), key


def test_low_rank_of_xlmrs_embeddings_is_the_best_approximation():
    """By Eckart and Young, its squared error is that of the singular values left out."""
    weight = torch.randn(250_002, 768, generator=torch.Generator().manual_seed(0))
    weight *= torch.linspace(1, 0.1, 768)
    error = (weight - low_rank(weight, 564)).double().square().sum()
    values = torch.linalg.svdvals(weight).double()
    torch.testing.assert_close(error, values[564:].square().sum(), rtol=1e-3, atol=0)


def test_svd_reduces_a_whole_model():
    config = XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1)
    config.num_hidden_layers, config.intermediate_size = 6, 2048
    model = reduce_hidden(XLMRobertaForMaskedLM(config), 564, "svd")
    assert count_parameters(model) == PARAMETERS["xlmr"]["hidden564"]
    assert all(parameter.isfinite().all() for parameter in model.parameters())
