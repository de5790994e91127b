"""No function moves a generator of random numbers that its caller may use."""

import random
from typing import get_args

import numpy as np
import pytest
import torch
from tiny_models import TEXTS, tiny

import monoglot
from monoglot.operations.reduce_hidden import Method

HOW = {"steps": 1, "batch_size": 2}
CALLS = {
    "adapt": [lambda m, t: monoglot.adapt(m, t, TEXTS, **HOW)],
    "distill": [lambda m, t: monoglot.distill(m, m, t, TEXTS, **HOW)],
    "evaluate_mlm": [lambda m, t: monoglot.evaluate_mlm(m, t, TEXTS)],
    "parameters": [lambda m, t: monoglot.parameters(m)],
    "prune_ffn": [lambda m, t: monoglot.prune_ffn(m, t, TEXTS, 12)],
    "reduce_hidden": [
        lambda m, t, method=method, heads=heads: monoglot.reduce_hidden(
            m, 12, method, heads=heads, tokenizer=t, texts=TEXTS
        )
        for method in get_args(Method)
        for heads in ("cut", "aligned", "low_rank")
    ],
    "select_layers": [
        lambda m, t: monoglot.select_layers(m, 2),
        lambda m, t: monoglot.select_layers(m, 2, "random"),
    ],
    "trim_vocab": [lambda m, t: monoglot.trim_vocab(m, t, TEXTS, 60, heldout=TEXTS)],
}


def states():
    generator, keys, *others = np.random.get_state()
    return random.getstate(), (generator, keys.tolist(), *others), torch.get_rng_state().tolist()


@pytest.mark.parametrize("name", [name for name in dir(monoglot) if name.islower()])
def test_generators_stay_as_they_were(name, monkeypatch):
    model, tokenizer = tiny("bert")
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)  # as on a machine with GPUs
    for call in CALLS[name]:
        before = states()
        call(model, tokenizer)
        assert states() == before
    assert not seeded
