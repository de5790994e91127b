"""Files that are whole or absent: everything is written aside and moved into place."""

import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from monoglot.errors import UserError

SUFFIX = ".aside"


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; move it to `path` if the block succeeds."""
    path = Path(path)
    with _aside(path, _new_file) as aside:
        yield aside
        aside.chmod(0o666 & ~_umask())
        _to_disk(aside)
        os.replace(aside, path)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield a folder beside `path` to write into; move its files into `path` if the block succeeds.

    Files already in `path` under other names stay. The files arrive in alphabetical order, each
    by one rename.
    """
    path = Path(path)
    with _aside(path, tempfile.mkdtemp) as aside:
        yield aside
        path.mkdir(exist_ok=True)
        files = sorted(aside.iterdir())
        for file in files:
            _to_disk(file)
        for file in files:
            os.replace(file, path / file.name)


def kept_as(file: Path) -> Path:
    """Return the second name of a file that is about to be made again, see `monoglot.standing`."""
    return file.parent / ".kept" / file.name


def let_go(files: Iterable[Path]) -> None:
    """Remove what is kept of files: new ones are whole, or the old ones are back."""
    for place in map(kept_as, files):
        with suppress(OSError):
            place.unlink()
            place.parent.rmdir()  # if it was the last


def try_out(path: str | Path) -> None:
    """Raise OSError if nothing can be written to `path`, which stays as it is."""
    path = Path(path)
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        with _aside(path, tempfile.mkdtemp):
            pass
    finally:
        for folder in missing:
            with suppress(OSError):  # another process has begun to use it
                folder.rmdir()


@contextmanager
def _aside(path: Path, make: Callable[..., str]) -> Iterator[Path]:
    """Yield a new file or folder beside `path`, locked while it is in use; remove it afterwards.

    Those that killed processes have left of the same path are removed: nobody has them locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        with suppress(OSError):  # without locks nobody knows whose it is
            if lock := _locked(left):
                _remove(left)
                os.close(lock)
    lock = None
    while lock is None:  # another process may just have taken it for left behind
        aside = Path(make(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX))
        lock = _held(aside)
    try:
        yield aside
    finally:
        _remove(aside)
        os.close(lock)


@contextmanager
def alone(path: Path, seconds: float = 0) -> Iterator[bool]:
    """Lock a file or folder; yield True if we hold the lock, or if the file system has no locks.

    The lock ends with the block or with the process, however that ends.

    Args:
        seconds: how long to wait for who holds it and may be just ending.
    """
    until = time.monotonic() + seconds
    while (lock := _held(path)) is None and time.monotonic() < until:
        time.sleep(0.1)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _held(path: Path) -> int | None:
    """Return what `_locked` does; where a disk knows no locks, the path is open without one."""
    try:
        return _locked(path)
    except OSError:
        return os.open(path, os.O_RDONLY)


def _locked(path: Path) -> int | None:
    """Open and lock a file or folder; None if another process has it locked or it is gone.

    Raises OSError on a disk that knows no locks.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    if path.exists():
        return handle
    os.close(handle)
    return None


def _new_file(**about: object) -> str:
    handle, name = tempfile.mkstemp(**about)
    os.close(handle)
    return name


def _to_disk(file: Path) -> None:
    """Have a file's bytes on the disk before its name says so, or learn that the disk is full."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def read_json(path: str | Path, remedy: str) -> Any:
    """Return what a JSON file holds; raise `UserError` with the remedy if it cannot be read."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error}); {remedy}") from None


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
