"""How far the jobs of a workflow are, and how long the rest will take: from logs and benchmarks."""

import csv
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from monoglot import workflow
from monoglot.workflow import PlannedJob, QueuedJob, StartedJob

# What the log of a job says.

TAIL = 64_000
"""Bytes of the end of a log that are looked at."""

STEP = re.compile(r"step (\d+) of (\d+)")
SECONDS_LEFT = re.compile(r"(\d+) s left")
EPOCH = re.compile(r"epoch (\d+) of (\d+), .*?(\d+) min left")
ERROR = re.compile(r"^(?:error: |\w*(?:Error|Exception): )(.+)$", re.MULTILINE)
STOPPED = re.compile(
    r"ended by SIG\w+ before it was done|Snakemake that started this job has ended"
)


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is: `done` of `total` steps or epochs; seconds left if it has said so."""

    unit: str
    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        return f"{self.unit} {self.done} of {self.total}"


def training_progress(log: Path) -> TrainingProgress | None:
    """Return what the last line about steps or epochs says; None if there is none."""
    text = _tail(log)
    for line in reversed(text.splitlines()):
        if found := EPOCH.search(line):
            return TrainingProgress("epoch", int(found[1]), int(found[2]), 60.0 * int(found[3]))
        if found := STEP.search(line):
            # Lines about evaluations have no time; then that of the last line that has one.
            left = SECONDS_LEFT.findall(line) or SECONDS_LEFT.findall(text)
            seconds = float(left[-1]) if left else None
            return TrainingProgress("step", int(found[1]), int(found[2]), seconds)
    return None


def fault(log: Path) -> str | None:
    """Return the sentence that a failed job ends with; None if the log ends otherwise.

    A job that was asked to end, with its Snakemake or before it was done, has not failed.
    """
    found = ERROR.findall("\n".join(_tail(log).strip().splitlines()[-3:]))
    return None if not found or STOPPED.search(found[-1]) else found[-1]


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - TAIL, 0))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


# How long jobs take.

SECONDS_BETWEEN_READS = 15


@dataclass(frozen=True)
class Estimate:
    """What jobs will take.

    Attributes:
        seconds: of all jobs that anything is known of, one after another.
        longest: of the longest chain of jobs that wait for one another, in seconds.
        unknown: jobs of rules that no earlier run has timed.
    """

    seconds: float
    longest: float
    unknown: int

    def on(self, cores: int) -> float:
        """Seconds of wall time that `cores` jobs at a time need at least."""
        return max(self.longest, self.seconds / max(cores, 1))


class Times:
    """Seconds of jobs, from the benchmark files of the jobs themselves and of their like.

    A job without a file takes as long as the median of its rule and variant, or of its rule, among
    these jobs, or else as that of its rule in the results folder, from whatever configuration.
    """

    def __init__(self, jobs: Iterable[PlannedJob], folder: Path, results: str) -> None:
        jobs = list(jobs)
        self.own = {j.log: s for j in jobs if (s := _seconds(folder / j.benchmark)) is not None}
        timed = [job for job in jobs if job.log in self.own]
        self.like = {
            key: median(self.own[job.log] for job in timed if key in _kinds(job))
            for key in {kind for job in timed for kind in _kinds(job)}
        }
        rest = {job.rule for job in jobs} - {kind[0] for kind in self.like}
        benchmarks = folder / results / "benchmarks"
        self.like |= {(r,): median(found) for r in rest if (found := _of_rule(benchmarks, r))}

    def of(self, job: PlannedJob) -> float | None:
        """Return the seconds that a job takes, None if nothing is known of its like."""
        if job.log in self.own:
            return self.own[job.log]
        return next((self.like[kind] for kind in _kinds(job) if kind in self.like), None)

    def estimate(
        self, jobs: Iterable[PlannedJob], left: Mapping[str, float] | None = None
    ) -> Estimate:
        """Return what jobs will take; `left` has, by log, what running ones say of themselves."""
        jobs, known, unknown = list(jobs), dict(left or {}), 0
        for job in jobs:
            if job.log not in known:
                seconds = self.of(job)
                unknown += seconds is None
                known[job.log] = seconds or 0.0
        return Estimate(sum(known[j.log] for j in jobs), _longest_chain(jobs, known), unknown)


QUICK = ("table", "figure", "report", "card")
"""Rules that show what others have made, and take a few seconds whatever the experiment is."""
QUICK_SECONDS = 3.0
OFF = 1.25
"""By what factor a job may take longer or less long than any of its rule has taken yet."""


class Remaining:
    """Guesses how long the rest of a run takes, from the benchmarks in its results by rule.

    They are read anew now and then, as jobs end.
    """

    def __init__(self, results: Path) -> None:
        self.folder = results / "benchmarks"
        self.seconds: dict[str, list[float]] = {}
        self._read = float("-inf")

    def of(
        self, open_jobs: Mapping[str, int], running: Iterable[tuple[str, float, float | None]]
    ) -> float | None:
        """Return the seconds until all is done, if as many jobs at a time go on running.

        None where that might be off by a factor of two: a rule was never timed, a job already
        takes longer than those before it, or these took so different times that what is left may
        take twice or half as long as their mean says.

        Args:
            open_jobs: by rule, how many have not finished.
            running: of each of these that runs, the rule, the seconds since it began, and the
                seconds left if it has said so.
        """
        if time.monotonic() - self._read > SECONDS_BETWEEN_READS:
            self.seconds = {rule: _of_rule(self.folder, rule) for rule in open_jobs}
            self._read = time.monotonic()
        waiting, jobs, runs = dict(open_jobs), [], list(running)
        for rule, since, left in runs:
            if waiting.get(rule):
                waiting[rule] -= 1
                jobs.append((1, rule, since, left))
        jobs += [(count, rule, 0.0, None) for rule, count in waiting.items() if count]
        guesses = []
        for count, rule, since, left in jobs:
            quick = [QUICK_SECONDS] if rule.partition("_")[0] in QUICK else []
            times = self.seconds.get(rule) or quick
            if left is not None:
                each = [left] * 3
            elif times and since <= max(times) * OFF:
                of_rule = min(times) / OFF, fmean(times), max(times) * OFF
                each = [max(one - since, 0) for one in of_rule]
            else:
                return None
            guesses.append((count, each))
        at_a_time = max(len(runs), 1)

        def until_done(which: int) -> tuple[float, float]:
            """The least and the most that jobs can take, in whatever order (Graham 1969)."""
            longest = max((each[which] for _, each in guesses), default=0.0)
            share = sum(count * each[which] for count, each in guesses) / at_a_time
            return max(share, longest), share + longest * (1 - 1 / at_a_time)

        mean = fmean(until_done(1))
        return mean if until_done(2)[1] <= 2 * mean <= 4 * until_done(0)[0] else None


def _kinds(job: PlannedJob) -> list[tuple[str, ...]]:
    """What other jobs are like this one, the most alike first."""
    about = job.wildcards
    return [
        (job.rule, about.get("model", ""), about.get("variant", ""), about.get("task", "")),
        (job.rule, about.get("model", ""), about.get("task", "")),
        (job.rule,),
    ]


def _of_rule(benchmarks: Path, rule: str) -> list[float]:
    """Return the seconds that jobs of a rule have taken.

    A rule made from another one (`evaluate_tuned_whole`) writes where that one (`evaluate`) does.
    """
    words = rule.split("_")
    for end in range(len(words), 0, -1):
        name = "_".join(words[:end])
        files = [benchmarks / f"{name}.tsv", *(benchmarks / name).rglob("*.tsv")]
        if found := [seconds for file in files if (seconds := _seconds(file)) is not None]:
            return found
    return []


def _seconds(benchmark: Path) -> float | None:
    """Read the mean wall time of a benchmark file; None if it is not there or not whole."""
    try:
        rows = list(csv.DictReader(benchmark.read_text().splitlines(), delimiter="\t"))
        return sum(float(row["s"]) for row in rows) / len(rows)
    except (OSError, KeyError, ValueError, TypeError, ZeroDivisionError):
        return None


def _longest_chain(jobs: list[PlannedJob], seconds: Mapping[str, float]) -> float:
    makers = {output: job for job in jobs for output in job.outputs}
    ends: dict[str, float] = {}

    def end(job: PlannedJob) -> float:
        if job.log not in ends:
            above = {makers[name].log: makers[name] for name in job.inputs if name in makers}
            ends[job.log] = seconds[job.log] + max(map(end, above.values()), default=0)
        return ends[job.log]

    return max(map(end, jobs), default=0)


# The state of every job.

DONE, RUNNING, QUEUED, FAILED, MISSING = "done", "running", "queued", "failed", "missing"
STATES = (DONE, RUNNING, QUEUED, FAILED, MISSING)
ROUNDING = 1
"""Seconds that times of files may be off."""

PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"}


@dataclass(frozen=True)
class JobState:
    """A job, its state, and how far it is if it runs.

    Attributes:
        seconds: since it was started.
        seconds_left: as its log says, or as earlier runs took; None if neither is known.
        progress: `step 300 of 10000`; empty if its log does not say.
        error: of a failed job, the sentence that its log ends with.
        slurm: its number in SLURM's queue.
    """

    job: PlannedJob
    state: str
    seconds: float = 0.0
    seconds_left: float | None = None
    progress: str = ""
    error: str = ""
    slurm: str | None = None


@dataclass(frozen=True)
class WorkflowState:
    """The state of a plan.

    Attributes:
        runs: whether a Snakemake works on it, as far as can be seen from here.
        killed: whether one was killed and has left its locks.
        seconds_left: of work, one job after another; `seconds_at_least` with nothing in its way.
        unknown: jobs whose time is not known and which are not part of that.
        gone: done jobs whose files have been removed since; Snakemake makes them again only if
            something else needs them.
    """

    jobs: list[JobState]
    runs: bool
    killed: bool
    seconds_left: float
    seconds_at_least: float
    unknown: int
    gone: list[PlannedJob]

    def counts(self, jobs: Iterable[JobState] | None = None) -> dict[str, int]:
        """Return how many jobs are in each state."""
        found = [one.state for one in (self.jobs if jobs is None else jobs)]
        return {state: found.count(state) for state in STATES}


def state_of(jobs: list[PlannedJob], folder: Path, results: str, planned: float) -> WorkflowState:
    """Look at the files of a plan's jobs, whose `results` are those of the configuration.

    A plan takes seconds of Snakemake's time. This does not, and may be called again and again: a
    job that was to be done and has ended since it was `planned`, in seconds since the epoch,
    counts as done. `folder` is the one that Snakemake runs in.
    """
    since = workflow.locked_since(folder, (output for job in jobs for output in job.outputs))
    started = workflow.started(folder)
    queue = workflow.slurm_queue(folder / results / "unfinished" / "slurm_runs.txt")
    # On another machine of a cluster nothing of Snakemake is seen but its jobs in the queue.
    runs = bool(queue) or (since is not None and workflow.running_here(folder))
    times, states = Times(jobs, folder, results), []
    for job in jobs:
        mark = next((started[output] for output in job.outputs if output in started), None)
        place = _place(job, mark, queue)
        # What a killed run had started, or an earlier one, is no more under way.
        if mark and not place and not (runs and mark.since >= (since or 0) - ROUNDING):
            mark = None
        if job.done:
            states.append(JobState(job, DONE))
        elif mark:
            states.append(_under_way(job, mark, place, times, folder / job.log))
        elif _made_since(job, planned, folder):
            states.append(JobState(job, DONE))
        elif said := fault(folder / job.log):
            states.append(JobState(job, FAILED, error=said))
        else:
            states.append(JobState(job, MISSING))
    left = [one for one in states if one.state != DONE]
    said = {one.job.log: one.seconds_left for one in left if one.seconds_left is not None}
    estimate = times.estimate((one.job for one in left), said)
    killed = since is not None and not runs
    gone = [job for job in jobs if job.done and job.missing(folder)]
    seconds = (estimate.seconds, estimate.longest)
    return WorkflowState(states, runs, killed, *seconds, estimate.unknown, gone)


def _place(job: PlannedJob, mark: StartedJob | None, queue: list[QueuedJob]) -> QueuedJob | None:
    """Where a job is in the queue: by its number, or by what the plugin for SLURM says of it."""
    comment = "_".join([f"rule_{job.rule}", "wildcards", *job.wildcards.values()])
    number = mark.slurm if mark else None
    return next((one for one in queue if number == one.number or comment == one.comment), None)


def _under_way(
    job: PlannedJob, mark: StartedJob, place: QueuedJob | None, times: Times, log: Path
) -> JobState:
    number = place.number if place else mark.slurm
    if place and place.state in PENDING:
        return JobState(job, QUEUED, slurm=number)
    seconds, usual, found = max(time.time() - mark.since, 0), times.of(job), None
    if log.is_file() and log.stat().st_mtime >= mark.since - ROUNDING:
        found = training_progress(log)
    # A job that takes longer than usual takes nobody knows how much longer.
    left = usual - seconds if usual is not None and usual > seconds else None
    if found and found.seconds_left is not None:
        left = found.seconds_left
    return JobState(job, RUNNING, seconds, left, str(found or ""), slurm=number)


def _made_since(job: PlannedJob, planned: float, folder: Path) -> bool:
    """Whether all outputs of a job are there, and one is newer than the plan."""
    if job.missing(folder):
        return False
    return any((folder / output).stat().st_mtime > planned for output in job.outputs)
