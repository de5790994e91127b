"""When to report and when to save, and how fast a training run is."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from monoglot.operations.processes import Processes
from monoglot.operations.scalars import Scalars
from monoglot.operations.training_work import Work

log = logging.getLogger(__name__)
LOG_EVERY_SECONDS = 15


class Clock:
    """Reports progress in the log and as scalars, and says when a run's state should be saved.

    Args:
        step, tokens: where the run starts, or goes on after an interruption; speeds are since then.
        total: steps of the whole run.
        save_every: seconds between saves.
        processes: those that train together; only the first one reports.
        precision: of the encoder, whose ceiling the speed is compared with.
        scalars: where to write them, if anywhere.
    """

    def __init__(
        self,
        step: int,
        tokens: int,
        total: int,
        save_every: float,
        processes: Processes,
        precision: str = "fp32",
        scalars: Scalars | None = None,
    ) -> None:
        self.work = Work(processes, precision)
        self._reports, self._scalars = processes.first, scalars
        self._start = self._logged = self._saved = time.monotonic()
        self._step, self._tokens = step, tokens
        self._total, self._save_every = total, save_every
        self._validating = 0.0

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Time an evaluation, which is no training."""
        started = time.monotonic()
        yield
        self._validating += time.monotonic() - started

    def tick(self, step: int, tokens: int) -> None:
        """Report speed and time left, unless it was done a moment ago."""
        now = time.monotonic()
        if not self._reports or now - self._logged < LOG_EVERY_SECONDS:
            return
        self._logged = now
        seconds, speed = now - self._start, self._speed(tokens)
        log.info(
            "step %d of %d, %.0f tokens/s, %.0f %% of the %.2g FLOP/s of a %s matrix product, "
            "%.1f %% of the time for validation, %.0f s left",
            *(step, self._total, speed, 100 * self.work.share_of_peak(speed)),
            *(self.work.peak, self.work.precision, 100 * self._validating / seconds),
            (self._total - step) * seconds / (step - self._step),
        )
        self._write_speed(step, speed)

    def report(self, row: dict) -> None:
        """Report a row of the history."""
        if not self._reports:
            return
        losses = ("loss", "validation_loss", "validation_accuracy")
        shown = (name for name in losses if row[name] is not None)
        values = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4f}" for name in shown)
        log.info("step %d of %d: %s", row["step"], self._total, values)
        if self._scalars:
            names = (name for name in row if name not in ("step", "tokens"))
            self._scalars.write(row["step"], {name: row[name] for name in names})
            if row["step"] > self._step:
                self._write_speed(row["step"], self._speed(row["tokens"]))

    def save_due(self) -> bool:
        """Return whether it is time to save; the answer true starts the waiting anew."""
        due = time.monotonic() - self._saved >= self._save_every
        if due:
            self._saved = time.monotonic()
        return due

    def _speed(self, tokens: int) -> float:
        """Tokens a second of training, validation left out."""
        return (tokens - self._tokens) / (time.monotonic() - self._start - self._validating)

    def _write_speed(self, step: int, speed: float) -> None:
        if self._scalars:
            share = self.work.share_of_peak(speed)
            self._scalars.write(step, {"tokens_per_second": speed, "share_of_peak": share})
