"""Linear layers and selections with nothing to learn: backward costs what forward costs."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from monoglot.products import onednn, suits


class FrozenLinear:
    """A linear layer whose weights are never trained.

    On the CPU in fp32 it is computed by oneDNN, which uses the widest instructions of processors
    of all makers, where the library behind `torch.nn.Linear` does not (on AMD, half the speed).

    Args:
        weight: [out, in], shared with its model, not copied.
        bias: [out].
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = weight.detach(), bias.detach()

    def __call__(self, x: Tensor) -> Tensor:
        """Map [..., in] to [..., out]; differentiable in `x`."""
        if not suits(x):
            return F.linear(x, self.weight, self.bias)
        return _Linear.apply(x, self.weight, self.bias)

    def gelu(self, x: Tensor) -> Tensor:
        """Return the exact GELU of the layer's output; not differentiable."""
        if not suits(x):
            return F.gelu(F.linear(x, self.weight, self.bias))
        return onednn(x, self.weight, self.bias, "gelu")


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.weight = weight
        return onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return onednn(gradient, ctx.weight.t(), None), None, None


class Select(torch.autograd.Function):
    """`Select.apply(x, index)`: rows of [stack, rows, width] by an index that repeats none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor) -> Tensor:
        ctx.index, ctx.rows = index, x.shape[1]
        return x.index_select(1, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole = gradient.new_zeros(gradient.shape[0], ctx.rows, gradient.shape[2])
        return whole.index_copy_(1, ctx.index, gradient), None


class Pad(torch.autograd.Function):
    """`Pad.apply(x, pad, places)`: sequences padded, where nothing flows back from padding.

    Attention gives padding as a key no weight, and its output as a query is thrown away, so the
    gradient there is 0 and need not be added up.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: Tensor, places: Tensor) -> Tensor:
        ctx.places = places
        return x.index_select(1, pad)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(1, ctx.places), None, None
