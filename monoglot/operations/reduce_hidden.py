"""The parent with a smaller hidden size."""

import copy
from typing import TYPE_CHECKING

import torch

from monoglot.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

METHODS = ("truncate", "svd")
ROWS = 16384


def reduce_hidden(model: "PreTrainedModel", size: int, method: str) -> "PreTrainedModel":
    """Return a copy of `model` with hidden size `size` (paper, section 2.3 and appendix C).

    - `truncate`: every tensor keeps its first entries along each dimension, down to the target
      shape. Nothing is chosen, projected or rescaled. The number of heads stays, so that heads get
      narrower: the first rows of the query, key and value matrices are the parent's first heads,
      cut anew into heads of `size` / heads rows, and the parent's last heads are lost.
    - `svd`: every matrix is first replaced by its best approximation of rank `size`, then sliced
      in the same way. This is the paper's "SVD"; it never changes the basis, hence is no
      projection onto singular directions but truncation with an approximation error on top. As in
      the paper's code, the rank of `intermediate.dense` is bounded by the feed-forward size
      instead, so that it is only truncated.

    Args:
        model: a masked language model; it stays as it is. Its feed-forward size does not change.
        size: the new hidden size, a multiple of the number of attention heads.
        method: one of `METHODS`.

    Raises:
        UserError: for an unknown method, or a size that does not fit the model.
    """
    _check(model, size, method)
    config = copy.deepcopy(model.config)
    config.hidden_size = size
    with model.device:
        smaller = type(model)(config)
    with torch.no_grad():
        for name, target in smaller.named_parameters():  # names a tied tensor once
            source = model.get_parameter(name)
            if method == "svd" and source.dim() == 2:
                wide = name.endswith("intermediate.dense.weight")
                source = low_rank(source, config.intermediate_size if wide else size)
            target.copy_(source[tuple(slice(length) for length in target.shape)])
    return smaller.eval()


def low_rank(weight: torch.Tensor, rank: int) -> torch.Tensor:
    """Return the best approximation of `weight`, shape [m, n], of at most the given rank.

    The singular vectors of the shorter side come from the m x m or n x n Gram matrix in float64:
    for an embedding matrix this is far cheaper than a full decomposition. It is added up from a
    few rows at a time, so that no copy of the whole matrix in float64 is made.
    """
    if rank >= min(weight.shape):
        return weight
    if weight.shape[0] < weight.shape[1]:
        return low_rank(weight.T, rank).T
    gram = sum(rows.T @ rows for rows in map(torch.Tensor.double, weight.split(ROWS)))
    vectors = torch.linalg.eigh(gram).eigenvectors[:, -rank:]
    return weight @ (vectors @ vectors.T).to(weight.dtype)


def _check(model: "PreTrainedModel", size: int, method: str) -> None:
    if method not in METHODS:
        raise UserError(f"method '{method}' is not known; use one of {', '.join(METHODS)}")
    config = model.config
    if not 1 <= size <= config.hidden_size:
        raise UserError(
            f"cannot reduce hidden size {config.hidden_size} to {size}; "
            f"give a number from 1 to {config.hidden_size}"
        )
    if size % config.num_attention_heads:
        raise UserError(
            f"hidden size {size} is not divisible by the model's {config.num_attention_heads} "
            f"attention heads; give a multiple of {config.num_attention_heads}"
        )
