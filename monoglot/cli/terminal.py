"""What a terminal, a pipe or a log shows: amounts, tables, notes, a line of progress."""

import io
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from monoglot.errors import duration as duration
from monoglot.errors import size as size
from monoglot.escapes import aligned, for_terminal

BAR = 20
NARROW = 90
"""Below so many characters a line, the bar is half as long."""

SECONDS_BETWEEN_LINES = 30
VERBOSITY = "monoglot.verbosity"


def print_whatever_it_is() -> None:
    """Write what the encoding of the output does not have as `\\u2192`, as on stderr, and go on."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def width() -> int:
    """Return the characters of a line: those of the terminal, or 132 where there is none."""
    return shutil.get_terminal_size(fallback=(132, 24)).columns


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 job`, `2 jobs`, `1,200 jobs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return aligned columns, each line cut at the width; the first `left` to the left."""
    lines = aligned([heads, *rows], [number >= left for number in range(len(heads))])
    return "\n".join(cut(line, width()) for line in lines)


def cut(line: str, limit: int) -> str:
    """Return a line of at most `limit` characters, the last one a mark if there were more."""
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def say(text: str) -> None:
    """Print the answer, so that nothing in it controls the terminal."""
    click.echo(for_terminal(text))


def bar(done: int, total: int) -> str:
    """Return `[####----] 12/141`."""
    length = BAR if width() >= NARROW else BAR // 2
    full = length * done // max(total, 1)
    return f"[{'#' * full}{'-' * (length - full)}] {done}/{total}"


class ProgressLine:
    """Shows a text that changes.

    On a terminal it is the last line and is redrawn; elsewhere it is printed when `seconds` have
    passed since the last time. Both on stderr.
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
            click.echo(f"\r\x1b[K{cut(for_terminal(line), width() - 1)}", err=True, nl=False)
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


# Options -q and -v, and what they do to notes and to the library's log.


def add_verbosity(command: click.Command) -> None:
    """Give a command -q/--quiet and -v/--verbose, which may stand before or after its name."""
    names = {name for option in command.params for name in option.opts}
    if "--quiet" not in names:
        command.params.append(_option("-q", "--quiet", -1, "Say only what was asked for."))
    if "--verbose" not in names:
        command.params.append(_option("-v", "--verbose", 1, "Say more; show where errors arose."))


def _option(short: str, long: str, level: int, text: str) -> click.Option:
    def set_level(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.meta[VERBOSITY] = level
            if context.parent:  # before a command's name, it waits for `show_log`, which undoes it
                _set_log_level(level)

    return click.Option(
        [short, long],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=set_level,
        help=text,
    )


def quiet(context: click.Context | None = None) -> bool:
    """Whether notes and progress are to be left out."""
    return _level(context) < 0


def verbose(context: click.Context | None = None) -> bool:
    """Whether to say more, and to show the traceback of an error that is no `UserError`."""
    return _level(context) > 0


def note(text: str) -> None:
    """Say something beside the answer: on stderr, and not with --quiet."""
    if not quiet():
        click.echo(for_terminal(text), err=True)


def _level(context: click.Context | None) -> int:
    context = context or click.get_current_context(silent=True)
    return context.meta.get(VERBOSITY, 0) if context else 0


@contextmanager
def show_log(context: click.Context) -> Iterator[None]:
    """Show the library's log (module `logging`) on stderr within this."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    _set_log_level(_level(context))
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def _set_log_level(level: int) -> None:
    logging.getLogger().setLevel({-1: logging.ERROR, 0: logging.INFO, 1: logging.DEBUG}[level])
