"""`monoglot table`: a finished table."""

from contextlib import suppress
from pathlib import Path

import click

from monoglot.cli import terminal as text
from monoglot.cli.options import (
    complete_configurations,
    complete_tables,
    experiment,
    format_option,
    workflow_folder,
)
from monoglot.errors import UserError


@click.command()
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_tables)
@click.option(
    "--config",
    shell_complete=complete_configurations,
    help="Configuration in whose results the table is.",
)
@format_option("md", "csv", "tex", "json")
def table(name: str | None, config: str | None, form: str) -> None:
    """Show a finished table.

    NAME is a table's CSV file, or its name: it is then looked for in the results of --config or,
    without that, in all results here. Without a NAME the tables that there are are listed.

    \b
    Examples:
      monoglot table
      monoglot table table1 --config configs/demo.yaml
      monoglot table results/tables/table1.csv --format tex
      monoglot table table1 --format json | jq '.[] | [.row, .avg]'
    """
    from monoglot.tables.formats import find, in_form, tables_below

    folders = _folders(config)
    if name is not None:
        click.echo(in_form(find(name, folders), form, text.width()))
        return
    found = tables_below(folders)
    if not found:
        raise UserError(f"there are no finished tables in {', '.join(map(str, folders))}")
    click.echo("\n".join(map(str, found)))


def _folders(config: str | None) -> list[Path]:
    """Return the results folders to look in: of a configuration, or all here."""
    from monoglot.tables.formats import tables_below

    here = Path.cwd()
    if config:
        with experiment(config) as it:
            results = it.folder / it.results
        return [results.relative_to(here) if results.is_relative_to(here) else results]
    folders = [Path("results"), Path(".")]
    if not tables_below(folders):
        with suppress(UserError):
            folders.append(workflow_folder() / "results")
    return folders
