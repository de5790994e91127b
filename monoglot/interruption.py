"""Requests to end: SIGTERM, Ctrl-C, a closed terminal. A job ends with one sentence, at once or,
where it has something to save, at a good moment.

A cluster sends SIGTERM some seconds before it takes a machine away: time to save what is done.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Handler = Callable[[int, object], None]


def stop(number: int, _: object) -> None:
    """End this process, as an exception, so that what is half written is cleared away."""
    name = signal.Signals(number).name
    sys.exit(f"error: ended by {name} before it was done; start it again")


class Interruption:
    """Whether this process was asked to end.

    Attributes:
        by: the name of the signal, once there was one.
    """

    def __init__(self) -> None:
        self.by: str | None = None

    @property
    def asked(self) -> bool:
        return self.by is not None

    def note(self, number: int, _: object) -> None:
        """Note a signal; a second Ctrl-C is somebody who does not want to wait."""
        if self.asked and number == signal.SIGINT:
            stop(number, _)
        self.by = signal.Signals(number).name


@contextmanager
def noted() -> Iterator[Interruption]:
    """Note requests to end within this. Signals that are ignored (`nohup`) still are."""
    interruption = Interruption()
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
