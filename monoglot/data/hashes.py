"""Whether a downloaded file is the published one: Git's and Git LFS's names for its bytes."""

import hashlib
import re
from pathlib import Path

from monoglot.errors import UserError
from monoglot.files import sha256

SHA256 = re.compile(r"[0-9a-f]{64}")
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
BLOCK = 1 << 20


class DamagedFileError(UserError):
    """A file whose bytes are not those that were published."""


def git_sha1(path: Path) -> str:
    """Return the name that Git gives to a file's bytes: SHA-1 after a header with their number."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check(path: Path, expected: str, where: str) -> None:
    """Raise `DamagedFileError` unless the file's hash is `expected`.

    `expected` has 64 hexadecimal digits (SHA-256, as of Git LFS) or 40 (Git's own).
    """
    found = sha256(path) if SHA256.fullmatch(expected) else git_sha1(path)
    if found != expected:
        raise DamagedFileError(
            f"{where}: {path} has the hash {found}; the published file has {expected}, so delete "
            "it and start again, or run `python scripts/download.py`, which replaces it"
        )


def check_blob(path: Path, where: str) -> None:
    """Check a file of the Hub's cache, which links to a blob that bears the published hash.

    A cache without links, as some file systems ask for, has no such names; there is no check then.
    """
    expected = path.resolve().name
    if path.is_symlink() and (SHA256.fullmatch(expected) or GIT_SHA1.fullmatch(expected)):
        check(path, expected, where)
