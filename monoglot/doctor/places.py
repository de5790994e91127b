"""Disks and folders: room, and whether they can be written to."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from monoglot.doctor.findings import FAIL, OK, WARN, Finding

GIGABYTE = 10**9
ROOM = 1.2
"""What is free should be this much more than what is needed."""

LITTLE = 2 * GIGABYTE


def folder(name: str, path: Path, needed: int | None) -> Iterator[Finding]:
    """Say how much room a folder has, made or not, and whether it can be written to.

    Args:
        needed: bytes that a run will write there, if known.
    """
    there = _existing(path)
    free = shutil.disk_usage(there).free
    said = f"{path}: {free / GIGABYTE:.1f} GB free"
    if needed:
        said += f", {needed / GIGABYTE:.1f} GB needed"
    if fault := _cannot_write(there):
        yield Finding(name, FAIL, f"{path}: {fault}", f"Make {there} writable for yourself.")
    elif needed and free < needed:
        yield Finding(name, FAIL, said, "Free space there, or name another folder.")
    elif free < (ROOM * needed if needed else LITTLE):
        yield Finding(name, WARN, said, "That is little: free space there.")
    else:
        yield Finding(name, OK, said)


def hub_cache() -> Path:
    """Return where the Hub's files are kept."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.is_dir())


def _cannot_write(there: Path) -> str | None:
    """Write a file and take it away again; say why that is impossible."""
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".monoglot-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return None
