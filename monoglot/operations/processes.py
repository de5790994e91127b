"""The processes that train one model together, each on its own device; usually just one."""

import os

import torch
from torch import Tensor, distributed


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
        """Find the others, if `accelerate launch` or `torchrun` started this process."""
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls()
        from accelerate import PartialState  # seconds, which a single process need not pay

        state = PartialState()
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def share(self, size: int) -> slice:
        """Return this process's consecutive part of `size` things, as even as can be."""
        return slice(self.rank * size // self.count, (self.rank + 1) * size // self.count)
