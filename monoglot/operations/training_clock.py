"""When to log and when to save, and how fast a training run is."""

import logging
import time

log = logging.getLogger(__name__)
LOG_EVERY_SECONDS = 15


class Clock:
    """Logs progress now and then, and says when a run's state should be saved.

    Args:
        step, tokens: where the run starts, or goes on after an interruption.
        total: steps of the whole run.
        save_every: seconds between saves.
    """

    def __init__(self, step: int, tokens: int, total: int, save_every: float) -> None:
        self._start = self._logged = self._saved = time.monotonic()
        self._first_step, self._first_token = step, tokens
        self._total, self._save_every = total, save_every

    def tick(self, step: int, tokens: int) -> None:
        """Log speed and time left, unless it was done a moment ago."""
        now = time.monotonic()
        if now - self._logged < LOG_EVERY_SECONDS:
            return
        self._logged = now
        seconds = now - self._start
        speed = (tokens - self._first_token) / seconds
        left = (self._total - step) * seconds / (step - self._first_step)
        log.info("step %d of %d, %.0f tokens/s, %.0f s left", step, self._total, speed, left)

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
