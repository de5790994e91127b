"""Attention heads that get narrower with the hidden size: which of their dimensions stay."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from monoglot.operations.anatomy import anatomy, layers_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def kept_dimensions(heads: str, count: int, hidden: int, size: int) -> Tensor:
    """Return which of `hidden` dimensions of all heads stay, int64, shape [size].

    Args:
        heads: `cut` keeps the first `size` of all, which `count` new heads then share; else every
            head keeps its first `size` / `count`.
        count: attention heads, before and after.
    """
    if heads == "cut":
        return torch.arange(size)
    return torch.arange(hidden).unflatten(0, (count, -1))[:, : size // count].flatten()


def principal_heads(model: "PreTrainedModel", size: int) -> dict[str, Tensor]:
    """Return attention weights by name, so that cutting heads keeps their best approximation.

    A head sees its query and key only as the product [Wq bq]'[Wk bk], and its value and output only
    as O [Wv bv]. Any change of basis within the head leaves both alone; here they come in that of
    their singular directions, the leading ones first, so that the first dimensions are the best
    approximation of their rank. Queries are scaled so that attention over `size` hidden dimensions,
    which divides by the square root of the head's new width, is as sharp as before.
    """
    count, hidden = model.config.num_attention_heads, model.config.hidden_size
    names, found = anatomy(model.config), {}
    encoder = next(name for name, module in model.named_modules() if module is layers_of(model))
    for number, layer in enumerate(layers_of(model)):
        output = layer.get_submodule(names.mixing)
        of_query, of_key, of_value = (
            _by_head(layer.get_submodule(name), count) for name in names.projections
        )
        query, key = _balanced(of_query, of_key)
        mixing = output.weight.detach().double().T.unflatten(0, (count, -1))
        value, mixing = _balanced(of_value, mixing)
        query = query * (size / hidden) ** 0.5
        name = f"{encoder}.{number}"
        for part, rows in zip(names.projections, (query, key, value), strict=True):
            rows = rows.flatten(0, 1)
            found[f"{name}.{part}.weight"] = rows[:, :-1]
            found[f"{name}.{part}.bias"] = rows[:, -1]
        found[f"{name}.{names.mixing}.weight"] = mixing.flatten(0, 1).T
    return {name: tensor.to(model.get_parameter(name).dtype) for name, tensor in found.items()}


def _by_head(dense: torch.nn.Linear, count: int) -> Tensor:
    """Return [W b] in float64, shape [heads, width, hidden + 1]."""
    rows = torch.cat([dense.weight, dense.bias[:, None]], 1).detach().double()
    return rows.unflatten(0, (count, -1))


def _balanced(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return L and R, [heads, width, ...], with the same L'R, in its singular directions."""
    left_q, left_r = torch.linalg.qr(left.mT)
    right_q, right_r = torch.linalg.qr(right.mT)
    u, values, v = torch.linalg.svd(left_r @ right_r.mT)
    root = values.sqrt()[:, None]
    return (left_q @ u * root).mT, (right_q @ v.mT * root).mT
