"""Which files of a repository on the Hub a configuration means: names, or patterns for names.

A commit never changes, so the list of a folder is asked for once and kept beside the repository in
the cache. Without a connection, a pattern therefore stands for the same files, or for an error, but
never for those alone that happen to be there.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from monoglot.data import hub
from monoglot.errors import UserError
from monoglot.files import whole_file

WILDCARDS = re.compile(r"[*?\[]")
DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its size in bytes and its hash, SHA-256 (64 digits) or Git's (40)."""

    path: str
    size: int
    hash: str


def is_pattern(name: str) -> bool:
    """Whether a file's name has wildcards: `*`, `?`, `[...]`."""
    return WILDCARDS.search(name) is not None


def names(repository: hub.Repository, pattern: str) -> list[str]:
    """Return the paths that a name or pattern stands for, number 2 before number 10."""
    if not is_pattern(pattern):
        return [pattern]
    return [file.path for file in matching(repository, [pattern])]


def at_hand(repository: hub.Repository, patterns: Iterable[str]) -> bool:
    """Whether the cache has all files that names and patterns stand for."""
    if not all(_kept(repository, name).is_file() for name in patterns if is_pattern(name)):
        return False
    paths = [path for pattern in patterns for path in names(repository, pattern)]
    return all((hub.snapshot(repository) / path).is_file() for path in paths)


def matching(
    repository: hub.Repository, patterns: Iterable[str], optional: bool = False
) -> list[HubFile]:
    """Return the files that names and patterns stand for, in their order, each once.

    Raises `UserError` if one stands for no file, unless they are `optional`.
    """
    found: dict[str, HubFile] = {}
    for pattern in patterns:
        files = [file for file in _listing(repository, pattern) if fits(file.path, pattern)]
        if not files and not optional:
            raise UserError(f"{repository}: has no file {pattern}; `files` must name files of it")
        found |= {file.path: file for file in sorted(files, key=_number_by_number)}
    return list(found.values())


def fits(path: str, pattern: str) -> bool:
    """Whether a file's path is the name, or one that the pattern stands for."""
    return fnmatchcase(path, pattern) if is_pattern(pattern) else path == pattern


def _number_by_number(file: HubFile) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in DIGITS.split(file.path)]


def _listing(repository: hub.Repository, pattern: str) -> list[HubFile]:
    """Return all files of the folder that a name or pattern lies in."""
    kept = _kept(repository, pattern)
    if not kept.is_file():
        files = _ask(repository, pattern)
        with whole_file(kept) as aside:
            aside.write_text(json.dumps([asdict(file) for file in files], indent=1))
    return [HubFile(**entry) for entry in json.loads(kept.read_text())]


def _kept(repository: hub.Repository, pattern: str) -> Path:
    folder = _folder(repository, pattern)
    return hub.folder(repository) / "monoglot" / repository.revision / folder / "files.json"


def _folder(repository: hub.Repository, pattern: str) -> str:
    folder, _, _ = pattern.rpartition("/")
    if is_pattern(folder):
        raise UserError(
            f"{repository}: {pattern} has a wildcard in a folder's name; only a file's may have one"
        )
    return folder


def _ask(repository: hub.Repository, pattern: str) -> list[HubFile]:
    api = hub.client().HfApi()
    with hub.sentences(repository, pattern):
        entries = api.list_repo_tree(
            repository.id,
            _folder(repository, pattern) or None,
            repo_type=repository.type,
            revision=repository.revision,
        )
        files = [entry for entry in entries if hasattr(entry, "blob_id")]
    return [HubFile(f.path, f.size, f.lfs.sha256 if f.lfs else f.blob_id) for f in files]
