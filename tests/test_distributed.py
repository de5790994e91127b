"""Several processes as one: they end together, whatever ends one of them."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

START = (
    "import os, sys, time; from monoglot import script; from monoglot.distributed import together"
)
LAST = "main = lambda: together(3) and work(int(os.environ['RANK']))\nscript.run(main)"


@pytest.fixture
def started(tmp_path):
    """Return `started(work)`: runs Python lines as three processes, `rank` being known to them."""
    processes = []

    def start(*work):
        lines = "\n".join(f"    {line}" for line in work)
        script = tmp_path / "script.py"
        script.write_text(f"{START}\ndef work(rank):\n{lines}\n{LAST}\n")
        environment = {k: v for k, v in os.environ.items() if k not in ("WORLD_SIZE", "RANK")}
        process = subprocess.Popen(
            [sys.executable, script],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "6"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()


def children(process, count=3):
    """The processes it started, once they are all at work (each then makes a file)."""
    parent = psutil.Process(process.pid)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = parent.children()
        if len(found) == count:
            return found
        time.sleep(0.05)
    raise AssertionError("they did not start")


def at_work(folder, count=3):
    until = time.monotonic() + 30
    while len(list(folder.glob("at_work*"))) < count:
        assert time.monotonic() < until, "they did not come to work"
        time.sleep(0.05)


SLEEP = ("open(f'at_work{rank}', 'w').close()", "time.sleep(60)")


def test_each_knows_its_rank_and_shares_the_threads(started):
    process = started(
        "told = [str(rank), os.environ['WORLD_SIZE'], os.environ['OMP_NUM_THREADS']]",
        r"os.write(1, (' '.join(told) + '\n').encode())",
    )
    said, _ = process.communicate(timeout=30)
    assert sorted(said.splitlines()) == ["0 3 2", "1 3 2", "2 3 2"]
    assert process.returncode == 0


def test_one_that_fails_ends_the_others_and_is_heard(started):
    process = started("if rank == 1: sys.exit('error: no luck')", "time.sleep(60)")
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (1, "error: no luck\n")


def test_what_all_fail_for_is_said_once(started):
    process = started("sys.exit('error: no luck')")
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (1, "error: no luck\n")


def test_only_the_first_logs(started):
    process = started("import logging", "logging.info('here is %d', rank)")
    _, said = process.communicate(timeout=30)
    assert said.count("here is") == 1
    assert "here is 0" in said


def test_one_that_is_killed_ends_the_others_with_one_sentence(started, tmp_path):
    process = started(*SLEEP)
    at_work(tmp_path)
    workers = children(process)
    workers[2].kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "was ended by SIGKILL, so the others were ended too" in said
    assert len(said.splitlines()) == 1
    assert not psutil.wait_procs(workers, timeout=10)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ending_the_one_that_started_them_leaves_no_orphans(started, tmp_path, number):
    process = started(*SLEEP)
    at_work(tmp_path)
    workers = children(process)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    if number == signal.SIGKILL:
        assert (process.returncode, said) == (-9, "")
    else:
        expected = "error: ended by SIGTERM before it was done; start it again\n"
        assert (process.returncode, said) == (1, expected)
    assert not psutil.wait_procs(workers, timeout=10)[1]
