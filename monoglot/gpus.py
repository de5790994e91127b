"""The GPUs of this machine, and how jobs divide them. For the Snakefile too: imports little."""

import fcntl
import json
import logging
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from monoglot.errors import UserError

WHOLE = 100
"""Shares of a GPU are per cent."""

SMALL_JOB_GIGABYTES = 16
"""Memory of a GPU for one job that trains adapters."""

MOST_SMALL_JOBS = 5
"""More at a time on one GPU only wait for each other."""


def visible() -> list[str]:
    """Return the GPUs this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        devices = [f for f in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", f.name)]
        return [str(number) for number in range(len(devices))]
    names = [name.strip() for name in named.split(",")]
    # As CUDA does: the first name of no device ends the list.
    end = next((i for i, n in enumerate(names) if n in ("", "-1", "NoDevFiles")), len(names))
    return names[:end]


def small_job_share() -> int:
    """Return the share of a GPU that a job which trains adapters asks for, by the GPU's memory.

    Of several GPUs the smallest counts; where `nvidia-smi` tells nothing, two jobs share one.
    """
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        gigabytes = min(float(line) for line in told.stdout.splitlines()) / 1024
        jobs = int(gigabytes // SMALL_JOB_GIGABYTES)
    except (OSError, ValueError, subprocess.SubprocessError):
        jobs = 2
    return WHOLE // min(max(jobs, 1), MOST_SMALL_JOBS)


log = logging.getLogger(__name__)


# Which GPU a job gets: jobs of one user on one machine claim them, whole or in shares.
#
# A claim is a file that its process keeps locked; it ends with the process, however that ends. All
# claims are looked at and made under one more lock, and a job takes all it needs at once, so jobs
# cannot wait for each other in a circle. The fullest GPU that has room is taken first, so that
# whole ones stay free. Who waits longer goes first: GPUs are kept for it, the least used ones.

SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Claim:
    """A share, in per cent, of each of `count` GPUs out of `among`; `taken` once it has them."""

    count: int
    share: int
    among: tuple[str, ...]
    taken: tuple[str, ...] = ()


def claim(count: int, share: int, folder: Path | None = None) -> list[str]:
    """Wait for GPUs and return their names; they are this process's until it ends.

    What the process becomes by `exec` holds them too, and so do children that it lets inherit
    its files.

    Args:
        count: how many.
        share: per cent of each.
        folder: where claims are; by default one of this user's (and, within a SLURM job, which
            has GPUs of its own under names that other jobs use too, of this job's).

    Raises:
        UserError: fewer are visible.
    """
    among = tuple(visible())
    if count > len(among):
        raise UserError(
            f"the job asks for {count} GPUs, but {len(among)} can be seen; "
            "give `processes` of its variant, or CUDA_VISIBLE_DEVICES, accordingly"
        )
    wanted = Claim(count, min(share, WHOLE), among)
    folder = _claims(folder)
    with _alone(folder):
        number = max((int(path.stem) for path in folder.glob("*.json")), default=0) + 1
        file = _made(folder / f"{number:012d}.json", wanted)
    waiting = False
    while True:
        with _alone(folder):
            if taken := _chosen(wanted, _live(folder, file)):
                _write(file, replace(wanted, taken=taken))
                return list(taken)
        if not waiting:
            log.info("waiting for %d of the GPUs %s", count, ", ".join(among))
            waiting = True
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _chosen(wanted: Claim, others: list[tuple[bool, Claim]]) -> tuple[str, ...]:
    """Return the GPUs for a claim; none if it has to wait.

    Args:
        others: the live claims, each with whether it was made earlier.
    """
    used = dict.fromkeys(wanted.among, 0)
    for _, other in others:
        for name in other.taken:
            used[name] = used.get(name, 0) + other.share
    kept: set[str] = set()
    for earlier, other in others:
        if earlier and not other.taken:
            open_ones = [name for name in other.among if name not in kept]
            kept |= set(sorted(open_ones, key=lambda name: used.get(name, 0))[: other.count])
    room = [n for n in wanted.among if n not in kept and used[n] + wanted.share <= WHOLE]
    if len(room) < wanted.count:
        return ()
    return tuple(sorted(room, key=lambda name: -used[name])[: wanted.count])


def _live(folder: Path, own: IO[str]) -> list[tuple[bool, Claim]]:
    """Return the claims of others, by age, and whether each is older; remove those of the dead."""
    found, older = [], True
    for path in sorted(folder.glob("*.json")):
        if path.name == Path(own.name).name:
            older = False
            continue
        with open(path, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                about = json.load(file)
                lists = {key: tuple(about[key]) for key in ("among", "taken")}
                found.append((older, Claim(**about | lists)))
    return found


def _made(path: Path, wanted: Claim) -> IO[str]:
    """Make the file of a claim and lock it for the rest of this process."""
    file = open(path, "w", encoding="utf-8")  # noqa: SIM115
    fcntl.flock(file, fcntl.LOCK_EX)
    os.set_inheritable(file.fileno(), True)
    _held.append(file)
    _write(file, wanted)
    return file


_held: list[IO[str]] = []
"""Open files of this process's claims; closing one would give up the claim."""


def _write(file: IO[str], about: Claim) -> None:
    file.seek(0)
    file.truncate()
    json.dump(asdict(about), file)
    file.flush()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _claims(folder: Path | None) -> Path:
    """Make the folder of claims if it is not there; in a shared place it must be this user's."""
    if folder is None:
        job = os.environ.get("SLURM_JOB_ID")
        name = f"monoglot-gpus-{os.getuid()}" + (f"-{job}" if job else "")
        folder = Path(tempfile.gettempdir(), name)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to somebody else; set TMPDIR to a folder of your own")
    return folder
