"""Products of large matrices on the CPU: in fp32 by oneDNN, in bf16 where processors have it.

It uses the widest instructions of processors of all makers, where the library behind `torch`'s own
products does not: on AMD, those take up to twice the time. Results differ by rounding alone, and
are the same each time. Small products stay with `torch`, since oneDNN makes code for every new
shape; so do those on a GPU and in other precisions.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

LARGE = 10**8
"""Operations of a product, multiplications and additions, from which on oneDNN is asked."""

BLOCK = 4096
"""Rows computed at a time: memory for them stays small, and is used again instead of asked for."""

_available = torch.backends.mkldnn.is_available()
_has_bf16 = _available and torch.ops.mkldnn._is_mkldnn_bf16_supported()


log = logging.getLogger(__name__)


def usable(precision: str, device: torch.device) -> str:
    """Return `fp32` or `bf16`, whichever a device is to compute in where a precision is asked for.

    On a processor without instructions for bf16 that is fp32 all the same, and the log says so: in
    bf16 products there take up to ten times as long.
    """
    if precision == "bf16" and device.type == "cpu" and not _has_bf16:
        _say_that_it_is_fp32()
        return "fp32"
    return precision


@cache
def _say_that_it_is_fp32() -> None:
    log.warning("this processor has no instructions for bf16, so fp32 takes its place")


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `left` times `right` transposed, plus `bias`; not differentiable.

    Args:
        left, right: [m, k] and [n, k], in any memory layout.
        bias: [n].
    """
    if suits(left) and 2 * len(left) * right.numel() >= LARGE:
        return onednn(left, right, bias)
    return F.linear(left, right, bias)


def add_product(total: Tensor, left: Tensor, right: Tensor, factor: float = 1) -> None:
    """Add `factor` times `left` times `right` transposed to `total`, [m, n], in place."""
    if not suits(left):
        total.addmm_(left, right.T, alpha=factor)
        return
    for start in range(0, len(total), BLOCK):
        rows = slice(start, start + BLOCK)
        total[rows].add_(product(left[rows], right), alpha=factor)


def inner_product(left: Tensor, right: Tensor) -> Tensor:
    """Return `left` transposed times `right`, [m, n], of [rows, m] and [rows, n]."""
    if not suits(left):
        return left.T @ right
    total = left.new_zeros(left.shape[1], right.shape[1])
    for start in range(0, len(left), BLOCK):
        rows = slice(start, start + BLOCK)
        total += product(left[rows].T, right[rows].T)
    return total


def suits(x: Tensor) -> bool:
    """Return whether oneDNN may multiply `x`: fp32 on the CPU, and not under autocast."""
    return (
        _available
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.numel() > 0
        and not torch.is_autocast_enabled("cpu")
    )


def onednn(x: Tensor, weight: Tensor, bias: Tensor | None, activation: str = "none") -> Tensor:
    """Return what a linear layer makes of `x`, [..., in], with `gelu` or no activation after it.

    Args:
        weight: [out, in]; it or its transpose is contiguous, else it is copied.
        bias: [out] or None.
    """
    flat = _dense(x.reshape(-1, x.shape[-1]))
    algorithm = "none" if activation == "gelu" else ""
    out = torch.ops.mkldnn._linear_pointwise(flat, _dense(weight), bias, activation, [], algorithm)
    return out.view(*x.shape[:-1], -1)


def _dense(matrix: Tensor) -> Tensor:
    """Return a matrix without gaps: with them, oneDNN may take a road a thousand times slower."""
    return matrix if matrix.is_contiguous() or matrix.t().is_contiguous() else matrix.contiguous()


@contextmanager
def large_linear_layers() -> Iterator[None]:
    """Within this, large linear layers run through oneDNN, forward and backward."""
    with _LinearLayers():
        yield


def count_operations() -> FlopCounterMode:
    """Return a counter of operations that knows oneDNN's."""

    def linear(x: tuple, weight: tuple, *_: Any, **__: Any) -> int:
        return 2 * x[0] * weight[0] * weight[1]

    known = {torch.ops.mkldnn._linear_pointwise: linear}
    return FlopCounterMode(display=False, custom_mapping=known)


class _LinearLayers(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.linear and not kwargs and suits(args[0]):
            x, weight = args[:2]
            if 2 * x.numel() * len(weight) >= LARGE:
                return _Linear.apply(x, weight, args[2] if len(args) > 2 else None)
        return func(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = onednn(gradient, weight.t(), None) if ctx.needs_input_grad[0] else None
        flat, of_weight, of_bias = gradient.flatten(0, -2), None, None
        if ctx.needs_input_grad[1]:
            of_weight = onednn(flat.t(), x.flatten(0, -2).t(), None)
        if ctx.needs_input_grad[2]:
            of_bias = flat.sum(0)
        return of_x, of_weight, of_bias
