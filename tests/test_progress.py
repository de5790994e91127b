"""Jobs of a plan have states and times."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from monoglot import workflow
from monoglot.progress import Remaining, Times, state_of
from tests import plans


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "running_here", lambda folder: True)


def states(folder: Path, planned: float = 0.0) -> list[str]:
    return [one.state for one in state_of(plans.plan(), folder, "out", planned).jobs]


def test_a_job_that_was_started_runs_and_says_how_far_it_is(tmp_path, running):
    train = plans.plan()[1]
    plans.start(tmp_path, train)
    plans.write(tmp_path / train.log, "12:00:00 step 300 of 1000, 99 tokens/s, 42 s left\n")
    found = state_of(plans.plan(), tmp_path, "out", 0.0)
    assert [one.state for one in found.jobs] == ["done", "running", "missing"]
    assert (found.jobs[1].progress, found.jobs[1].seconds_left) == ("step 300 of 1000", 42.0)
    assert (found.runs, found.killed, found.seconds_left) == (True, False, 42.0)


def test_a_log_of_an_earlier_run_says_nothing_of_this_one(tmp_path, running):
    train = plans.plan()[1]
    log = plans.write(tmp_path / train.log, "step 300 of 1000, 42 s left\n")
    os.utime(log, (1, 1))
    plans.start(tmp_path, train)
    assert state_of(plans.plan(), tmp_path, "out", 0.0).jobs[1].progress == ""


def test_what_a_killed_run_had_started_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "running_here", lambda folder: False)
    plans.start(tmp_path, plans.plan()[1])
    assert states(tmp_path) == ["done", "missing", "missing"]
    assert state_of(plans.plan(), tmp_path, "out", 0.0).killed


def test_what_an_earlier_run_had_started_waits_in_this_one(tmp_path, running):
    train = plans.plan()[1]
    plans.start(tmp_path, train)
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    os.utime(lock, (time.time() + 60, time.time() + 60))
    found = state_of(plans.plan(), tmp_path, "out", 0.0)
    assert ([one.state for one in found.jobs][1], found.runs) == ("missing", True)


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Let SLURM's queue hold some jobs of a run that is noted in the results."""

    def holds(*lines: str) -> None:
        plans.write(tmp_path / "out/unfinished/slurm_runs.txt", "run-1\n")
        text = "\n".join(["#!/bin/sh", "cat <<END", *lines, "END", ""])
        fake = plans.write(tmp_path / "bin/squeue", text)
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", str(fake.parent), prepend=os.pathsep)
        monkeypatch.setattr(workflow, "running_here", lambda folder: False)

    return holds


def test_jobs_that_wait_in_the_queue_of_slurm(tmp_path, squeue):
    squeue("17 PENDING a group of jobs")
    plans.start(tmp_path, plans.plan()[1], slurm="17")
    found = state_of(plans.plan(), tmp_path, "out", 0.0)
    assert (found.jobs[1].state, found.jobs[1].slurm, found.runs) == ("queued", "17", True)


def test_jobs_that_run_on_the_cluster(tmp_path, squeue):
    squeue("18 RUNNING rule_train_wildcards_xlmr_mt_kd", "19 RUNNING rule_train_wildcards_x")
    plans.start(tmp_path, plans.plan()[1])  # the Snakemake within the job knows no number
    found = state_of(plans.plan(), tmp_path, "out", 0.0)
    assert (found.jobs[1].state, found.jobs[1].slurm, found.runs) == ("running", "18", True)


def test_a_queue_that_does_not_answer_is_empty(tmp_path, squeue):
    squeue()
    (tmp_path / "bin/squeue").write_text("#!/bin/sh\nexit 1\n")
    assert workflow.slurm_queue(tmp_path / "out/unfinished/slurm_runs.txt") == []
    assert workflow.slurm_queue(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("log", "state"),
    [
        ("12:00 a line\nerror: data.tc.mt: no file; put it there\n", "failed"),
        ("Traceback\n  File\nValueError: bad\n", "failed"),
        ("error: ended by SIGTERM before it was done; start it again\n", "missing"),
        ("12:00 all well\n", "missing"),
    ],
)
def test_a_failed_job_is_known_by_its_log(tmp_path, log, state):
    plans.write(tmp_path / plans.plan()[1].log, log)
    assert states(tmp_path)[1] == state


def test_a_job_that_ended_after_the_plan_is_done(tmp_path):
    plans.finish(tmp_path, plans.plan()[1], 5)
    assert states(tmp_path, planned=time.time() - 60)[1] == "done"
    assert states(tmp_path, planned=time.time() + 60)[1] == "missing"


def test_times_of_jobs_that_wait_for_one_another(tmp_path):
    jobs = plans.plan()
    for job, seconds in zip(jobs, (2, 30, 10), strict=True):
        plans.finish(tmp_path, job, seconds)
    found = Times(jobs, tmp_path, "out").estimate(jobs)
    assert (found.seconds, found.longest, found.unknown) == (42, 40, 0)
    assert (found.on(1), found.on(8)) == (42, 40)
    assert Times(jobs, tmp_path / "none", "out").estimate(jobs).unknown == 3
    assert Times(jobs, tmp_path, "out").estimate(jobs, {jobs[1].log: 5}).seconds == 17


def test_a_job_takes_as_long_as_its_rule_took_in_other_configurations(tmp_path):
    jobs = plans.plan()
    plans.write(tmp_path / "out/benchmarks/train/mbert/sk/base.tsv", "s\n30\n")
    found = Times(jobs, tmp_path, "out").estimate(jobs)
    assert (found.seconds, found.unknown) == (30, 2)
    plans.finish(tmp_path, jobs[1], 5)
    assert Times(jobs, tmp_path, "out").estimate(jobs).seconds == 5


def test_tables_of_all_kinds_are_timed_in_one_folder(tmp_path):
    plans.write(tmp_path / "out/benchmarks/table/table1.tsv", "s\n2\n")
    assert Remaining(tmp_path / "out").of({"table_corpora": 3}, []) == 6
    assert Remaining(tmp_path / "out").of({"table_corpora": 3, "evaluate": 1}, []) is None


def test_the_rest_of_a_run_takes_as_long_as_its_rules_took(tmp_path):
    plans.finish(tmp_path, plans.plan()[1], 30)
    remaining = Remaining(tmp_path / "out")
    assert remaining.of({"train": 4, "figure": 2}, [("train", 0.0, None)] * 2) == 63 + 15 / 2
    assert remaining.of({"train": 2}, [("train", 10.0, None)]) == 50
    assert remaining.of({"train": 1}, [("train", 40.0, 25.0)]) == 25, "its log knows better"
    assert remaining.of({"train": 1}, [("train", 29.0, None)]) is None, "which nobody can tell"
    assert remaining.of({"train": 9}, [("train", 45.0, None)]) is None, "nor of its like"


SHORT = [*[("read_text", 3 + i % 2) for i in range(20)], *[("build_tokens", 8)] * 10]
TRAIN = [("train", seconds) for seconds in (700, 1100, 900, 1000)]
EVALUATE = [("evaluate", 60 + 10 * (i % 6)) for i in range(40)]
UNEVEN = [("evaluate", seconds) for seconds in (5, 6, 7, 90, 400, 600, 600)]
SHOWN = [*[("table", 2)] * 4, ("report", 5)]


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize(
    ("jobs", "least"),
    [
        ([*SHORT, *TRAIN, *EVALUATE, *SHOWN], 0.4),
        ([*SHORT, *EVALUATE, *TRAIN, *SHOWN], 0.1),
        ([*SHORT, *UNEVEN, *SHOWN], 0.0),
    ],
)
def test_an_estimate_is_right_within_a_factor_of_two_or_absent(
    tmp_path, monkeypatch, jobs, least, cores
):
    """Of runs that nothing was known of, with many short jobs first and few long ones last.

    Jobs may be much longer than all of their rule before them: as soon as one is, nothing is said.
    """
    monkeypatch.setattr("monoglot.progress.SECONDS_BETWEEN_READS", -1.0)
    free, spans = [0.0] * cores, []
    for rule, seconds in jobs:
        start = free.pop(free.index(min(free)))
        spans.append((rule, start, start + seconds))
        free.append(start + seconds)
    whole, remaining, told, written = max(free), Remaining(tmp_path), [], set()
    moments = [whole * (0.1 + 0.9 * i / 60) for i in range(60)]
    for now in moments:
        for number, (rule, start, end) in enumerate(spans):
            if end <= now and number not in written:
                file = tmp_path / f"benchmarks/{rule}/{number}.tsv"
                plans.write(file, f"s\n{end - start}\n")
                written.add(number)
        open_jobs = Counter(rule for rule, _, end in spans if end > now)
        running = [(rule, now - start, None) for rule, start, end in spans if start <= now < end]
        if (left := remaining.of(open_jobs, running)) is not None:
            told.append(left / (whole - now))
    assert all(0.5 <= ratio <= 2 for ratio in told), told
    assert len(told) >= least * len(moments)
