"""The command `monoglot`."""

from pathlib import Path

import click

from monoglot.errors import UserError


class _Group(click.Group):
    """Shows a `UserError` as one line, as scripts do."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except UserError as error:
            click.echo(f"error: {error}", err=True)
            context.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Turn a multilingual encoder into a small model for one language, and know what it cost."""


@main.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("column")
@click.argument("row")
@click.pass_context
def explain(context: click.Context, table: Path, column: str, row: str) -> None:
    """Say where one number of a table came from, and whether anything has changed since.

    TABLE is a table's CSV file, COLUMN one of its columns, ROW one of its rows:

        monoglot explain results/tables/table1.csv mt_ner hidden312

    Lists the records, checkpoints, data, code, libraries and hardware behind the number. The exit
    status is 3 if a file, the code or a library is no longer as it was.
    """
    from monoglot.explain.account import account

    text, unchanged = account(table, column, row)
    click.echo(text)
    context.exit(0 if unchanged else 3)
