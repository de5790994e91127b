"""Jobs of an earlier run that a SLURM cluster still has, after its Snakemake was killed.

Left alone they would write the files that the new run's jobs write. Each run therefore notes the
name that all its jobs have in the queue, and the next run into the same results cancels what is
left of it. Training saves its state on the way and goes on from there, so little work is lost.
"""

import logging
import shutil
import subprocess
import time
from math import ceil
from pathlib import Path

from monoglot.errors import UserError
from monoglot.files import whole_file
from monoglot.operations import OPERATIONS

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


# What a job asks a cluster for, and where it goes. For the Snakefile too: imports little.

MADE_AS_JOBS = {n: one for n, one in OPERATIONS.items() if one.checkpoint and not one.local}
DEFAULTS = {
    "build_tokens": {"memory": 8, "hours": 4},
    **{n: {"memory": one.memory, "hours": one.hours} for n, one in MADE_AS_JOBS.items()},
    "evaluate": {"memory": 16, "hours": 4},
    "score": {"memory": 8, "hours": 1},
    "baseline": {"memory": 8, "hours": 1},
    "export_onnx": {"memory": 16, "hours": 1},
    "score_onnx": {"memory": 16, "hours": 4},
    "deploy": {"memory": 32, "hours": 4},
}
"""Gigabytes and hours of a first attempt, by rule, with room for the models of the paper."""

ON_GPUS = (*(name for name, one in MADE_AS_JOBS.items() if one.gpu), "evaluate", "score", "deploy")


def memory_mb(config: dict, rule: str, attempt: int) -> int:
    """Return the megabytes that a job of `rule` asks for: twice as much in each further attempt."""
    return ceil(1000 * _asked(config, rule, "memory", attempt))


def minutes(config: dict, rule: str, attempt: int) -> int:
    """Return the minutes that a job of `rule` asks for: twice as many in each further attempt."""
    return ceil(60 * _asked(config, rule, "hours", attempt))


def place(config: dict, rule: str) -> dict[str, str | int]:
    """Return account and partition of jobs of `rule`, under the names that Snakemake's plugin has.

    Also that each is on one node, however many GPUs it has.
    """
    slurm = config["slurm"]
    partition = slurm.get("partition")
    if rule in ON_GPUS:
        partition = slurm.get("gpu_partition", partition)
    named = {"slurm_account": slurm.get("account"), "slurm_partition": partition}
    return {"nodes": 1} | {name: value for name, value in named.items() if value}


def _asked(config: dict, rule: str, key: str, attempt: int) -> float:
    resources = config["resources"]
    first = resources.get(rule, {}).get(key, DEFAULTS[rule][key])
    most = max(resources["most"].get(key, float("inf")), first)
    return min(first * 2 ** (attempt - 1), most)
