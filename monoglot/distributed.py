"""A script as several processes on this machine that work together and end together.

`torchrun` does the same, but reports a failure as a page of tracebacks, and its processes outlive
it when it is killed. Each process finds out from the variables that both set (RANK, WORLD_SIZE and
so on) which one it is.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import BinaryIO

from monoglot.errors import UserError
from monoglot.script import Handler, handled_by

SECONDS_TO_END = 3
STARTED = "MONOGLOT_STARTED_TOGETHER"


def together(count: int) -> bool:
    """Run this script as `count` processes; return true in each of them, false in the one that
    started them, once they have ended.

    Ending the starting process ends the others, however it is ended.

    Raises:
        UserError: one of them was killed; the others are ended.
        SystemExit: one of them failed, and has said why; the others are ended.
    """
    if STARTED in os.environ:
        _join()
        return True
    if count == 1 or "WORLD_SIZE" in os.environ:
        return True
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    workers: list[_Worker] = []
    try:
        with handled_by(_passed_on_to(workers, count)):
            workers += (_Worker(rank, count, port) for rank in range(count))
            failed = _first_to_fail(workers)
            if failed:
                _wait(workers)
                # Often all fail for the same reason; then the first one has said it.
                heard = (workers[0].status or 0) > 0
    finally:
        _end(workers)
    if failed:
        _report(failed, len(workers), heard)
    return False


class _Worker:
    """A process. What the first one logs is seen at once, what others say only if they fail."""

    def __init__(self, rank: int, count: int, port: int) -> None:
        self.rank = rank
        self.said: BinaryIO | None = tempfile.TemporaryFile() if rank else None  # noqa: SIM115
        threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        variables = {
            **{"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count},
            **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, STARTED: 1},
            "OMP_NUM_THREADS": max(1, threads // count),
        }
        self.process = subprocess.Popen(
            [sys.executable, *sys.argv],
            env=os.environ | {name: str(value) for name, value in variables.items()},
            stdin=subprocess.PIPE,  # its end tells a worker that this process has ended
            stderr=self.said,
            close_fds=False,  # a claim on GPUs is held until all have ended
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others
        )

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self.process.poll()


def _join() -> None:
    """Let this process end when the one that started it does, and only the first one log."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    if os.environ["RANK"] != "0":
        logging.getLogger().setLevel(logging.WARNING)


def _end_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _first_to_fail(workers: list[_Worker]) -> _Worker | None:
    """Wait for all to end well (None), or for one that does not."""
    running = list(workers)
    while running:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for worker in running:
            if worker.status:
                return worker
        running = [worker for worker in running if worker.status is None]
    return None


def _wait(workers: list[_Worker]) -> None:
    """Give those that run a moment to end by themselves."""
    until = time.monotonic() + SECONDS_TO_END
    for worker in workers:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(max(0.0, until - time.monotonic()))


def _end(workers: list[_Worker]) -> None:
    """End those that still run, who need not say so."""
    for worker in workers:
        worker.process.stdin.close()
    _wait(workers)
    for worker in workers:
        if worker.status is None:
            worker.process.kill()
            worker.process.wait()


def _report(failed: _Worker, count: int, heard: bool) -> None:
    if failed.status < 0:
        name = signal.Signals(-failed.status).name
        raise UserError(
            f"process {failed.rank + 1} of {count} was ended by {name}, so the others were "
            "ended too; start again to go on from the last saved state"
        )
    if failed.said and not heard:
        failed.said.seek(0)
        sys.stderr.write(failed.said.read().decode(errors="replace"))
    sys.exit(failed.status)


def _passed_on_to(workers: list[_Worker], count: int) -> Handler:
    """Make a handler that asks the workers to end, who may first save what they have done.

    Before all have started there is nothing to save, and a second Ctrl-C is somebody who does not
    want to wait: then they are ended.
    """
    asked = False

    def stop(number: int, _: object) -> None:
        nonlocal asked
        if len(workers) < count or (asked and number == signal.SIGINT):
            sys.exit(128 + number)
        asked = True
        for worker in workers:
            worker.process.terminate()

    return stop
