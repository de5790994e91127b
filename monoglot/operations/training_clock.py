"""When to log and when to save, and how fast a training run is."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from monoglot.operations.training_work import peak

log = logging.getLogger(__name__)
LOG_EVERY_SECONDS = 15


class Clock:
    """Logs progress now and then, and says when a run's state should be saved.

    Args:
        step, tokens: where the run starts, or goes on after an interruption.
        total: steps of the whole run.
        save_every: seconds between saves.
        device: whose ceiling the speed is compared with.

    Attributes:
        operations: floating-point operations of a step, once they have been counted.
    """

    def __init__(
        self, step: int, tokens: int, total: int, save_every: float, device: torch.device
    ) -> None:
        self.operations: int | None = None
        self._device = device
        self._peak = 0.0
        self._start = self._logged = self._saved = time.monotonic()
        self._first_step, self._first_token = step, tokens
        self._total, self._save_every = total, save_every
        self._validating = 0.0

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Time an evaluation, which is no training."""
        started = time.monotonic()
        yield
        self._validating += time.monotonic() - started

    def tick(self, step: int, tokens: int) -> None:
        """Log speed and time left, unless it was done a moment ago."""
        now = time.monotonic()
        if now - self._logged < LOG_EVERY_SECONDS:
            return
        self._logged = now
        self._peak = self._peak or peak(self._device)  # here: short runs need not wait for it
        seconds, steps = now - self._start, step - self._first_step
        training = seconds - self._validating
        log.info(
            "step %d of %d, %.0f tokens/s, %.0f %% of the %.2g FLOP/s of a matrix product, "
            "%.1f %% of the time for validation, %.0f s left",
            *(step, self._total, (tokens - self._first_token) / training),
            *(100 * (self.operations or 0) * steps / training / self._peak, self._peak),
            *(100 * self._validating / seconds, (self._total - step) * seconds / steps),
        )

    def report(self, row: dict) -> None:
        """Log a row of the history."""
        log.info(
            "step %d of %d: loss %.4f, validation loss %.4f, validation accuracy %.4f",
            *(row["step"], self._total, row["loss"]),
            *(row["validation_loss"], row["validation_accuracy"]),
        )

    def save_due(self) -> bool:
        """Return whether it is time to save; the answer true starts the waiting anew."""
        due = time.monotonic() - self._saved >= self._save_every
        if due:
            self._saved = time.monotonic()
        return due
