"""How far a long training is, in the log, now and then."""

import logging
import time

SECONDS_BETWEEN_LINES = 30

log = logging.getLogger(__name__)


class Progress:
    """Counts examples and epochs; says where training stands every half minute.

    Args:
        name: what is trained, the beginning of each line.
        epochs: how many there are.
        examples: of one epoch.
    """

    def __init__(self, name: str, epochs: int, examples: int) -> None:
        self.name, self.epochs, self.examples = name, epochs, examples
        self.started = self.said = time.monotonic()
        self.done = 0

    def add(self, examples: int) -> None:
        """Count examples that were trained on."""
        self.done += examples
        now = time.monotonic()
        if now - self.said < SECONDS_BETWEEN_LINES:
            return
        self.said = now
        rate = self.done / (now - self.started)
        left = (self.epochs * self.examples - self.done) / rate
        epoch = min(self.done // self.examples + 1, self.epochs)
        log.info(
            "%s: epoch %d of %d, %.0f examples a second, %.0f min left at most",
            *(self.name, epoch, self.epochs, rate, left / 60),
        )
