"""Arguments and options that several commands have."""

import math
from collections.abc import Callable
from typing import Any

import click

from monoglot.cli.completing import configurations, targets

config_argument = click.argument("config", shell_complete=configurations)
targets_argument = click.argument("targets", nargs=-1, shell_complete=targets)


def format_option(*forms: str) -> Callable:
    """Add -f/--format, whose value comes as `form`: a table in the terminal, or one of `forms`."""
    return click.option(
        "-f",
        "--format",
        "form",
        default="terminal",
        show_default=True,
        type=click.Choice(["terminal", *forms]),
        help="How to print it.",
    )


as_json = click.option("--json", "in_json", is_flag=True, help="Print JSON, for programs.")


class FiniteRange(click.FloatRange):
    """A range of numbers that has neither infinity in it nor what is no number."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        found = super().convert(value, parameter, context)
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", parameter, context)
        return found


class WithMore(click.Command):
    """A command that keeps what stands after `--` for somebody else, as the context's `obj`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        at = arguments.index("--") if "--" in arguments else len(arguments)
        context.obj = arguments[at + 1 :]
        return super().parse_args(context, arguments[:at])

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(context), "[-- MORE...]"]
