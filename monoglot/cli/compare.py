"""`monoglot compare`: two sets of results."""

from collections.abc import Collection, Iterable
from pathlib import Path

import click

from monoglot.cli import terminal as text
from monoglot.cli.main import Exit
from monoglot.cli.options import FiniteRange, format_option, workflow_folder
from monoglot.cli.terminal import note, verbose

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
    """Compare two results folders cell by cell, or one with the paper.

    FIRST and SECOND are results folders, `paper` (Tables 1 and 6 of Gurgurov et al. 2025), or a CSV
    file of published numbers like that of the paper. Shown are the cells that differ (with
    --verbose all), deviations over seeds, p-values of a paired test over test examples, sizes,
    and what else differs: settings, data, versions, hardware, and how checkpoints were made.

    Scores are those that records name as theirs; beside the paper they are the sub-token F1 for ner
    and pos, as published. The test is approximate randomisation (Noreen 1989, Yeh 2000) with 9,999
    swaps, always the same ones; sub-token scores cannot be tested, as predictions are of words, and
    means over different seeds are not. Of published numbers and ours, only cells that are published
    are compared.

    The exit status is 0 if both have the same cells with equal scores and sizes, else 3.

    \b
    Examples:
      monoglot compare results/demo other/results/demo
      monoglot compare results paper --tolerance 2
      monoglot compare results/a results/b --score ner=word_f1 --format csv
    """
    from monoglot.report.compare import compare as compared
    from monoglot.report.compare_layout import laid_out
    from monoglot.report.compare_origins import origins

    published = [_is_published(name) for name in (first, second)]
    asked = _scores(scores)
    chosen = (AS_PUBLISHED if any(map(_is_paper, (first, second))) else {}) | asked
    sides = [_read(name, chosen) for name in (first, second)]
    _check_tasks(asked, {run.task for side in sides for run in side})
    if published[0] != published[1]:
        ours, theirs = sides if published[1] else sides[::-1]
        for key in [key for key in ours if key not in theirs]:
            del ours[key]
    if not (no_test or any(published)):
        note("Testing differences (--no-test leaves that out) ...")
    found = compared(*sides, test=not no_test)
    made = {} if any(published) else origins(Path(first), Path(second))
    click.echo(laid_out(found, form, (first, second), tolerance, verbose(), made, text.width()))
    context.exit(Exit.DONE if found.equal(tolerance) else Exit.DIFFERENT)


def _is_paper(name: str) -> bool:
    return name == PAPER and not Path(name).is_dir()


def _is_published(name: str) -> bool:
    return _is_paper(name) or Path(name).suffix == ".csv"


def _read(name: str, scores: dict[str, str]) -> dict:
    from monoglot.report.compare_cells import read_paper, read_results

    if not _is_published(name):
        return read_results(Path(name), scores)
    return read_paper(workflow_folder() / PUBLISHED if _is_paper(name) else Path(name), scores)


def _scores(given: tuple[str, ...]) -> dict[str, str]:
    for one in given:
        if not all(one.partition("=")):
            raise click.BadParameter(f"'{one}' is not TASK=NAME", param_hint="--score")
    return dict(one.split("=", 1) for one in given)


def _check_tasks(asked: Iterable[str], known: Collection[str]) -> None:
    for task in asked:
        if task not in known:
            there = ", ".join(sorted(known))
            raise click.BadParameter(
                f"nothing is of a task '{task}'; there are {there}", param_hint="--score"
            )
