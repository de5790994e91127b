"""The command `monoglot`: its commands by section of the help, and what all of them share.

The commands of a section are click commands of their own names (`_` for `-`) in one module, which
is imported when one of them is used; it imports nothing heavy outside its functions. Options -h,
-q and -v, errors and exit statuses come from here.
"""

import json
import os
import platform
import signal
import sys
import threading
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import IntEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monoglot.cli.options import as_json, complete_configurations, experiment, workflow_folder
from monoglot.cli.terminal import add_verbosity, print_whatever_it_is, quiet, show_log, verbose
from monoglot.errors import UserError, panic, sentence
from monoglot.fingerprint import ROOT
from monoglot.script import InterruptionError, handled_by

if TYPE_CHECKING:
    from monoglot.doctor import Finding

COMMANDS = {
    "Experiments": (
        "experiments",
        {
            "run": "Run an experiment, or continue it, and show its progress.",
            "plan": "Say what a run would do and download, and how long it would take.",
            "status": "Say what is done, running, failed and missing, and how long the rest takes.",
            "new-language": "Write the configuration of one more language, from the data it has.",
        },
    ),
    "One model, one language": (
        "models",
        {
            "shrink": "Make a model small for one language: all the paper's steps.",
            "trim": "Keep the pieces of a vocabulary that a language uses.",
            "export": "Write a model as ONNX graphs, in fp32 and int8.",
        },
    ),
    "Results": (
        "results",
        {
            "table": "Show a finished table in the terminal, or as Markdown, CSV, LaTeX or JSON.",
            "compare": "Compare two results folders, or one with the paper, cell by cell.",
            "explain": "Say where one number of a table came from.",
            "push": "Upload a checkpoint and its model card to the Hugging Face Hub.",
        },
    ),
    "This installation": (
        "main",
        {
            "doctor": "Check whether this machine has what a run needs.",
            "completion": "Print the completion script for bash, zsh or fish.",
        },
    ),
}
"""By section of the help: its module, and one line about each command."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Exit(IntEnum):
    """What a command says to the shell."""

    DONE = 0
    FAULT = 1
    """The input, the machine or the run is at fault; one sentence on stderr says what."""
    USAGE = 2
    """An option or argument that the command does not know (click's own)."""
    DIFFERENT = 3
    """`explain`: something has changed since; `compare`: there are differences."""
    INTERRUPTED = 130
    """Ctrl-C. SIGTERM and SIGHUP end with 143 and 129: 128 and the number of the signal."""


STATUSES = (
    "Exit status: 0 done; 1 the input, the machine or the run is at fault; 2 wrong usage; "
    "3 something has changed or differs (explain, compare); 130 interrupted."
)


class LazyGroup(click.Group):
    """Commands by name, whose modules are imported when they are used; errors as one sentence.

    Args:
        sections: headings of the help; under each a module, its commands, and one line about each.
        package: where the modules are.
    """

    def __init__(
        self,
        *arguments: Any,
        sections: dict[str, tuple[str, dict[str, str]]],
        package: str,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.sections, self.package = sections, package
        self.lines = {name: line for _, part in sections.values() for name, line in part.items()}
        # Names only, for click's "Did you mean"; `get_command` makes the commands.
        self.commands = dict.fromkeys(self.lines)
        add_verbosity(self)

    def main(self, *arguments: Any, **options: Any) -> Any:
        print_whatever_it_is()
        try:
            return super().main(*arguments, **options)
        except OSError as error:  # of --help and --version, which are printed before `invoke`
            if not _is_of_printing(error):
                raise
            sys.exit(f"error: {_of_printing(error)}")

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.lines)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lines:
            return None
        module = next(module for module, part in self.sections.values() if name in part)
        command = getattr(import_module(f"{self.package}.{module}"), name.replace("-", "_"))
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
        for heading, (_, lines) in self.sections.items():
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
            # A closed pipe (`| head`) and click's own exceptions are click's.
            if isinstance(error, click.exceptions.Exit | click.ClickException | BrokenPipeError):
                raise
            of_printing = isinstance(error, OSError) and _is_of_printing(error)
            lower = "the size of what is asked for"
            if not (said := _of_printing(error) if of_printing else sentence(error, lower)):
                raise
            _fail(context, said)
        except BaseException as error:
            if not (said := panic(error)):
                raise
            _fail(context, said)


def _check_utf8(words: list[str]) -> None:
    """Raise `UserError` for a name that could be written neither to a file nor to the terminal."""
    for word in words:
        encoded = os.fsencode(word)
        shown = encoded.decode("utf-8", "backslashreplace")
        if shown.encode() != encoded:
            raise UserError(f"{shown}: is not UTF-8; give it another name")
        if shown != word:
            raise UserError(
                f"{shown}: cannot be read as the locale says ({sys.getfilesystemencoding()}); set "
                "LC_ALL to C.UTF-8, or PYTHONUTF8 to 1, and start again"
            )


def _is_of_printing(error: Exception) -> bool:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1].f_code is click.echo.__code__


def _of_printing(error: OSError) -> str | None:
    """Say why nothing more can be printed, and have Python not try so once more when it ends."""
    error.filename = "the standard output"
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return sentence(error)


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


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    where = f"Python {platform.python_version()}, {ROOT / 'monoglot'}"
    click.echo(f"monoglot {package_version()} ({where})")
    context.exit()


def package_version() -> str:
    """Return the version; in a checkout, what its pyproject.toml says."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    try:
        return version("monoglot")
    except PackageNotFoundError:
        return "of unknown version"


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    package="monoglot.cli",
    context_settings=CONTEXT,
    epilog=STATUSES,
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Turn a multilingual encoder into a small model for one language, and know what it cost.

    `monoglot COMMAND --help` has examples. Snakemake does the work: `monoglot run` prints the
    command it runs, which you can type yourself.
    """


# `monoglot doctor` and `completion`: this machine, and its shells.

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
COMPLETE = "_MONOGLOT_COMPLETE"
"""The variable by which a shell asks click to complete."""


@click.command()
@click.argument("config", required=False, shell_complete=complete_configurations)
@as_json
@click.pass_context
def doctor(context: click.Context, config: str | None, in_json: bool) -> None:
    """Check whether this machine has what a run needs, and say what to do where it has not.

    Looks at Python and its packages, processors, memory and GPUs, disks, the Hub, SLURM and git;
    with CONFIG also at what that configuration needs of them. Each line is `ok`, `warn` (a run
    works, but lacks something) or `fail` (it cannot work); --quiet shows only the last two. The
    exit status is 1 if any line is `fail`.

    \b
    Examples:
      monoglot doctor
      monoglot doctor config.yaml
      monoglot doctor --json | jq '.[] | select(.state != "ok")'
    """
    from monoglot.doctor import findings_of

    findings = []
    with experiment(config) if config else nullcontext() as it:
        about = (it.config, lambda: it.graph) if it else None
        for finding in findings_of(about, _requirements()):
            findings.append(finding)
            if not in_json and (finding.state != "ok" or not quiet()):
                click.echo(_line(finding))
    if in_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=1))
    failed = any(finding.state == "fail" for finding in findings)
    context.exit(Exit.FAULT if failed else Exit.DONE)


def _line(finding: "Finding") -> str:
    state = click.style(f"{finding.state:<4}", fg=COLOURS[finding.state])
    todo = f"\n      {finding.todo}" if finding.todo else ""
    return f"{state}  {finding.name}: {finding.said}{todo}"


def _requirements() -> Path | None:
    try:
        path = workflow_folder() / "requirements.txt"
    except UserError:
        return None
    return path if path.is_file() else None


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, configurations, targets and tables.

    \b
    Examples:
      monoglot completion bash > ~/.local/share/bash-completion/completions/monoglot
      monoglot completion zsh > ~/.zfunc/_monoglot        # a folder in $fpath
      monoglot completion fish > ~/.config/fish/completions/monoglot.fish
      eval "$(monoglot completion bash)"                  # in this shell alone
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    # Not `source`, which runs bash to see how old it is.
    script = found(context.find_root().command, {}, "monoglot", COMPLETE)
    click.echo((script.source_template % script.source_vars()).strip())
