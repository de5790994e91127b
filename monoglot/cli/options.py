"""Arguments and options that several commands have."""

from collections.abc import Callable

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


class WithMore(click.Command):
    """A command that keeps what stands after `--` for somebody else, as the context's `obj`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        at = arguments.index("--") if "--" in arguments else len(arguments)
        context.obj = arguments[at + 1 :]
        return super().parse_args(context, arguments[:at])

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(context), "[-- MORE...]"]
