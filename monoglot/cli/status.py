"""`monoglot status`: what is done, running, failed and missing."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from monoglot.cli import text
from monoglot.cli.options import FiniteRange, as_json, config_argument, targets_argument
from monoglot.cli.verbosity import note
from monoglot.cli.workflow import Experiment, experiment

if TYPE_CHECKING:
    from monoglot.runs.state import JobState, State

PLAN_AGAIN_SECONDS = 300
MARKS = {"done": "done", "running": "runs", "queued": "waits", "failed": "FAILED", "missing": "-"}


@click.command()
@config_argument
@targets_argument
@click.option("-w", "--watch", is_flag=True, help="Look again and again, until Ctrl-C or the end.")
@click.option(
    "--every",
    default=10.0,
    show_default=True,
    type=FiniteRange(1),
    help="Seconds, of --watch.",
)
@as_json
def status(config: str, targets: tuple[str, ...], watch: bool, every: float, in_json: bool) -> None:
    """Say what of an experiment is done, running, queued, failed and missing, and how long yet.

    CONFIG and TARGETS are those of `monoglot run`. What is done and what is out of date is asked of
    Snakemake; what is running is seen from the marks of jobs that it has started, SLURM's queue and
    the logs of the jobs. The exit status is 0 whatever the state.

    \b
    Examples:
      monoglot status configs/demo.yaml
      monoglot status config.yaml --watch
      monoglot status config.yaml --json | jq .counts
    """
    with experiment(config) as it:
        names = [it.target(name) for name in targets]
        for state in _states(it, names, every if watch else None):
            if in_json:
                click.echo(json.dumps(_as_json(state), indent=None if watch else 2))
                continue
            if watch:
                click.clear()
            click.echo("\n".join(_lines(state, text.width())))


def _states(it: Experiment, targets: list[str], every: float | None) -> Iterator["State"]:
    """Yield the state; with `every`, again after so many seconds, until all is done."""
    from monoglot.runs.snakemake import planned
    from monoglot.runs.state import state_of

    asked = float("-inf")
    while True:
        if time.monotonic() - asked > PLAN_AGAIN_SECONDS:
            note("Asking Snakemake for the plan ...")
            began, asked = time.time(), time.monotonic()
            jobs = planned(it.config, targets, it.results, it.folder)
        state = state_of(jobs, it.folder, it.results, began)
        yield state
        if every is None or state.counts()["done"] == len(state.jobs):
            return
        time.sleep(every)


def _as_json(state: "State") -> dict:
    return {
        "running": state.runs,
        "killed": state.killed,
        "counts": state.counts(),
        "seconds_of_jobs_left": round(state.seconds_left, 1),
        "seconds_left_at_least": round(state.seconds_at_least, 1),
        "jobs_of_unknown_time": state.unknown,
        "jobs": [
            {
                "rule": one.job.rule,
                "name": one.job.name,
                "stage": one.job.stage,
                "state": one.state,
                "why": one.job.reason,
                "progress": one.progress,
                "seconds": round(one.seconds, 1),
                "seconds_left": one.seconds_left,
                "error": one.error,
                "slurm": one.slurm,
                "log": one.job.log,
            }
            for one in state.jobs
        ],
    }


def _lines(state: "State", limit: int) -> list[str]:
    parts = [_stages(state, limit), _variants(state, limit), _running(state, limit)]
    parts += [_failed(state, limit), _verdict(state)]
    return ["\n\n".join(part for part in parts if part)]


def _stages(state: "State", limit: int) -> str:
    from monoglot.runs.jobs import stages_of

    of = {id(one.job): one for one in state.jobs}
    rows = []
    for stage, jobs in stages_of(one.job for one in state.jobs).items():
        counts = state.counts(of[id(job)] for job in jobs)
        rows.append([stage, *map(_number, counts.values()), str(len(jobs))])
    return text.table(["stage", *state.counts(), "all"], rows, limit)


def _number(count: int) -> str:
    return str(count) if count else "."


def _variants(state: "State", limit: int) -> str:
    """A row for each checkpoint and its tasks."""
    tasks = list(dict.fromkeys(j.job.wildcards["task"] for j in _of(state, "scores")))
    cells: dict[str, dict[str, str]] = {}
    for one in [*_of(state, "checkpoints"), *_of(state, "scores")]:
        about = one.job.wildcards
        name = "/".join(about[key] for key in ("model", "language", "variant"))
        cells.setdefault(name, {})[about.get("task", "")] = MARKS[one.state]
    if not cells:
        return ""
    rows = [
        [name, *(found.get(task, "") for task in ("", *tasks))] for name, found in cells.items()
    ]
    return text.table(["checkpoint", "made", *tasks], rows, limit)


def _of(state: "State", stage: str) -> list["JobState"]:
    return [one for one in state.jobs if one.job.stage == stage]


def _running(state: "State", limit: int) -> str:
    lines = []
    for one in state.jobs:
        if one.state in ("running", "queued"):
            parts = [f"{one.job.rule} {one.job.name}", one.progress]
            if one.state == "running":
                parts.append(f"for {text.duration(one.seconds)}")
            if one.seconds_left is not None:
                parts.append(f"{text.duration(one.seconds_left)} left")
            parts += [f"SLURM job {one.slurm}"] if one.slurm else []
            said = ", ".join(part for part in parts if part)
            lines.append(text.cut(f"{MARKS[one.state]}  {said}", limit))
    return "\n".join(lines)


def _failed(state: "State", limit: int) -> str:
    return "\n".join(
        f"FAILED  {one.job.rule} {one.job.name}: {one.error} ({one.job.log})"
        for one in state.jobs
        if one.state == "failed"
    )


def _verdict(state: "State") -> str:
    counts = state.counts()
    left = len(state.jobs) - counts["done"]
    if not left:
        return f"All {len(state.jobs)} jobs are done."
    doing = {True: "A run is under way.", None: "A run may be under way elsewhere."}
    said = [doing.get(state.runs, "No run is under way.")]
    if state.killed:
        said = [
            "A run has left its locks and is not seen here: if it does not run on another machine, "
            "it was killed; then snakemake --unlock, and run again."
        ]
    said.append(f"{text.count(counts['done'], 'job')} of {len(state.jobs)} done")
    if state.seconds_left:
        said[-1] += f"; what is left took {text.duration(state.seconds_left)} of jobs before"
        said[-1] += f", {text.duration(state.seconds_at_least)} at the very least"
    if state.unknown:
        said[-1] += f"; {text.count(state.unknown, 'job')} of unknown time"
    return " ".join(said) + "."
