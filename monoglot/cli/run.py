"""`monoglot run`: Snakemake, with its progress in one line."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli import text
from monoglot.cli.exits import Exit
from monoglot.cli.options import WithMore, config_argument, targets_argument
from monoglot.cli.progress import ProgressLine, bar
from monoglot.cli.verbosity import note, quiet, verbose
from monoglot.cli.workflow import Experiment, experiment

if TYPE_CHECKING:
    from monoglot.runs.events import Events, Working
    from monoglot.runs.times import Remaining

REDRAW_SECONDS = 1.0


def _cores(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value in (None, "all") or re.fullmatch("0*[1-9][0-9]*", value):
        return value
    raise click.BadParameter(f"'{value}' is neither a positive whole number nor `all`")


@click.command(cls=WithMore)
@config_argument
@targets_argument
@click.option(
    "-c", "--cores", callback=_cores, help="Jobs at a time: a number or `all`.  [default: all]"
)
@click.option("--slurm", is_flag=True, help="Submit jobs to SLURM, see docs/slurm.md.")
@click.option("-k", "--keep-going", is_flag=True, help="Go on with other jobs if one fails.")
@click.option("-n", "--dry-run", is_flag=True, help="Let Snakemake list the jobs; run none.")
@click.pass_context
def run(
    context: click.Context,
    config: str,
    targets: tuple[str, ...],
    cores: str | None,
    slurm: bool,
    keep_going: bool,
    dry_run: bool,
) -> None:
    """Run an experiment, or go on with it: make what is missing or out of date.

    CONFIG is a configuration file, TARGETS what to make (by default what the configuration says):
    `tables`, `figures`, the name of a table or figure, MODEL/LANGUAGE/VARIANT, or a file. All work
    is Snakemake's: the command that is run is printed first, and can as well be typed. Arguments
    after `--` are given to it. Results lie where the configuration says, in the folder of the
    Snakefile. With --verbose everything that Snakemake prints is shown.

    A run that is stopped goes on where it was when the same command is given again.

    \b
    Examples:
      monoglot run configs/smoke.yaml
      monoglot run configs/demo.yaml table1 --cores 4
      monoglot run config.yaml --slurm
      monoglot run config.yaml -- --rerun-triggers mtime --resources gpu_share=100
    """
    from monoglot.runs import snakemake

    with experiment(config) as it:
        words = snakemake.command(
            it.config,
            [it.target(name) for name in targets],
            cores=cores or (None if slurm else "all"),
            slurm=slurm,
            dry_run=dry_run,
            keep_going=keep_going,
            more=context.obj,
        )
        note(f"+ {snakemake.shown(words, it.folder, it.started_in)}")
        context.exit(_watch(words, it, dry_run))


def _watch(words: list[str], it: Experiment, dry_run: bool) -> int:
    """Run Snakemake, show how far it is, and return our exit status."""
    from monoglot.runs.child import Child
    from monoglot.runs.events import Events
    from monoglot.runs.times import Remaining

    events, began = Events(), time.monotonic()
    remaining = Remaining(it.folder / it.results)
    line = ProgressLine(shown=not (quiet() or verbose() or dry_run))
    child, early = Child(words, it.folder), []
    with child.signals_passed_on():
        for said in child.lines(REDRAW_SECONDS):
            if said is None:
                pass
            elif dry_run:
                click.echo(said)
            elif (events.read(said) and not child.interrupted) or verbose():
                line.above(said)
            elif events.total is None:
                early.append(said)
            line.show(lambda: _text(events, remaining, it.folder, time.monotonic() - began))
        status = child.wait()
    line.clear()
    if child.interrupted:
        note("stopped; the same command goes on from here")
        return 128 + child.interrupted
    if status == 0 and early and events.total is None and not events.nothing:
        click.echo("\n".join(early))  # it was asked for something else (--unlock, --summary)
    elif not dry_run:
        _sum_up(events, status, it, time.monotonic() - began)
    return Exit.DONE if status == 0 else Exit.FAULT


def _text(events: "Events", remaining: "Remaining", folder: Path, seconds: float) -> str:
    if events.total is None:
        return f"Snakemake is planning ({text.duration(seconds)})"
    parts = [bar(events.done, events.total)]
    if events.failed:
        parts.append(f"{len(events.failed)} failed")
    parts.append(f"{text.duration(seconds)}{_left(events, remaining)}")
    parts += [_job(job, folder) for job in events.running.values()]
    return " · ".join(parts)


def _left(events: "Events", remaining: "Remaining") -> str:
    seconds, unknown = remaining.of(events.open, len(events.running))
    if seconds < 1:
        return ""
    return f", {'over' if unknown else 'about'} {text.duration(seconds)} left"


def _job(job: "Working", folder: Path) -> str:
    from monoglot.runs.job_logs import progress

    far = progress(folder / job.log) if job.rule == "train" and job.log else None
    return f"{job.rule} {job.name}" + (f" ({far})" if far else "")


def _sum_up(events: "Events", status: int, it: Experiment, seconds: float) -> None:
    if status:
        names = ", ".join(events.failed[:3]) + (" and more" if len(events.failed) > 3 else "")
        failed = (
            f"{text.count(len(events.failed), 'job')} failed ({names})"
            if names
            else "the run failed"
        )
        logs = f"what jobs say is in {it.folder / it.results / 'logs'}"
        logs += f", what Snakemake says in {events.log}" if events.log else ""
        click.echo(f"error: {failed} after {text.duration(seconds)}; {logs}", err=True)
    elif events.nothing:
        note("Nothing to do: all of it is done.")
    else:
        note(
            f"Done: {text.count(events.done, 'job')} in {text.duration(seconds)}; the results "
            f"are in {it.folder / it.results}"
        )
