"""Claims on GPUs, by real processes that are killed now and then. No GPU is needed."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from monoglot.gpus import Claim, _chosen

ROOT = Path(__file__).parents[1]
SHOW = "import os, sys; print(os.environ.get('CUDA_VISIBLE_DEVICES'), flush=True); sys.stdin.read()"


class Job:
    """A job that shows its GPUs and then waits."""

    def __init__(self, folder, visible, gpus, share):
        command = [sys.executable, ROOT / "scripts/on_gpu.py", "--gpus", gpus, "--share", share]
        self.process = subprocess.Popen(
            [*map(str, command), sys.executable, "-c", SHOW],
            env=os.environ
            | {"CUDA_VISIBLE_DEVICES": visible, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._line = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        self._line = self.process.stdout.readline().strip()

    def gpus(self):
        self._reader.join(30)
        assert self._line is not None, "it still waits"
        return self._line

    def wait_until_it_waits(self):
        """Read the log line that says so."""
        said = self.process.stderr.readline()
        assert "waiting for" in said
        return said

    def waits(self):
        return self._reader.is_alive()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def job(tmp_path):
    """Return `job(gpus, share)`: a job on a machine with two GPUs."""
    started = []

    def start(gpus=1, share=100, visible="0,1"):
        started.append(Job(tmp_path, visible, gpus, share))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def test_two_trainings_get_a_gpu_each_and_a_third_waits_until_one_ends(job):
    first, second = job(), job()
    assert {first.gpus(), second.gpus()} == {"0", "1"}
    third = job()
    third.wait_until_it_waits()
    assert third.waits()
    second.kill()
    assert third.gpus() == second.gpus()


def test_waiting_is_said_once(job):
    holders = [job(), job()]
    for holder in holders:
        holder.gpus()
    third = job()
    said = third.wait_until_it_waits()
    assert "waiting for 1 of the GPUs 0, 1" in said
    for holder in holders:
        holder.kill()
    third.gpus()
    third.process.stdin.close()
    assert third.process.stderr.read() == ""


def test_small_jobs_are_packed_and_leave_a_gpu_free(job):
    small = []
    for _ in range(4):
        small.append(job(share=25))
        small[-1].gpus()
    assert {each.gpus() for each in small} == {"0"}
    assert job().gpus() == "1"
    small[0].kill()
    assert job(share=25).gpus() == "0"


def test_a_training_on_both_gpus_waits_for_both_and_is_not_overtaken(job):
    small, other = job(share=25), job()
    assert {small.gpus(), other.gpus()} == {"0", "1"}
    both = job(gpus=2, share=200)
    both.wait_until_it_waits()
    late = job(share=25)
    late.wait_until_it_waits()
    small.kill()
    other.kill()
    assert both.gpus() == "0,1"
    assert late.waits()
    both.kill()
    assert late.gpus() in ("0", "1")


def test_a_killed_waiting_job_keeps_no_gpu(job):
    first, second = job(), job()
    assert {first.gpus(), second.gpus()} == {"0", "1"}
    third = job()
    third.wait_until_it_waits()
    third.kill()
    second.kill()
    assert job().gpus() == second.gpus()


def test_shares_add_up_over_different_views_of_the_machine(job):
    assert job(visible="1").gpus() == "1"
    assert job(visible="0,1").gpus() == "0"


def test_more_gpus_than_there_are_are_refused(job):
    process = job(gpus=3, share=300).process
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("error: the job asks for 3 GPUs, but 2 can be seen")


def test_a_command_that_is_not_there_is_refused(tmp_path):
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/on_gpu.py", "no-such-command"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (
        1,
        "error: no-such-command: No such file or directory\n",
    )


def test_without_a_gpu_the_command_just_runs(job, tmp_path):
    assert job(visible="").gpus() == ""
    assert not list(tmp_path.iterdir())


def test_zero_gpus_hide_those_there_are(job):
    assert job(gpus=0, share=0).gpus() == ""


def test_jobs_of_two_slurm_jobs_do_not_compete(job, monkeypatch):
    """Each sees its own GPU under the name 0."""
    for number in ("1", "2"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        assert job(visible="0").gpus() == "0"


def claim(count, share, taken=(), among=("0", "1")):
    return Claim(count, share, among, taken)


@pytest.mark.parametrize(
    ("wanted", "others", "expected"),
    [
        (claim(1, 25), [], ("0",)),
        (claim(1, 25), [(True, claim(1, 50, ("1",)))], ("1",)),
        (claim(1, 60), [(True, claim(1, 50, ("1",)))], ("0",)),
        (claim(2, 100), [(True, claim(1, 50, ("1",)))], ()),
        (claim(1, 25), [(True, claim(1, 100))], ("1",)),
        (claim(1, 25), [(False, claim(1, 100))], ("0",)),
        (claim(1, 25), [(True, claim(2, 100))], ()),
        # The one that waits can have 1 alone.
        (claim(1, 25), [(True, claim(1, 100, among=("1",)))], ("0",)),
    ],
)
def test_the_fullest_gpu_with_room_that_no_earlier_job_waits_for(wanted, others, expected):
    assert _chosen(wanted, others) == expected
