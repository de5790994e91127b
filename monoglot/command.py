"""What every script shares: argument parsing with readable help, and errors as one sentence."""

import argparse
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from monoglot.collection import paused
from monoglot.environment import SAY_READY
from monoglot.errors import UserError
from monoglot.faults import sentence
from monoglot.interruption import handled_by, stop
from monoglot.orphans import end_with_snakemake

IMPORTED = time.monotonic()


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser whose help shows the script's docstring and every default."""
    return argparse.ArgumentParser(description=description, formatter_class=_Formatter)


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that a flag has none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


@contextmanager
def loading() -> Iterator[None]:
    """Import a job's modules within this: no garbage collection meanwhile, nor of them later.

    What was imported is left out of later collections for good. A job of Snakemake says in its log
    how long it took to get here.
    """
    with paused():
        try:
            yield
        finally:
            gc.freeze()
    if SAY_READY in os.environ:
        logging.info("ready after %.2f s", _age())


def _age() -> float:
    """Seconds since this process began (Linux), or since this module was imported."""
    try:
        # Field 22, counted after the name in brackets, which may hold spaces: ticks since boot.
        # psutil's `create_time` is no substitute: it adds the second of the boot, a whole number.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return time.monotonic() - IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def run(main: Callable[[], None], to_lower: str = "the number of jobs at a time (--cores)") -> None:
    """Run a script's `main`; print a `UserError` as one line and exit with status 1.

    So does a request to end (SIGTERM, Ctrl-C; the end of the Snakemake that started it), unless
    `main` handles it, and what the machine lacks: disk, permissions, memory.

    Args:
        to_lower: what the user can lower if there is not enough memory.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    try:
        with handled_by(stop):
            end_with_snakemake()
            main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        if said := sentence(error, to_lower):
            sys.exit(f"error: {said}")
        raise
