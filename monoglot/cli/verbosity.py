"""Options -q and -v, which every command understands, and what they do to the library's log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

KEY = "monoglot.verbosity"


def add_verbosity(command: click.Command) -> None:
    """Give a command -q/--quiet and -v/--verbose, which may stand before or after its name."""
    names = {name for option in command.params for name in option.opts}
    if "--quiet" not in names:
        command.params.append(_option("-q", "--quiet", -1, "Say only what was asked for."))
    if "--verbose" not in names:
        command.params.append(_option("-v", "--verbose", 1, "Say more; show where errors arose."))


def _option(short: str, long: str, level: int, text: str) -> click.Option:
    def note(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.meta[KEY] = level
            if context.parent:  # before a command's name, it waits for `show_log`, which undoes it
                _set_level(level)

    return click.Option(
        [short, long], is_flag=True, expose_value=False, is_eager=True, callback=note, help=text
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
        click.echo(text, err=True)


def _level(context: click.Context | None) -> int:
    context = context or click.get_current_context(silent=True)
    return context.meta.get(KEY, 0) if context else 0


@contextmanager
def show_log(context: click.Context) -> Iterator[None]:
    """Show the library's log (module `logging`) on stderr within this."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    _set_level(_level(context))
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def _set_level(level: int) -> None:
    import logging

    logging.getLogger().setLevel({-1: logging.ERROR, 0: logging.INFO, 1: logging.DEBUG}[level])
