"""The state of every job: done, running, queued, failed, missing; and how long it will take yet."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from monoglot.runs import alive, job_logs
from monoglot.runs.jobs import Job, missing
from monoglot.runs.times import Times

DONE, RUNNING, QUEUED, FAILED, MISSING = "done", "running", "queued", "failed", "missing"
STATES = (DONE, RUNNING, QUEUED, FAILED, MISSING)
ROUNDING = 1
"""Seconds that times of files may be off."""

PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"}


@dataclass(frozen=True)
class JobState:
    """A job, its state, and if it runs how far it is.

    Attributes:
        seconds: since it was started.
        seconds_left: as its log says, or as earlier runs took; None if neither is known.
        progress: `step 300 of 10000`; empty if its log does not say.
        error: of a failed job, the sentence that its log ends with.
        slurm: its number in SLURM's queue.
    """

    job: Job
    state: str
    seconds: float = 0.0
    seconds_left: float | None = None
    progress: str = ""
    error: str = ""
    slurm: str | None = None


@dataclass(frozen=True)
class State:
    """The state of a plan.

    Attributes:
        runs: whether a Snakemake works on it; None if that cannot be seen from here.
        killed: whether one was killed and has left its locks.
        seconds_left: of work, one job after another; `seconds_at_least` with nothing in its way.
        unknown: jobs whose time is not known and which are not part of that.
    """

    jobs: list[JobState]
    runs: bool | None
    killed: bool
    seconds_left: float
    seconds_at_least: float
    unknown: int

    def counts(self, jobs: Iterable[JobState] | None = None) -> dict[str, int]:
        """Return how many jobs are in each state."""
        found = [one.state for one in (self.jobs if jobs is None else jobs)]
        return {state: found.count(state) for state in STATES}


def state_of(jobs: list[Job], folder: Path, results: str, planned: float) -> State:
    """Look at the files of a plan's jobs, whose `results` are those of the configuration.

    `folder` is the one that Snakemake runs in.

    A plan is a few seconds of Snakemake's time. This is not, and may be called again and again: a
    job that was to be done and has ended since it was `planned`, in seconds since the epoch,
    counts as done.
    """
    since = alive.locked_since(folder, (output for job in jobs for output in job.outputs))
    marks = _marks(jobs, folder)
    queue = alive.slurm_queue(folder / results / "unfinished" / "slurm_runs.txt")
    places = {job.log: _place(job, marks.get(job.log), queue) for job in jobs if not job.done}
    # On another machine of a cluster nothing of Snakemake is seen but its jobs in the queue.
    runs = True if queue else since is not None and alive.running_here(folder)
    live = {
        log: mark
        for log, mark in marks.items()
        if places[log] or (runs is not False and mark.since >= (since or 0) - ROUNDING)
    }
    times = Times(jobs, folder, results)
    states = [
        _state(job, live.get(job.log), places.get(job.log), times, folder, planned) for job in jobs
    ]
    left = [one for one in states if one.state != DONE]
    said = {one.job.log: one.seconds_left for one in left if one.seconds_left is not None}
    estimate = times.estimate((one.job for one in left), said)
    killed = since is not None and runs is False
    return State(states, runs, killed, estimate.seconds, estimate.longest, estimate.unknown)


def _marks(jobs: list[Job], folder: Path) -> dict[str, alive.Started]:
    """What Snakemake has started and not ended, by log; also by a run that was killed."""
    started = alive.started(folder)
    return {
        job.log: started[output]
        for job in jobs
        if not job.done
        for output in job.outputs
        if output in started
    }


def _place(job: Job, mark: alive.Started | None, queue: list[alive.Queued]) -> alive.Queued | None:
    """Where a job is in the queue: by its number, or by what the plugin for SLURM says of it."""
    comment = "_".join([f"rule_{job.rule}", "wildcards", *job.wildcards.values()])
    number = mark.slurm if mark else None
    return next((one for one in queue if number == one.number or comment == one.comment), None)


def _state(
    job: Job,
    mark: alive.Started | None,
    place: alive.Queued | None,
    times: Times,
    folder: Path,
    planned: float,
) -> JobState:
    if job.done:
        return JobState(job, DONE)
    log = folder / job.log
    if mark:
        number = place.number if place else mark.slurm
        if place and place.state in PENDING:
            return JobState(job, QUEUED, slurm=number)
        return _running(job, mark, number, times, log)
    if _made_since(job, planned, folder):
        return JobState(job, DONE)
    if said := job_logs.error(log):
        return JobState(job, FAILED, error=said)
    return JobState(job, MISSING)


def _running(
    job: Job, mark: alive.Started, number: str | None, times: Times, log: Path
) -> JobState:
    seconds = max(time.time() - mark.since, 0)
    found = job_logs.progress(log) if _written_since(log, mark.since) else None
    usual = times.of(job)
    left = None if usual is None else max(usual - seconds, 0)
    if found and found.seconds_left is not None:
        left = found.seconds_left
    return JobState(job, RUNNING, seconds, left, str(found or ""), slurm=number)


def _made_since(job: Job, planned: float, folder: Path) -> bool:
    """Whether all outputs of a job are there, and one is newer than the plan."""
    if missing(job, folder):
        return False
    return any((folder / output).stat().st_mtime > planned for output in job.outputs)


def _written_since(log: Path, since: float) -> bool:
    try:
        return log.stat().st_mtime >= since - ROUNDING
    except OSError:
        return False
