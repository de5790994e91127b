"""Requests to end: SIGTERM, Ctrl-C, a closed terminal. A job ends with one sentence, at once or,
where it has something to save, at a good moment.

A cluster sends SIGTERM some seconds before it takes a machine away: time to save what is done.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monoglot.errors import UserError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Handler = Callable[[int, object], None]


def stop(number: int, _: object) -> None:
    """End this process, as an exception, so that what is half written is cleared away."""
    name = signal.Signals(number).name
    sys.exit(f"error: ended by {name} before it was done; start it again")


class InterruptionError(UserError):
    """A signal asked for the end of what is at work, which has come to a good moment for it.

    Attributes:
        signal: the signal.
    """

    def __init__(self, message: str, by: signal.Signals) -> None:
        super().__init__(message)
        self.signal = by


class Interruption:
    """Whether this process was asked to end.

    Args:
        impatient: takes a second Ctrl-C, of somebody who does not want to wait.

    Attributes:
        by: the signal, once there was one.
    """

    def __init__(self, impatient: Handler = stop) -> None:
        self._impatient = impatient
        self.by: signal.Signals | None = None

    @property
    def asked(self) -> bool:
        return self.by is not None

    def note(self, number: int, frame: object) -> None:
        """Note a signal."""
        if self.asked and number == signal.SIGINT:
            self._impatient(number, frame)
        self.by = signal.Signals(number)


@contextmanager
def noted() -> Iterator[Interruption]:
    """Note requests to end within this. Signals that are ignored (`nohup`) still are.

    A second Ctrl-C does what it would outside of this.
    """
    before = signal.getsignal(signal.SIGINT)
    interruption = Interruption(before if callable(before) else stop)
    with handled_by(interruption.note):
        yield interruption


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Let `handler` take the signals within this, those that are ignored excepted."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number in SIGNALS if before[number] != signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
