"""`monoglot status` beside a run through SLURM."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from experiment import GRID, MODEL, TRAINING, Experiment

pytestmark = pytest.mark.slurm


def status(experiment: Experiment) -> dict:
    """Ask for the state of the long training's checkpoint and all behind it."""
    command = [sys.executable, "-m", "monoglot", "status", GRID, MODEL, "--json"]
    said = subprocess.run(
        command,
        cwd=experiment.folder,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.fixture
def held(training, experiment: Experiment):
    """Return a run whose training stands still, so that it does not end meanwhile."""
    processes = [process for process in psutil.process_iter() if trains(process, experiment.folder)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    yield training
    for process in processes:
        process.send_signal(signal.SIGCONT)


def trains(process: psutil.Process, folder: Path) -> bool:
    try:
        return "scripts/train.py" in process.cmdline() and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def test_a_training_in_the_queue_runs_and_says_how_far_it_is(held, experiment):
    run, number, _ = held
    state = status(experiment)
    assert state["running"] is True
    (job,) = [job for job in state["jobs"] if job["state"] != "done"]
    assert (job["rule"], job["state"], job["slurm"]) == ("train", "running", number)
    assert job["log"].endswith(f"{TRAINING}.log")
    assert job["progress"].startswith("step ")
    run.process.kill()
    run.process.wait()
    # Snakemake is dead, but its job goes on in the queue.
    assert [job["slurm"] for job in status(experiment)["jobs"] if job["slurm"]] == [number]
