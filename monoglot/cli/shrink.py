"""`monoglot shrink`: one model made small for one language."""

import os
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from monoglot.cli.model_options import field, files, limit, model_argument, out_argument, revision
from monoglot.cli.terminal import note, quiet
from monoglot.cli.trim import loading
from monoglot.shrink.presets import BUDGETS, PRESETS

if TYPE_CHECKING:
    from monoglot.shrink.job import Job

positive = click.IntRange(1)


@click.command()
@model_argument
@out_argument
@files
@click.option("--language", required=True, metavar="NAME", help="What the text is in: Maltese.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="paper-small",
    show_default=True,
    help="How small, as a share of the model; the next four say it in numbers.",
)
@click.option("--layers", type=positive, metavar="N", help="Layers to keep.")
@click.option("--ffn", type=positive, metavar="N", help="Feed-forward neurons of each layer.")
@click.option("--hidden", type=positive, metavar="N", help="Hidden size, a multiple of the heads.")
@click.option("--vocab", type=positive, metavar="N", help="Pieces, special tokens not counted.")
@click.option(
    "--budget",
    type=click.Choice(list(BUDGETS)),
    help="How long to train.  [default: paper on a GPU, else small]",
)
@click.option("--adapt-steps", type=click.IntRange(0), metavar="N", help="Of adaptation; 0: none.")
@click.option("--distil-steps", type=positive, metavar="N", help="Of each distillation.")
@click.option(
    "--micro-batch",
    type=positive,
    metavar="N",
    help="Sequences in memory at a time, if it is short.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="Of the encoder in training.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Show sizes and measure times; make nothing.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where unfinished work is kept.  [default: OUT.unfinished]",
)
@revision
@field
@limit
def shrink(model: str, out: Path, dry_run: bool, work: Path | None, **given: Any) -> None:
    """Make a multilingual encoder small for one language: the whole chain of the paper.

    MODEL is the folder of a masked language model (BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT) or,
    with --revision, its id on the Hub; OUT the folder to write. It is adapted to the text, gets
    fewer layers, is distilled, gets fewer feed-forward neurons and a smaller hidden size, is
    distilled again, and gets the vocabulary of the text. What stays as it is takes no step.

    The same command goes on where an ended one was. docs/shrink.md has more.

    \b
    Examples:
      monoglot shrink models/xlmr small --text maltese.txt.gz --language Maltese --dry-run
      monoglot shrink FacebookAI/xlm-roberta-base small --text mt.parquet --language Maltese \\
        --revision e73636d4f797dec63c3081bb6ed5c7b0bb3f2089 --preset paper-medium --budget medium
      monoglot shrink models/mbert small --text mt.txt --language Maltese --layers 4 --vocab 20000
    """
    from monoglot.shrink.saving import check_apart, check_free, claimed
    from monoglot.shrink.texts import check_files

    folder = work or Path(f"{os.path.abspath(out)}.unfinished")
    check_apart(folder, out, map(Path, [model, *given["text"]]))
    check_free(out)
    check_files(given["text"])
    from monoglot.cli.shrinking import silent_clock

    with silent_clock():
        if dry_run:
            with TemporaryDirectory() as empty:
                _begin(model, Path(empty), given)
            return
        with claimed(folder):
            job = _begin(model, folder, given)
            _make(job, Namespace(model=model, out=out, **given), folder)


def _begin(model: str, work: Path, given: dict[str, Any]) -> "Job":
    from monoglot.cli.shrinking import show_plan
    from monoglot.shrink.job import begin

    note("reading the text and measuring a few steps of each training")
    job = begin(model, list(given["text"]), work, given)
    click.echo(show_plan(job, given["language"]))
    return job


def _make(job: "Job", arguments: Namespace, folder: Path) -> None:
    from monoglot import provenance
    from monoglot.cli.shrinking import Progress, show_account
    from monoglot.shrink.result import deliver
    from monoglot.shrink.saving import clear
    from monoglot.shrink.work import Work

    note(f"\nunfinished work is kept in {folder}; the same command goes on from there\n")
    progress = Progress(job.trainings, not quiet())
    out, files = arguments.out, [Path(name) for name in arguments.text if name != "-"]
    with provenance.of_folder(__file__, arguments, [job.source.folder, *files]):
        work = Work(folder, job.source, job.material, job.identity)
        rows = work.run(job.steps, progress.watcher, progress.done)
        about = {name: getattr(arguments, name) for name in ("model", "revision", "language")}
        deliver(work.last(job.steps), out, about, job.steps, rows)
    clear(folder)
    click.echo("\n".join(["", show_account(rows), "", *loading("AutoModelForMaskedLM", out)]))
