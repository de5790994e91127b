"""A tiny model of every architecture, and a watch over what functions do to their arguments."""

import json
from collections.abc import Callable, Iterator

import pytest
import torch
from tiny_models import ARCHITECTURES, tiny
from transformers import PreTrainedModel, PreTrainedTokenizerFast

Pair = tuple[PreTrainedModel, PreTrainedTokenizerFast]


@pytest.fixture(params=ARCHITECTURES)
def pair(request: pytest.FixtureRequest, unchanged: Callable[..., None]) -> Pair:
    """Return a model of each architecture and its tokenizer; both must stay as they are."""
    model, tokenizer = tiny(request.param)
    model.train()
    unchanged(model, tokenizer)
    return model, tokenizer


@pytest.fixture
def unchanged() -> Iterator[Callable[..., None]]:
    """Return `unchanged(*things)`: models and tokenizers that the test must leave as they are."""
    watched = []
    yield lambda *things: watched.extend((thing, _state(thing)) for thing in things)
    for thing, before in watched:
        assert _state(thing) == before


def _state(thing: PreTrainedModel | PreTrainedTokenizerFast) -> object:
    if not isinstance(thing, torch.nn.Module):
        return thing.backend_tokenizer.to_str(), thing.special_tokens_map, thing.model_max_length
    weights = {name: (t.data_ptr(), t.double().sum().item()) for name, t in _tensors(thing)}
    modes = [module.training for module in thing.modules()]
    wanted = [(p.requires_grad, p.grad is None) for p in thing.parameters()]
    return json.dumps(thing.config.to_dict(), default=str), weights, modes, wanted


def _tensors(model: PreTrainedModel) -> list[tuple[str, torch.Tensor]]:
    return [*model.named_parameters(remove_duplicate=False), *model.named_buffers()]
