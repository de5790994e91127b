"""A job ends when what started it does: Snakemake, and the shells in between.

A killed Snakemake leaves its jobs running. The next one would start the same jobs beside them, and
what the old ones still write might replace newer results.
"""

import os
import select
import signal
import sys
import threading
import time

STARTED_BY = "MONOGLOT_STARTED_BY"
"""Process id and process namespace of the Snakemake that jobs belong to."""

SECONDS_TO_SAVE = 120


def mark_jobs() -> None:
    """Let jobs that inherit this process's environment end with this process (Linux)."""
    if hasattr(os, "pidfd_open"):
        os.environ[STARTED_BY] = f"{os.getpid()} {_namespace()}"


def end_with_snakemake() -> None:
    """End this process, by SIGTERM, as soon as a process between it and its Snakemake has ended.

    One that no Snakemake has started, or one in a container, goes on.
    """
    first, _, namespace = os.environ.get(STARTED_BY, "").partition(" ")
    if not first or namespace != _namespace() or int(first) == os.getpid():
        return
    try:
        chain = _ancestors(int(first))
        watched = [os.pidfd_open(pid) for pid in chain]
        alive = _ancestors(int(first)) == chain
    except (OSError, ValueError):
        alive = False
    if not alive:
        sys.exit("error: the Snakemake that started this job has ended; start it again")
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: list[int]) -> None:
    poll = select.poll()
    for process in watched:
        poll.register(process, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_SAVE)
    os._exit(1)


def _ancestors(first: int) -> list[int]:
    """Return the processes above this one, up to `first`; raise ValueError if it is not there."""
    import psutil  # which jobs that no Snakemake has started need not pay for

    found = [process.pid for process in psutil.Process().parents()]
    return found[: found.index(first) + 1]


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
