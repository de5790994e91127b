"""What a caller has set of torch's modes changes no result."""

from contextlib import contextmanager

import pytest
import torch
from tiny_models import TEXTS, tiny

import monoglot

HOW = {"steps": 2, "batch_size": 4}


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "default device": lambda: torch.device("meta"),
    "default dtype": lambda: default_dtype(torch.bfloat16),
}
CALLS = {
    "adapt": lambda m, t: monoglot.adapt(m, t, TEXTS, **HOW),
    "distill": lambda m, t: monoglot.distill(m, m, t, TEXTS, **HOW),
    "evaluate_mlm": lambda m, t: (None, monoglot.evaluate_mlm(m, t, TEXTS)),
    "prune_ffn": lambda m, t: (monoglot.prune_ffn(m, t, TEXTS, 12), None),
    "reduce_hidden": lambda m, t: (monoglot.reduce_hidden(m, 12, "projection"), None),
    "select_layers": lambda m, t: (monoglot.select_layers(m, 2), None),
    "random layers": lambda m, t: (monoglot.select_layers(m, 2, "random"), None),
    "trim_vocab": lambda m, t: monoglot.trim_vocab(m, t, TEXTS, 60)[::2],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_results_are_the_same_in_every_mode(call):
    model, tokenizer = tiny("bert")
    expected, expected_numbers = call(model, tokenizer)
    for mode in MODES.values():
        with mode():
            found, numbers = call(model, tokenizer)
            mine = torch.zeros(1)
            assert (torch.is_inference_mode_enabled(), torch.is_grad_enabled()) == (
                mine.is_inference(),
                mode not in (torch.no_grad, torch.inference_mode),
            )
        assert numbers == expected_numbers
        check_same(found, expected)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_models_made_in_inference_mode(call):
    expected, expected_numbers = call(*tiny("bert"))
    with torch.inference_mode():
        model, tokenizer = tiny("bert")
        found, numbers = call(model, tokenizer)
    assert next(model.parameters()).is_inference()
    assert numbers == expected_numbers
    check_same(found, expected)
    assert call(model, tokenizer)[1] == expected_numbers


def check_same(found, expected):
    if expected is None:
        assert found is None
        return
    for (name, weight), other in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(weight, other), name
        assert weight.dtype == other.dtype
        assert not weight.is_inference()
        assert weight.requires_grad
