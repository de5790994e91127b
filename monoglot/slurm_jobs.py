"""Jobs of an earlier run that a SLURM cluster still has, after its Snakemake was killed.

Left alone they would write the files that the new run's jobs write. Each run therefore notes the
name that all its jobs have in the queue, and the next run into the same results cancels what is
left of it. Training saves its state on the way and goes on from there, so little work is lost.
"""

import logging
import shutil
import subprocess
import time
from pathlib import Path

from monoglot.errors import UserError
from monoglot.files import whole_file

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 1
SECONDS_TO_END = 300


def note_run(notes: Path, name: str) -> None:
    """Add a run to the file of those that may have jobs in the queue."""
    _write(notes, [*_noted(notes), name])


def stop_earlier_runs(notes: Path) -> list[str]:
    """Cancel the jobs that runs noted in `notes` left behind, wait for their end, return them.

    Where there is no SLURM nothing is done.

    Raises:
        UserError: they do not end, or SLURM does not answer.
    """
    names = _noted(notes)
    if not names or not shutil.which("squeue"):
        return []
    try:
        if found := _queued(names):
            _call("scancel", *found)
            _wait_for_end(names)
    except _NoAnswerError as error:
        raise UserError(
            f"{error}; so jobs of an earlier run may still write what this run writes: start it "
            f"again when SLURM answers, or remove {notes} if you know that there are none"
        ) from None
    _write(notes, [])
    return [f"{job} ({about})" for job, about in found.items()]


class _NoAnswerError(Exception):
    """SLURM does not answer."""


def _wait_for_end(names: list[str]) -> None:
    end = time.monotonic() + SECONDS_TO_END
    while left := _queued(names):
        if time.monotonic() > end:
            raise UserError(
                f"the SLURM jobs {', '.join(left)} of an earlier run, which was killed, do not "
                "end, and would write what this run writes; start it again when they are gone"
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _queued(names: list[str]) -> dict[str, str]:
    """Return the jobs in the queue that have one of these names: by number, what they are."""
    listed = _call("squeue", "--noheader", f"--name={','.join(names)}", "--format=%A %k")
    return dict(line.split(maxsplit=1) for line in listed.splitlines() if line)


def _call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise _NoAnswerError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def _noted(notes: Path) -> list[str]:
    return notes.read_text().split() if notes.is_file() else []


def _write(notes: Path, names: list[str]) -> None:
    with whole_file(notes) as aside:
        aside.write_text("".join(f"{name}\n" for name in names))
