"""A group of commands that are imported when they are used, with what all of them share."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from monoglot.cli.exits import Exit
from monoglot.cli.verbosity import add_verbosity, show_log, verbose
from monoglot.errors import UserError
from monoglot.faults import sentence
from monoglot.interruption import InterruptionError, handled_by

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """Commands by name, each in a module of its own; errors as one sentence.

    Args:
        sections: headings of the help, and under each the commands and one line about them.
        package: where the modules are.
    """

    def __init__(
        self, *arguments: Any, sections: dict[str, dict[str, str]], package: str, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.sections, self.package = sections, package
        self.lines = {name: line for part in sections.values() for name, line in part.items()}
        # Names only, for click's "Did you mean"; `get_command` makes the commands.
        self.commands = dict.fromkeys(self.lines)
        add_verbosity(self)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.lines)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lines:
            return None
        module = name.replace("-", "_")
        command = getattr(import_module(f"{self.package}.{module}"), module)
        command.short_help = self.lines[name]
        add_verbosity(command)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not context.resilient_parsing:
            _check_utf8(args)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, lines in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl(list(lines.items()), col_max=16)

    def invoke(self, context: click.Context) -> object:
        if os.environ.get("NO_COLOR"):
            context.color = False
        try:
            with _ended_by_signals(), show_log(context):
                return super().invoke(context)
        except (KeyboardInterrupt, click.Abort):
            _end(context, "interrupted", signal.SIGINT)
        except _SignalledError as error:
            _end(context, f"ended by {error.signal.name}", error.signal)
        except InterruptionError as error:
            _end(context, str(error), error.signal)
        except UserError as error:
            _fail(context, str(error))
        except (OSError, MemoryError, RuntimeError) as error:
            if isinstance(error, OSError) and _is_of_printing(error):
                error.filename = "the standard output"
                # What is not printed yet would fail once more when Python ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            # A closed pipe (`| head`) and click's own exceptions are click's.
            said = None if _is_clicks(error) else sentence(error, "the size of what is asked for")
            if not said:
                raise
            _fail(context, said)


def _check_utf8(words: list[str]) -> None:
    """Raise `UserError` for a name that could be written neither to a file nor to the terminal."""
    for word in words:
        encoded = os.fsencode(word)
        if (shown := encoded.decode("utf-8", "backslashreplace")) != word:
            raise UserError(f"{shown}: is not UTF-8; give it another name")


def _is_clicks(error: Exception) -> bool:
    return isinstance(error, click.exceptions.Exit | click.ClickException | BrokenPipeError)


def _is_of_printing(error: Exception) -> bool:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1].f_code is click.echo.__code__


def _end(context: click.Context, said: str, number: int) -> None:
    click.echo(said, err=True)
    context.exit(128 + number)


def _fail(context: click.Context, said: str) -> None:
    if verbose(context):
        click.echo(traceback.format_exc(), err=True, nl=False)
    click.echo(f"{click.style('error:', fg='red')} {said}", err=True, color=context.color)
    context.exit(Exit.FAULT)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into the end of this process that clears away what is half written.

    Ctrl-C stays Python's KeyboardInterrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with handled_by(_raise):
        yield


class _SignalledError(BaseException):
    """A signal ends this process; nothing on the way takes it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


def _raise(number: int, _: object) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else _SignalledError(number)


def version_option(function: Callable) -> Callable:
    """Add --version: the version, and where the package lies."""

    def show(context: click.Context, _: click.Parameter, value: bool) -> None:
        if not value or context.resilient_parsing:
            return
        from monoglot.cli.about import version_line

        click.echo(version_line())
        context.exit()

    return click.option(
        "--version",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )(function)
