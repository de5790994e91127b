"""How much arithmetic a token of training is, and how much the devices could do in its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from monoglot.operations.processes import Processes
from monoglot.products import count_operations, product

SECONDS = 0.2
SIZES = {"cpu": 1024, "cuda": 8192}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Work:
    """The arithmetic of a training run beside what its devices could do.

    Operations are counted in the first step and taken per token, since batches differ in length.

    Args:
        precision: of the encoder, `fp32` or `bf16`; what does not run in it counts the same.
    """

    def __init__(self, processes: Processes, precision: str) -> None:
        self.precision = precision
        self._processes = processes
        self._per_token: float | None = None
        self._peak: float | None = None

    @contextmanager
    def counted(self, tokens: Callable[[], int]) -> Iterator[None]:
        """Count the operations of the first step; later ones run plainly.

        Several processes must all do so: each counts its own, and the sum is kept.

        Args:
            tokens: returns the tokens of all steps so far.
        """
        if self._per_token is not None:
            yield
            return
        before = tokens()
        with count_operations() as counter:
            yield
        device = self._processes.device
        # In fp32, which every device has: a rounding of 1e-7 is nothing here.
        operations = torch.tensor(float(counter.get_total_flops()), device=device)
        self._per_token = self._processes.total(operations).item() / (tokens() - before)

    @property
    def peak(self) -> float:
        """Operations a second of all devices, measured when first asked for."""
        if self._peak is None:
            own = peak(self._processes.device, DTYPES[self.precision])
            self._peak = own * self._processes.count
        return self._peak

    def share_of_peak(self, tokens_per_second: float) -> float:
        """Return the share of the peak that a speed takes, after the first step."""
        return (self._per_token or 0.0) * tokens_per_second / self.peak


def peak(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Measure operations a second of a large matrix product on a device: its practical ceiling."""
    size = SIZES[device.type]
    left = torch.ones(size, size, device=device, dtype=dtype)
    product(left, left)  # the first product pays for setting up
    products, seconds = 0, 0.0
    while seconds < SECONDS:
        started = time.perf_counter()
        product(left, left)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds += time.perf_counter() - started
        products += 1
    return 2 * size**3 * products / seconds
