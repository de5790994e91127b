"""Snakemake as a child of ours: its lines as they come, our signals passed on."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from monoglot.interruption import handled_by
from monoglot.runs.snakemake import environment


class Child:
    """A Snakemake that runs in a folder, in a process group of its own.

    Ctrl-C goes on to the whole group, as a terminal would send it, and so does the end of the
    terminal: at a SIGHUP Snakemake would leave its lock behind. SIGTERM goes to Snakemake alone,
    which then ends its jobs or waits for them as it sees fit.

    Attributes:
        interrupted: the last signal that was passed on.
    """

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self.interrupted: signal.Signals | None = None
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def lines(self, seconds: float) -> Iterator[str | None]:
        """Yield the lines as they come, and None whenever none has come for so many seconds."""
        pipe, rest = self._process.stdout, b""
        while True:
            ready, _, _ = select.select([pipe], [], [], seconds)
            if not ready:
                yield None
                continue
            found = os.read(pipe.fileno(), 65536)
            if not found:
                break
            *whole, rest = (rest + found).split(b"\n")
            yield from (line.decode("utf-8", errors="replace") for line in whole)
        if rest:
            yield rest.decode("utf-8", errors="replace")

    def wait(self) -> int:
        """Return the exit status of Snakemake when it has ended; -15 if SIGTERM has ended it."""
        return self._process.wait()

    @contextmanager
    def signals_passed_on(self) -> Iterator[None]:
        """Pass SIGINT, SIGTERM and SIGHUP on within this; at an error of ours, end Snakemake."""
        try:
            with handled_by(self._pass_on):
                yield
        except BaseException:
            self._send(signal.SIGTERM)
            raise

    def _pass_on(self, number: int, _: object) -> None:
        self.interrupted = signal.Signals(number)
        self._send(self.interrupted)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if number == signal.SIGTERM:
                os.kill(self._process.pid, number)
            else:
                os.killpg(self._process.pid, signal.SIGINT)
