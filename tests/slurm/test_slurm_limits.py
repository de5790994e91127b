"""Jobs over their memory or time are submitted again with more of it, and succeed."""

import os
import signal

import pytest
from experiment import GRID, HALF, LONG, MODEL, TRAINING

pytestmark = pytest.mark.slurm


def test_a_job_over_its_memory_gets_more(experiment, undisturbed, cluster):
    experiment.edit(GRID, "train: *small", "train: {memory: 0.3, hours: 0.2}")
    experiment.remake(HALF)
    run = experiment.start(f"{HALF}/model.safetensors")
    run.succeeds()
    *failed, last = run.jobs(cluster)
    asked = [job["ReqMem"] for job in (*failed, last)]
    assert asked == ["300M", "600M", "1200M"][: len(asked)]
    assert last["State"] == "COMPLETED"
    assert failed
    for job in failed:
        (log,) = (experiment.folder / "results/logs/slurm").rglob(f"{job['JobID']}.log")
        assert "exceeded memory limit" in log.read_text()
    assert experiment.results() == undisturbed.results()


def test_a_job_over_its_time_gets_more_and_goes_on(experiment, with_long, cluster):
    """The job hangs, as one does whose file system is away, until its minute is over."""
    experiment.edit(GRID, "train: *small", "train: {memory: 1.2, hours: 0.01}")
    experiment.remake(LONG)
    run = experiment.start(MODEL)
    run.until(lambda: "step 50 " in experiment.said(TRAINING))
    for process in cluster.processes([cluster.queue()[0][0]]):
        with open(f"/proc/{process}/cmdline") as command:
            if "scripts/train.py" in command.read().split("\0"):
                os.kill(process, signal.SIGSTOP)
    run.succeeds()
    assert [job["Timelimit"] for job in run.jobs(cluster)] == ["00:01:00", "00:02:00"]
    assert run.ends(cluster) == ["TIMEOUT", "COMPLETED"]
    assert "resumed at step" in experiment.said(TRAINING)
    assert experiment.results() == with_long.results()
