"""Jobs end with what started them: real processes, really killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from monoglot import script

ROOT = Path(__file__).parents[1]
JOB = "from monoglot import script; import time; script.run(lambda: time.sleep(60))"
SNAKEMAKE = """
import subprocess, sys
from monoglot.script import mark_jobs
mark_jobs()
# As Snakemake does, in a shell that stays in between.
subprocess.run(["bash", "-c", f"{sys.executable} -c '{sys.argv[1]}'; true"])
"""
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="it takes Linux")


@pytest.fixture
def chain():
    """A process, a shell that it started, and a job that the shell started, once it runs."""
    code = JOB.replace("time.sleep(60)", "(print(flush=True), time.sleep(60))")
    process = subprocess.Popen(
        [sys.executable, "-c", SNAKEMAKE, code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline()
    first = psutil.Process(process.pid)
    yield first, *first.children(recursive=True)
    process.kill()


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_ends_with_its_snakemake_and_with_the_shell_between(chain, victim, number):
    chain[victim].send_signal(number)
    assert not psutil.wait_procs(chain[-1:], timeout=10)[1]


def test_a_job_that_starts_too_late_does_not_start(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    namespace = os.readlink("/proc/self/ns/pid")
    job = run_job({script.STARTED_BY: f"{gone.pid} {namespace}"})
    assert (job.returncode, job.stderr) == (
        1,
        "error: the Snakemake that started this job has ended; start it again\n",
    )


@pytest.mark.parametrize("about", ["", "1 pid:[1]"])
def test_without_a_snakemake_or_in_a_container_a_job_just_runs(about):
    assert run_job({script.STARTED_BY: about}).returncode == 0


def run_job(variables):
    return subprocess.run(
        [sys.executable, "-c", JOB.replace("60", "0")],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
