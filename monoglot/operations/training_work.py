"""How much arithmetic a training step is, and how much the device could do in its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from monoglot.operations.training_clock import Clock

SECONDS = 0.2
SIZES = {"cpu": 1024, "cuda": 8192}


@contextmanager
def count_operations(clock: "Clock") -> Iterator[None]:
    """Tell the clock the floating-point operations of its first step; later ones run plainly."""
    if clock.operations is not None:
        yield
        return
    with FlopCounterMode(display=False) as counter:
        yield
    clock.operations = counter.get_total_flops()


def peak(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Measure operations a second of a large matrix product on a device: its practical ceiling."""
    size = SIZES[device.type]
    left = torch.ones(size, size, device=device, dtype=dtype)
    left @ left  # the first product pays for setting up
    products, seconds = 0, 0.0
    while seconds < SECONDS:
        started = time.perf_counter()
        left @ left
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds += time.perf_counter() - started
        products += 1
    return 2 * size**3 * products / seconds
