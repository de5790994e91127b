"""The processes that train one model together, each on its own device; usually just one."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn

from monoglot.errors import UserError

SECONDS_TO_BE_ENDED = 10
BUCKET = 1 << 24
"""Numbers to sum up at a time: 64 MB."""


class Processes:
    """This process among those of a training run.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
        device: where this one computes: its GPU, or the CPU if there is none.
    """

    def __init__(self, rank: int = 0, count: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.count = rank, count
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @classmethod
    def started(cls) -> "Processes":
        """Find the others, if `accelerate launch`, `torchrun` or we started this one.

        Raises:
            UserError: this machine has GPUs, but fewer than its processes.
        """
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls()
        here, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", 1)), torch.cuda.device_count()
        if 0 < gpus < here:
            raise UserError(f"{here} processes need a GPU each, but there are {gpus}; start {gpus}")
        from accelerate import PartialState  # seconds, which a single process need not pay

        with _together():
            state = PartialState(cpu=gpus == 0)
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def seed(self, seed: int) -> None:
        """Seed torch's generators of the CPU and of this process's GPU, and no other GPU's."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(seed)

    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes, in place."""
        if self.count > 1:
            with _together():
                distributed.all_reduce(tensor)
        return tensor

    def any(self, here: bool) -> bool:
        """Return whether `here` is true in at least one process; all of them wait."""
        if self.count == 1:
            return here
        return self.total(torch.tensor(int(here), device=self.device)).item() > 0

    def add_up_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients of parameters over all processes, in place.

        A process without a gradient, having had no sequence, gets those of the others; what none
        has a gradient of keeps none.
        """
        if self.count == 1:
            return
        parameters = list(parameters)
        have = torch.tensor([p.grad is not None for p in parameters], device=self.device)
        used = self.total(have.int()).tolist()
        gradients = []
        for parameter in (p for p, number in zip(parameters, used, strict=True) if number):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        for bucket in _buckets(gradients):
            if len(bucket) == 1:
                self.total(bucket[0])
                continue
            together = self.total(torch.cat([gradient.flatten() for gradient in bucket]))
            parts = together.split([gradient.numel() for gradient in bucket])
            for gradient, part in zip(bucket, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def share(self, size: int) -> slice:
        """Return this process's consecutive part of `size` things, as even as can be."""
        return slice(self.rank * size // self.count, (self.rank + 1) * size // self.count)

    def end(self) -> None:
        """Leave the others; to be called by all, after what they do together."""
        if self.count > 1:
            distributed.destroy_process_group()


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """Yield them together up to a size, since every sum costs a meeting of all processes."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


@contextmanager
def _together() -> Iterator[None]:
    """Do what all processes must do; say in a sentence if the others are gone.

    But not at once: if another one failed, that is what matters, and who started them all ends
    this one before it has spoken.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        time.sleep(SECONDS_TO_BE_ENDED)
        reason = str(error).splitlines()[0]
        raise UserError(f"the processes that train together lost each other: {reason}") from None
