"""Self-attention over packed sequences, padded group by group."""

from itertools import repeat

import torch
from torch import Tensor
from torch.nn import functional as F

from monoglot.evaluate.dropout import Dropout, keep_all
from monoglot.evaluate.frozen import Pad, Select
from monoglot.evaluate.packing import Batch


def attend(
    states: Tensor,
    firsts: Tensor | None,
    batch: Batch,
    heads: int,
    drop: Dropout,
    p: float,
) -> Tensor:
    """Return what each query attends to, [stack, queries, hidden], heads side by side.

    Filler among all tokens attends to nothing and gets any value.

    Args:
        states: [stack, tokens, 3 * hidden] queries, keys and values; or, if the first tokens alone
            ask, [stack, tokens, 2 * hidden] keys and values. Queries come scaled.
        firsts: [stack, sequences, hidden] queries of the first tokens, or None for all tokens.
        p: probability of dropping an attention weight.
    """
    stack, _, width = states.shape
    groups = batch.groups
    *parts, filler = states.split([*(group.tokens for group in groups), batch.filler], 1)
    asking = firsts.split([group.sequences for group in groups], 1) if firsts is not None else ()
    size = (width // 2 if asking else width // 3) // heads
    found = []
    for group, part, first in zip(groups, parts, asking or repeat(None), strict=False):
        padded = part if group.pad is None else Pad.apply(part, group.pad, group.places)
        padded = padded.view(stack, group.sequences, group.length, -1, heads, size)
        inputs = list(padded.permute(3, 0, 1, 4, 2, 5).unbind(0))
        if first is not None:
            inputs.insert(0, first.reshape(stack, group.sequences, heads, 1, size))
        weighed = _attention(*inputs, group.bias, drop, p)
        weighed = weighed.transpose(2, 3).reshape(stack, -1, heads * size)
        whole = first is not None or group.places is None
        found.append(weighed if whole else Select.apply(weighed, group.places))
    if firsts is None:
        found.append(filler[..., : heads * size])
    return torch.cat(found, 1)


def _attention(
    queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None, drop: Dropout, p: float
) -> Tensor:
    """Attention over [stack, sequences, heads, length, size]."""
    if p == 0 or drop is keep_all:
        stack = queries.shape[0]
        bias = None if bias is None else bias.repeat(stack, 1, 1, 1)
        flat = (x.flatten(0, 1) for x in (queries, keys, values))
        found = F.scaled_dot_product_attention(*flat, attn_mask=bias, scale=1.0)
        return found.unflatten(0, (stack, -1))
    scores = queries @ keys.mT
    if bias is not None:
        scores = scores + bias
    return drop(scores.softmax(-1), p) @ values
