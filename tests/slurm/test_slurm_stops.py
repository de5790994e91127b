"""Jobs that are cancelled, queued again or preempted, and Snakemake itself killed meanwhile."""

import signal

import pytest
from experiment import GRID, MODEL, RESULTS, TRAINING

pytestmark = pytest.mark.slurm


def test_a_cancelled_job_is_submitted_again_and_goes_on(training, experiment, with_long, cluster):
    run, job, _ = training
    cluster.ask("scancel", job)
    run.succeeds()
    assert run.ends(cluster) == ["CANCELLED", "COMPLETED"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_a_job_that_is_queued_again_goes_on(training, experiment, with_long, cluster):
    run, job, _ = training
    cluster.ask("scontrol", "requeue", job)
    run.succeeds()
    assert {found["JobID"] for found in run.jobs(cluster)} == {job}
    assert run.ends(cluster) == ["REQUEUED", "COMPLETED"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_a_preempted_job_makes_room_and_goes_on(training, experiment, with_long, cluster):
    run, job, node = training
    urgent = ("sbatch", "--parsable", "--partition=urgent", f"--nodelist={node}", "--exclusive")
    cluster.ask(*urgent, "--output=/dev/null", "--time=1", "--wrap=sleep 5")
    run.succeeds()
    assert {found["JobID"] for found in run.jobs(cluster)} == {job}
    assert run.ends(cluster) == ["PREEMPTED", "COMPLETED"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_jobs_of_a_killed_run_are_cancelled_by_the_next(training, experiment, with_long, cluster):
    killed, job, _ = training
    killed.process.kill()
    killed.process.wait()
    assert [found[:2] for found in cluster.queue()] == [[job, "RUNNING"]]

    refused = experiment.start(MODEL)
    assert refused.process.wait(120) == 1
    assert "--unlock" in refused.output
    assert experiment.snakemake("--configfile", GRID, "--unlock").returncode == 0

    run = experiment.start(MODEL)
    assert f"cancelled a SLURM job of an earlier run: {job} (rule_train" in run.succeeds()
    (before,), (after,) = killed.jobs(cluster), run.jobs(cluster)
    assert before["State"].startswith("CANCELLED")
    assert before["End"] <= after["Start"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_an_interrupted_run_takes_its_jobs_with_it(training, experiment, with_long, cluster):
    interrupted, _, _ = training
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.process.wait(120) != 0
    run = experiment.start(MODEL)
    run.succeeds()
    assert interrupted.ends(cluster) == ["CANCELLED"]
    assert run.ends(cluster) == ["COMPLETED"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()


def test_a_group_that_is_cancelled_is_submitted_again(experiment, with_long, cluster):
    for made in ("scores/mbert/qaa/half", "scores/mbert/qaa/trimmed", "tables"):
        experiment.remake(f"{RESULTS}/{made}")
    run = experiment.start()
    run.until(lambda: experiment.said("evaluate/mbert/qaa/half/tc"))
    cluster.ask("scancel", cluster.queue()[0][0])
    run.succeeds()
    assert run.ends(cluster) == ["CANCELLED", "COMPLETED"]
    assert experiment.results() == with_long.results()
