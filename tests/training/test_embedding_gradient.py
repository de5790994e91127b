"""Gradients of word embeddings added in place, against those of the stock lookup."""

import pytest
import torch
from tiny_models import DIFFERENT
from torch import Tensor

from monoglot.checkpoints import load_model
from monoglot.training.losses import added_in_place


@pytest.fixture(params=DIFFERENT)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def gradients(model, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gradients of all parameters, on top of ones on the decoder's weight."""
    weight = model.get_output_embeddings().weight
    weight.grad = torch.ones_like(weight)
    model(**inputs, labels=inputs["input_ids"]).loss.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_gradients_are_those_of_the_stock_lookup(parent, inputs):
    expected = gradients(load_model(parent), inputs)
    model = load_model(parent)
    with added_in_place(model):
        found = gradients(model, inputs)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-7)


def test_padding_gets_no_gradient(parent, inputs):
    model = load_model(parent)
    padding = torch.full_like(inputs["input_ids"], model.config.pad_token_id)
    ids = torch.cat([inputs["input_ids"], padding], 1)
    with added_in_place(model):
        embeddings = model.get_input_embeddings()
        embeddings.weight.grad = torch.zeros_like(embeddings.weight)
        embeddings(ids).sum().backward()
        found = embeddings.weight.grad
    assert not found[model.config.pad_token_id].any()
    assert found[inputs["input_ids"][0, 0]].all()


def test_afterwards_the_model_is_as_before(parent):
    model = load_model(parent)
    stock, names = model.get_input_embeddings(), list(model.state_dict())
    with added_in_place(model):
        assert list(model.state_dict()) == names
        assert model.get_input_embeddings().weight is stock.weight
    assert model.get_input_embeddings() is stock


def test_a_step_without_masked_positions_may_be_the_first(parent, inputs):
    """Then no loss has made the gradient of the tied weight."""
    model = load_model(parent)
    with added_in_place(model):
        model.base_model(**inputs).last_hidden_state.sum().backward()
    assert model.get_input_embeddings().weight.grad is not None
