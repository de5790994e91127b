"""Word embeddings whose gradient goes straight where it belongs.

The stock lookup returns its gradient as a matrix of the whole vocabulary, 768 MB for XLM-R, nearly
all zeros, to be added to the decoder's gradient of the same tied weight. Here the rows of a batch's
tokens are added in place.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.operations.losses import gradient_of


@contextmanager
def added_in_place(model: PreTrainedModel) -> Iterator[None]:
    """Let a model's word embeddings add to `weight.grad` in place.

    Weights and results stay the same, and afterwards the model is as before. On a GPU nothing
    changes: there, rows added in place would be added in an order that differs from run to run.
    """
    stock = model.get_input_embeddings()
    if stock.weight.device.type == "cpu":
        model.set_input_embeddings(_Embedding(stock))
    try:
        yield
    finally:
        model.set_input_embeddings(stock)


class _Embedding(nn.Module):
    def __init__(self, stock: nn.Embedding) -> None:
        super().__init__()
        self.weight, self.padding_idx = stock.weight, stock.padding_idx

    def forward(self, ids: Tensor) -> Tensor:
        return _Lookup.apply(ids, self.weight, self.padding_idx)


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, ids: Tensor, weight: nn.Parameter, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.weight, ctx.padding = weight, padding
        return weight[ids]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, None]:
        (ids,) = ctx.saved_tensors
        rows, gradient = ids.flatten(), gradient.flatten(0, -2)
        if ctx.padding is not None:
            kept = rows != ctx.padding
            rows, gradient = rows[kept], gradient[kept]
        gradient_of(ctx.weight).index_add_(0, rows, gradient)
        return None, None, None
