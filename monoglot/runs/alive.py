"""What a run of Snakemake is at: its locks, the jobs it has started, SLURM's queue."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(".snakemake", "locks")
STARTED = Path(".snakemake", "incomplete")
SECONDS = 20


@dataclass(frozen=True)
class Started:
    """A job that Snakemake has started: when (seconds since the epoch), and its SLURM number.

    Once a job of SLURM runs, the Snakemake within it writes this anew, without the number.
    """

    since: float
    slurm: str | None


@dataclass(frozen=True)
class Queued:
    """A job in SLURM's queue: its number, its state, and what the plugin says of it."""

    number: str
    state: str
    comment: str


def started(folder: Path) -> dict[str, Started]:
    """Return, by output file, the jobs that were started in a folder and have not ended.

    Jobs of a Snakemake that was killed are among them.
    """
    root = folder / STARTED
    found = {}
    for path in root.rglob("*"):
        try:
            # A long name is cut into folders, whose names begin with an @.
            parts = path.relative_to(root).parts
            name = base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts))
            number = json.loads(path.read_text())["external_jobid"]
            found[name.decode()] = Started(path.stat().st_mtime, number)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a folder, or a file that is being written or has just gone
    return found


def locked_since(folder: Path, outputs: Iterable[str]) -> float | None:
    """Return when a Snakemake began that runs, or was killed, and holds any of the outputs.

    In seconds since the epoch; None if there is none.
    """
    wanted, found = set(outputs), []
    for lock in (folder / LOCKS).glob("*.output.lock"):
        try:
            if not wanted.isdisjoint(lock.read_text().splitlines()):
                found.append(lock.stat().st_mtime)
        except OSError:
            continue
    return max(found, default=None)


def running_here(folder: Path) -> bool | None:
    """Whether a Snakemake of this user runs in a folder on this machine; None if unknown."""
    if not Path("/proc/self/cwd").exists():
        return None
    return any(_is_snakemake(process, folder) for process in Path("/proc").glob("[0-9]*"))


def _is_snakemake(process: Path, folder: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        is_it = any(Path(os.fsdecode(word)).name == "snakemake" for word in words[:4])
        plans = {b"-n", b"--dry-run", b"--dryrun", b"--summary"} & set(words)
        return is_it and not plans and os.path.samefile(os.readlink(process / "cwd"), folder)
    except OSError:
        return False


def slurm_queue(notes: Path) -> list[Queued]:
    """Return the jobs in SLURM's queue of the runs whose names `notes` holds; none without SLURM.

    See `monoglot.slurm_jobs`, which writes the notes.
    """
    names = notes.read_text().split() if notes.is_file() else []
    if not names or not shutil.which("squeue"):
        return []
    words = ["squeue", "--noheader", f"--name={','.join(names)}", "--format=%A %T %k"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    parts = (line.split(maxsplit=2) for line in said.splitlines())
    return [Queued(*part) for part in parts if len(part) == 3]
