"""Torch's modes while a function works, whatever those of its caller."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def in_plain_modes(function: Function) -> Function:
    """Let a function work as if no mode of torch had been set; its caller's modes come back.

    Gradients are computed, nothing is cast, and tensors are made on the CPU and in fp32. Weights
    made in inference mode can be read, hence copied, but never trained.
    """

    @wraps(function)
    def plain(*arguments: Any, **options: Any) -> Any:
        with _plain_modes():
            return function(*arguments, **options)

    return plain  # type: ignore[return-value]


@contextmanager
def _plain_modes() -> Iterator[None]:
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            modes.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            # Not always, because it takes time in every operation.
            modes.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            # Not always, because threads share it.
            modes.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        yield
