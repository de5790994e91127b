"""`monoglot table`, `compare`, `explain` and `push`: what an experiment has made."""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli import terminal
from monoglot.cli.main import Exit
from monoglot.cli.options import (
    FiniteRange,
    complete_configurations,
    complete_tables,
    experiment,
    format_option,
    pairs,
    workflow_folder,
)
from monoglot.cli.terminal import count, note, quiet, size, verbose
from monoglot.errors import UserError
from monoglot.escapes import for_terminal

if TYPE_CHECKING:
    from monoglot.compare import ComparedCell
    from monoglot.paths import Run


# `monoglot compare`: two sets of results.

PAPER = "paper"
PUBLISHED = Path("resources", "paper", "tables_1_and_6.csv")
AS_PUBLISHED = {"ner": "subtoken_f1", "pos": "subtoken_f1"}


@click.command()
@click.argument("first", type=click.Path())
@click.argument("second", type=click.Path())
@format_option("md", "csv", "json")
@click.option(
    "-t",
    "--tolerance",
    default=0.0,
    show_default=True,
    type=FiniteRange(0),
    help="Points that scores may differ by and yet be equal.",
)
@click.option(
    "--score",
    "scores",
    multiple=True,
    metavar="TASK=NAME",
    help="Which score of a task to compare, such as ner=word_f1. May be repeated.",
)
@click.option("--no-test", is_flag=True, help="Do not test differences, which takes its time.")
@click.pass_context
def compare(
    context: click.Context,
    first: str,
    second: str,
    form: str,
    tolerance: float,
    scores: tuple[str, ...],
    no_test: bool,
) -> None:
    """Compare two results cell by cell, two rows of one, or results with the paper.

    FIRST and SECOND are results folders, `paper` (Tables 1 and 6 of Gurgurov et al. 2025), or a CSV
    file of published numbers like that of the paper. A variant may follow a folder, after a colon:
    then both sides are one variant each, such as two rows of a table. Shown are the cells that
    differ (with --verbose all), deviations over seeds, 95 % intervals of differences, p-values,
    sizes, and what else differs: settings, data, versions, hardware, and how checkpoints were made.

    Scores are those that records name as theirs; beside the paper they are the sub-token F1 for ner
    and pos, as published. Intervals and p-values count both other test examples and other seeds of
    the adapters as chance, so they need two seeds a side; tasks that nothing is trained for have
    none and need one record. Of published numbers and ours, only cells that are published are
    compared.

    The exit status is 0 if both have the same cells with equal scores and sizes, else 3.

    \b
    Examples:
      monoglot compare results/demo other/results/demo
      monoglot compare results/demo:hidden36 results/demo:hidden24
      monoglot compare results paper --tolerance 2
      monoglot compare results/a results/b --score ner=word_f1 --format csv
    """
    from monoglot.compare import compare as compared
    from monoglot.compare import laid_out, origins

    names = (first, second)
    (first, row), (second, other_row) = map(_variant, names)
    if bool(row) != bool(other_row):
        raise click.UsageError(
            f"one side is a variant, the other is not: name a variant behind both, or behind none "
            f"({first}:VARIANT {second}:VARIANT)"
        )
    published = [_is_published(name) for name in (first, second)]
    asked = pairs(scores, "--score", "TASK=NAME")
    chosen = (AS_PUBLISHED if any(map(_is_paper, (first, second))) else {}) | asked
    sides = [_read(name, chosen) for name in (first, second)]
    if row:
        pair = f"{row} → {other_row}"  # a name that both sides have
        sides = [
            _row_of(side, name, variant, pair)
            for side, name, variant in zip(sides, (first, second), (row, other_row), strict=True)
        ]
    known = {run.task for side in sides for run in side}
    if unknown := [task for task in asked if task not in known]:
        raise click.BadParameter(
            f"nothing is of a task '{unknown[0]}'; there are {', '.join(sorted(known))}",
            param_hint="--score",
        )
    if published[0] != published[1]:
        ours, theirs = sides if published[1] else sides[::-1]
        for key in [key for key in ours if key not in theirs]:
            del ours[key]
    if not (no_test or any(published)):
        note("Testing differences (--no-test leaves that out) ...")
    found = compared(*sides, test=not no_test)
    made = {} if row or any(published) else origins(Path(first), Path(second))
    _show(laid_out(found, form, names, tolerance, verbose(), made, terminal.width()))
    context.exit(Exit.DONE if found.equal(tolerance) else Exit.DIFFERENT)


def _show(said: str) -> None:
    """Print what may be data: whole in a file or a pipe, harmless on a terminal."""
    click.echo(for_terminal(said) if sys.stdout.isatty() else said, color=True)


def _variant(name: str) -> tuple[str, str]:
    """Return a folder or file, and the variant behind it; "" where there is none."""
    before, _, variant = name.rpartition(":")
    return (before, variant) if before and not Path(name).exists() else (name, "")


def _row_of(
    side: "dict[Run, ComparedCell]", name: str, variant: str, pair: str
) -> "dict[Run, ComparedCell]":
    found = {replace(k, variant=pair): cell for k, cell in side.items() if k.variant == variant}
    if not found:
        known = ", ".join(sorted({key.variant for key in side}))
        raise UserError(f"{name} has nothing of a variant '{variant}'; it has {known}")
    return found


def _is_paper(name: str) -> bool:
    return name == PAPER and not Path(name).is_dir()


def _is_published(name: str) -> bool:
    return _is_paper(name) or Path(name).suffix == ".csv"


def _read(name: str, scores: dict[str, str]) -> dict:
    from monoglot.compare import read_paper, read_results

    if not _is_published(name):
        return read_results(Path(name), scores)
    return read_paper(workflow_folder() / PUBLISHED if _is_paper(name) else Path(name), scores)


# `monoglot table`: a finished table.


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
        _show(in_form(find(name, folders), form, terminal.width()))
        return
    found = tables_below(folders)
    if not found:
        raise UserError(f"there are no finished tables in {', '.join(map(str, folders))}")
    terminal.say("\n".join(map(str, found)))


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
    from monoglot.lineage import account

    said, unchanged = account(table, column, row)
    terminal.say(said)
    context.exit(Exit.DONE if unchanged else Exit.DIFFERENT)


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("repo_id")
@click.option("--adapters", is_flag=True, help="Also push the task adapters kept for it.")
@click.option("--public", is_flag=True, help="Make a new repository public.")
@click.option("--overwrite", is_flag=True, help="Replace a repository that holds another model.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be uploaded; contact nobody.")
def push(
    checkpoint: Path, repo_id: str, adapters: bool, public: bool, overwrite: bool, dry_run: bool
) -> None:
    """Upload a checkpoint and its model card to the Hugging Face Hub.

    CHECKPOINT is a folder such as results/models/xlmr/mt/hidden312, REPO_ID is OWNER/NAME. The
    repository is created if there is none, as a private one: what was public once cannot be taken
    back, and its page has a button to publish it. All files arrive in one commit, or none does. An
    upload that broke off sends only what is missing when it is started again.

    The token is that of HF_TOKEN or of `hf auth login`, and must be allowed to write.

    \b
    Examples:
      monoglot push results/models/xlmr/mt/hidden312-vocab40k me/xlmr-maltese --dry-run
      monoglot push results/models/xlmr/mt/hidden312-vocab40k me/xlmr-maltese --adapters
    """
    from monoglot.push import check_name, parcel
    from monoglot.push import push as upload

    check_name(repo_id)
    items = parcel(checkpoint, adapters)
    total = [count(len(items), "file"), size(sum(item.size for item in items))]
    if dry_run:
        rows = [[item.name, size(item.size)] for item in items]
        head = items[0].file.read_text(encoding="utf-8").split("\n---\n")[0]
        said = [f"Would go to {repo_id}:", "", terminal.table(["file", "size"], [*rows, total])]
        terminal.say("\n".join([*said, "", "The head of the card:", "", head, "---"]))
        return
    note(", ".join(total))
    if quiet():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()
    done = upload(items, repo_id, public, overwrite)
    for name in done.removed:
        note(f"removed there: {name}")
    click.echo(f"{done.url} (commit {done.commit})")
