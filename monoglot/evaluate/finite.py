"""Training that stops where its numbers are no numbers any more."""

import math

import torch
from torch import Tensor

from monoglot.errors import UserError

BETWEEN_CHECKS = {"cpu": 1, "cuda": 32}
"""Steps; on a GPU, looking at a number waits for everything before it."""


class FiniteLosses:
    """Losses by step, looked at now and then; the first that is not finite is named.

    Args:
        who: what is trained, the beginning of the sentence.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self.waiting: list[tuple[int, float, Tensor]] = []

    def add(self, step: int, rate: float, loss: Tensor) -> None:
        """Take the loss of a step, 0-dimensional, that was made at a learning rate."""
        self.waiting.append((step, rate, loss.detach()))
        if len(self.waiting) >= BETWEEN_CHECKS[loss.device.type]:
            self.check()

    def check(self) -> None:
        """Raise `UserError` if a loss since the last check is not finite."""
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        losses = torch.stack([loss for _, _, loss in waiting]).tolist()
        for (step, rate, _), loss in zip(waiting, losses, strict=True):
            if not math.isfinite(loss):
                raise UserError(
                    f"{self.who}: the training loss is {loss} at step {step} (learning rate "
                    f"{rate:.3g}); lower the task's learning_rate or check the checkpoint"
                )


def check_outputs(finite: Tensor, what: str) -> None:
    """Raise `UserError` if an output of a trained model is not finite; `finite` is one truth."""
    if not finite.item():
        raise UserError(
            f"{what}: an output of the trained model is not a finite number; lower the task's "
            "learning_rate or check the checkpoint"
        )
