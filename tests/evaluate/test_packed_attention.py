"""Attention over groups, against attention over one padded batch written out."""

import pytest
import torch
from packed_inputs import encoded

from monoglot.evaluate.packed import Dropout, Packing, attend, keep_all

CPU = torch.device("cpu")
HEADS = 3


def naive(queries, keys, values, lengths, heads):
    """Attend within each text alone; [stack, tokens, hidden], firsts or all as queries."""
    start, found = 0, []
    every = queries.shape[1] == keys.shape[1]
    for text, length in enumerate(lengths):
        inside = slice(start, start + length)
        start += length
        asking = queries[:, inside] if every else queries[:, text : text + 1]
        parts = [asking, keys[:, inside], values[:, inside]]
        q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in parts)
        found.append(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2))
    return torch.cat(found, 1)


@pytest.mark.parametrize("drop", [keep_all, Dropout(CPU, 1)], ids=["sdpa", "written out"])
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("size", [4, 13, 19])
@pytest.mark.parametrize("stack", [1, 2])
def test_attention_is_that_of_each_text_alone(stack, size, every, drop):
    data = encoded("tagging", 0, 12)
    packing = Packing(data, 0, 0, 200, CPU)
    rows = torch.argsort(data.lengths)
    batch = packing.batch(rows, packing.words)
    draw = torch.Generator().manual_seed(0)
    hidden, tokens = HEADS * size, len(batch.ids)
    assert batch.filler
    states = torch.randn(stack, tokens, (3 if every else 2) * hidden, generator=draw)
    firsts = None if every else torch.randn(stack, len(rows), hidden, generator=draw)
    inputs = [states.requires_grad_()] + ([] if every else [firsts.requires_grad_()])
    # Almost nothing is dropped, so that the way with dropout can be compared.
    p = 1e-9 if isinstance(drop, Dropout) else 0.1
    ours = attend(states, firsts, batch, HEADS, drop, p)
    parts = states[:, : tokens - batch.filler].split(hidden, 2)
    queries = parts[0] if every else firsts
    expected = naive(queries, *parts[-2:], data.lengths[rows].tolist(), HEADS)
    ours = ours[:, : expected.shape[1]]
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    gradient = torch.randn(ours.shape, generator=draw)
    for left, right in zip(
        torch.autograd.grad(ours, inputs, gradient),
        torch.autograd.grad(expected, inputs, gradient),
        strict=True,
    ):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


def test_attention_weights_are_dropped_alike_for_all_seeds():
    data = encoded("tagging", 0, 6)
    packing = Packing(data, 0, 0, 200, CPU)
    batch = packing.batch(torch.argsort(data.lengths), packing.words)
    one = torch.randn(1, len(batch.ids), 36)
    both = attend(one.expand(2, -1, -1), None, batch, HEADS, Dropout(CPU, 3), 0.5)
    alone = attend(one, None, batch, HEADS, Dropout(CPU, 3), 0.5)
    torch.testing.assert_close(both, alone.expand(2, -1, -1))
    kept = attend(one, None, batch, HEADS, keep_all, 0.5)
    assert not torch.allclose(alone, kept)
