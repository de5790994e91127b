"""How far a run is: one line that is redrawn on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Callable

import click

from monoglot.cli import text

BAR = 20
NARROW = 90
"""Below so many characters a line, the bar is half as long."""

SECONDS_BETWEEN_LINES = 30


class ProgressLine:
    """Shows a text that changes.

    On a terminal it is the last line and is redrawn; elsewhere it is printed when `seconds` have
    gone by since the last time. Both on stderr.
    """

    def __init__(self, shown: bool, seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self.shown, self.seconds = shown, seconds
        self.drawn = False
        self.terminal = sys.stderr.isatty()
        self._said, self._last = time.monotonic(), ""

    def show(self, make: Callable[[], str]) -> None:
        """Show what `make` returns, if it is time to."""
        now = time.monotonic()
        if not self.shown or (not self.terminal and now - self._said < self.seconds):
            return
        self._said = now
        line = make()
        if self.terminal:
            click.echo(f"\r\x1b[K{text.cut(line, text.width() - 1)}", err=True, nl=False)
            self.drawn = True
        elif line != self._last:
            click.echo(line, err=True)
        self._last = line

    def above(self, line: str) -> None:
        """Print a line above this one."""
        self.clear()
        click.echo(line, err=True)

    def clear(self) -> None:
        """Take the line away from the terminal."""
        if self.drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self.drawn = False


def bar(done: int, total: int) -> str:
    """Return `[####----] 12/141`."""
    length = BAR if text.width() >= NARROW else BAR // 2
    full = length * done // max(total, 1)
    return f"[{'#' * full}{'-' * (length - full)}] {done}/{total}"
