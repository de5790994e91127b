"""How long jobs take, from the benchmarks of earlier runs."""

import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from monoglot.runs.jobs import Job

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

    def __init__(self, jobs: Iterable[Job], folder: Path, results: str) -> None:
        jobs = list(jobs)
        self.own = {j.log: s for j in jobs if (s := _seconds(folder / j.benchmark)) is not None}
        timed = [job for job in jobs if job.log in self.own]
        self.like = {
            key: median(self.own[job.log] for job in timed if key in _kinds(job))
            for key in {kind for job in timed for kind in _kinds(job)}
        }
        rest = {job.rule for job in jobs} - {kind[0] for kind in self.like}
        benchmarks = folder / results / "benchmarks"
        self.like |= {(r,): s for r in rest if (s := _of_rule(benchmarks, r)) is not None}

    def of(self, job: Job) -> float | None:
        """Return the seconds that a job takes, None if nothing is known of its like."""
        if job.log in self.own:
            return self.own[job.log]
        return next((self.like[kind] for kind in _kinds(job) if kind in self.like), None)

    def estimate(self, jobs: Iterable[Job], left: Mapping[str, float] | None = None) -> Estimate:
        """Return what jobs will take; `left` has, by log, what running ones say of themselves."""
        jobs, known, unknown = list(jobs), dict(left or {}), 0
        for job in jobs:
            if job.log not in known:
                seconds = self.of(job)
                unknown += seconds is None
                known[job.log] = seconds or 0.0
        return Estimate(sum(known[j.log] for j in jobs), _longest_chain(jobs, known), unknown)


class Remaining:
    """Guesses how long the rest of a run takes, from the benchmarks in its results by rule.

    They are read anew now and then, as jobs end.
    """

    def __init__(self, results: Path) -> None:
        self.folder = results / "benchmarks"
        self.seconds: dict[str, float] = {}
        self._read = float("-inf")

    def of(self, open_jobs: Mapping[str, int], at_a_time: int) -> tuple[float, int]:
        """Return the seconds that jobs, counted by rule, need, and how many were never timed."""
        if time.monotonic() - self._read > SECONDS_BETWEEN_READS:
            found = {rule: _of_rule(self.folder, rule) for rule in open_jobs}
            self.seconds = {rule: s for rule, s in found.items() if s is not None}
            self._read = time.monotonic()
        known = sum(count * self.seconds.get(rule, 0) for rule, count in open_jobs.items())
        unknown = sum(n for r, n in open_jobs.items() if r not in self.seconds)
        return known / max(at_a_time, 1), unknown


def _kinds(job: Job) -> list[tuple[str, ...]]:
    """What other jobs are like this one, the most alike first."""
    about = job.wildcards
    return [
        (job.rule, about.get("model", ""), about.get("variant", ""), about.get("task", "")),
        (job.rule, about.get("model", ""), about.get("task", "")),
        (job.rule,),
    ]


def _of_rule(benchmarks: Path, rule: str) -> float | None:
    """Return the median of a rule's benchmarks; None if there are none.

    A rule that is another one in most (`table_corpora`) writes where that one does (`table`).
    """
    words = rule.split("_")
    for end in range(len(words), 0, -1):
        name = "_".join(words[:end])
        files = [benchmarks / f"{name}.tsv", *(benchmarks / name).rglob("*.tsv")]
        if found := [seconds for file in files if (seconds := _seconds(file)) is not None]:
            return median(found)
    return None


def _seconds(benchmark: Path) -> float | None:
    """Read the mean wall time of a benchmark file; None if it is not there or not whole."""
    try:
        rows = list(csv.DictReader(benchmark.read_text().splitlines(), delimiter="\t"))
        return sum(float(row["s"]) for row in rows) / len(rows)
    except (OSError, KeyError, ValueError, TypeError, ZeroDivisionError):
        return None


def _longest_chain(jobs: list[Job], seconds: Mapping[str, float]) -> float:
    makers = {output: job for job in jobs for output in job.outputs}
    ends: dict[str, float] = {}

    def end(job: Job) -> float:
        if job.log not in ends:
            above = {makers[name].log: makers[name] for name in job.inputs if name in makers}
            ends[job.log] = seconds[job.log] + max(map(end, above.values()), default=0)
        return ends[job.log]

    return max(map(end, jobs), default=0)
