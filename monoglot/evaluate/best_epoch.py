"""Each seed's epoch with the lowest validation loss."""

import math
from collections.abc import Sequence

import torch

from monoglot.evaluate.adapter_stack import AdapterStack


class BestEpoch:
    """Keeps the weights that a stack's seeds had in their best epochs so far.

    Args:
        patience: a seed is done after so many epochs without a lower loss; None for never.
    """

    def __init__(self, stack: AdapterStack, patience: int | None) -> None:
        self.stack, self.patience = stack, patience
        self.values = [flat.detach().clone() for flat in stack.flat]
        self.losses = [math.inf] * len(self.values[0])
        self.waited = [-1] * len(self.losses)

    def offer(self, losses: Sequence[float]) -> None:
        """Take an epoch's validation losses, one for each seed."""
        for place, loss in enumerate(losses):
            if self._done(place):
                continue
            self.waited[place] += 1
            if loss < self.losses[place] or self.waited[place] == 0:
                self.losses[place], self.waited[place] = loss, 0
                for value, flat in zip(self.values, self.stack.flat, strict=True):
                    value[place] = flat.detach()[place]

    @property
    def over(self) -> bool:
        """Whether no seed of the stack has patience left."""
        return all(self._done(place) for place in range(len(self.losses)))

    @torch.no_grad()
    def restore(self) -> None:
        """Give the stack the weights of each seed's best epoch."""
        for flat, value in zip(self.stack.flat, self.values, strict=True):
            flat.copy_(value)

    def _done(self, place: int) -> bool:
        return self.patience is not None and self.waited[place] >= self.patience
