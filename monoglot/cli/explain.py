"""`monoglot explain`: where a number came from."""

from pathlib import Path

import click

from monoglot.cli.exits import Exit


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("column")
@click.argument("row")
@click.pass_context
def explain(context: click.Context, table: Path, column: str, row: str) -> None:
    """Say where one number of a table came from, and whether anything has changed since.

    TABLE is a table's CSV file, COLUMN one of its columns, ROW one of its rows. Lists the records,
    checkpoints, data, code, libraries and hardware behind the number. The exit status is 3 if a
    file, the code or a library is no longer as it was.

    \b
    Examples:
      monoglot explain results/tables/table1.csv mt_ner hidden312
      monoglot explain results/tables/table1.csv avg base
    """
    from monoglot.explain.account import account

    text, unchanged = account(table, column, row)
    click.echo(text)
    context.exit(Exit.DONE if unchanged else Exit.DIFFERENT)
