"""Kills Snakemake and its jobs at random moments, and starts it again as its messages say."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psutil

from tests.kills.project import GRID, Grid

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST_PAUSE = 6.0
SECONDS_TO_END = 30
TIMEOUT = 1800
SAVE_EVERY = {"MONOGLOT_SAVE_EVERY": "0.5"}


class Killer:
    """Kills until there were `kills`, counted in `counts` by victim and signal."""

    def __init__(self, seed: int, kills: int) -> None:
        self.random = random.Random(seed)
        self.left = kills
        self.counts: Counter[str] = Counter()
        self.restarts = self.unlocked = 0

    def finish(self, grid: Grid) -> None:
        """Run a grid to its end, however often it takes."""
        while not self._run(grid):
            self.restarts += 1
            if "--unlock" in grid.screen:
                # The message says how to remove the lock of a Snakemake that was killed.
                unlocked = grid.snakemake("--configfile", GRID, "--unlock")
                assert unlocked.returncode == 0, unlocked.stdout
                self.unlocked += 1
            assert "--rerun-incomplete" not in grid.screen, grid.screen

    def _run(self, grid: Grid) -> bool:
        process = grid.start(**SAVE_EVERY)
        until = time.monotonic() + TIMEOUT
        while process.poll() is None:
            assert time.monotonic() < until, grid.screen
            wait(self.random.uniform(0.2, LONGEST_PAUSE), lambda: process.poll() is not None)
            if self.left and process.poll() is None:
                self._kill(process)
        return process.returncode == 0

    def _kill(self, process) -> None:
        number = self.random.choice(SIGNALS)
        snakemake = psutil.Process(process.pid)
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            jobs = snakemake.children(recursive=True)
            if not jobs and self.random.random() < 0.8:
                return  # it is starting: a victim too, but not every time
            if not jobs or self.random.random() < 0.3:
                if number == signal.SIGINT:
                    os.killpg(process.pid, number)  # as Ctrl-C in a terminal does
                else:
                    snakemake.send_signal(number)
                self._count("Snakemake", number)
                if number == signal.SIGKILL:
                    gone(jobs)
            else:
                self.random.choice(jobs).send_signal(number)
                self._count("a job", number)

    def _count(self, victim: str, number: signal.Signals) -> None:
        self.left -= 1
        self.counts[f"{victim} {number.name}"] += 1

    def report(self) -> str:
        """Say what was survived."""
        total = sum(self.counts.values())
        by_kind = ", ".join(f"{kind} {n}" for kind, n in sorted(self.counts.items()))
        return (
            f"{total} kills survived ({by_kind}); {self.restarts} restarts, "
            f"{self.unlocked} of them after --unlock"
        )


def wait(seconds: float, enough: Callable[[], bool]) -> None:
    """Wait some seconds, or until it is enough."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not enough():
        time.sleep(0.05)


def gone(jobs: list[psutil.Process]) -> None:
    """Check that processes have ended soon."""
    alive = psutil.wait_procs(jobs, timeout=SECONDS_TO_END)[1]
    alive = [job for job in alive if job.status() != psutil.STATUS_ZOMBIE]
    assert not alive, [job.cmdline() for job in alive]
