"""Whether finished results still stand on the files that they were made from.

Snakemake looks at a file's content only if its time is newer than that of what was made from it: a
raw file out of an archive, or a checkpoint or record copied with its time, changes nothing. The
provenance beside each result has the hashes of what its job read, so a run compares them before it
plans. It reads files whose size or times have changed since they were last hashed, and no others.

Of a result that was made from other bytes, the file of provenance gets a time just before that of
the replaced file. So Snakemake itself plans the job and all that hangs below, whatever the targets.
"""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from monoglot.errors import first_few
from monoglot.files import sha256, whole_file
from monoglot.fingerprint import libraries_of
from monoglot.provenance import LIBRARIES, NAME, Provenance, versions

HASHES = ".hashes.json"
"""In the results folder: the SHA-256 of files, with the size and times that they had then."""

IMPORTED_AS = {"scikit-learn": "sklearn"}
"""Names of packages where they are imported by another one than they are installed by."""

SECOND = 10**9
"""In nanoseconds, as times of files are."""


class KnownHashes:
    """Hashes of files, read again only if a file's size or times are others than before.

    Among the times is that of the last change of anything about the file (`st_ctime`), which no
    copy can bring along.

    Args:
        results: the results folder, where they are kept; what cannot be read there is forgotten.
    """

    def __init__(self, results: Path) -> None:
        self._file = results / HASHES
        self._known: dict[str, list[Any]] = {}
        self._changed = False
        with suppress(OSError, ValueError):
            found = json.loads(self._file.read_bytes())
            self._known = found if isinstance(found, dict) else {}

    def of(self, file: str) -> str | None:
        """Return the hash of a file, None if there is none or it cannot be read."""
        try:
            seen = _stat(file)
            known = self._known.get(self._name(file))
            if known and known[:3] == seen:
                return known[3]
            digest = sha256(file)
        except OSError:
            return None
        self._note(file, seen, digest)
        return digest

    def trust(self, file: str, digest: str) -> None:
        """Take the hash of a file that was just made from whoever made it."""
        with suppress(OSError):
            self._note(file, _stat(file), digest)

    def save(self) -> None:
        """Keep what is known, in a folder that can be written to."""
        if self._changed:
            with suppress(OSError), whole_file(self._file) as aside:
                aside.write_text(json.dumps(self._known), encoding="utf-8")

    def _note(self, file: str, seen: list[int], digest: str) -> None:
        self._known[self._name(file)] = [*seen, digest]
        self._changed = True

    def _name(self, file: str) -> str:
        # A results folder may be moved as a whole.
        return os.path.relpath(file, self._file.parent)


def _stat(file: str) -> list[int]:
    found = os.stat(file)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def trust_made(results: Path, outputs: Iterable[str]) -> None:
    """Note the hashes of what a run has just made, so that the next one need not read it.

    Args:
        outputs: files, those of provenance among them.
    """
    hashes = KnownHashes(results)
    for path in outputs:
        if path.endswith(NAME) and (said := _read(path)):
            for file, digest in _files(path, said["outputs"]).items():
                hashes.trust(file, digest)
    hashes.save()


def look_over(results: Path) -> list[str]:
    """Let Snakemake make again what stands on replaced files, and say so.

    Returns:
        Sentences: which files were replaced, and which results were made with other versions of
        libraries. Those are kept: see `other_versions`.
    """
    made = {path: said for path in _provenances(results) if (said := _read(path))}
    sentences = [_replaced(results, made), other_versions(results, made.values())]
    return [sentence for sentence in sentences if sentence]


def _replaced(results: Path, made: dict[str, Provenance]) -> str | None:
    hashes = KnownHashes(results)
    made_here = {file for path, said in made.items() for file in _files(path, said["outputs"])}
    files: set[str] = set()
    stale = 0
    for path, said in made.items():
        oldest = min(map(_time, _files(path, said["outputs"])), default=0)
        replaced = [
            file
            for file, digest in _files(path, said["inputs"]).items()
            # Snakemake sees newer ones itself.
            if _time(file) <= oldest and hashes.of(file) not in (digest, None)
        ]
        files.update(replaced)
        stale += bool(replaced)
        with suppress(OSError):  # results of somebody else: said all the same
            if replaced:
                _date(path, min(map(_time, replaced)) - SECOND)
            elif _time(path) < oldest < math.inf:  # what was replaced is as it was
                _date(path, oldest)
    hashes.save()
    if not files:
        return None
    here = sorted(map(os.path.relpath, files))
    ours = sorted(map(os.path.relpath, files & made_here))
    them, were = ("it", "was") if len(files) == 1 else ("them", "were")
    sentence = (
        f"{first_few(here)} {were} replaced or damaged, with an old date, after results had been "
        f"made from {them}; those ({stale}), and what hangs below, are made again where asked for"
    )
    if ours:
        sentence += f"; to make anew what was replaced: --forcerun {first_few(ours)}"
    return sentence


def _files(path: str, told: dict[str, str]) -> dict[str, str]:
    """Return the hashes that a file of provenance tells, by the paths of the files."""
    folder = os.path.dirname(path)
    return {os.path.normpath(os.path.join(folder, name)): digest for name, digest in told.items()}


def _time(file: str) -> float:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return math.inf


def _date(file: str, time: int) -> None:
    os.utime(file, ns=(time, time))


def other_versions(results: Path, made: Iterable[Provenance]) -> str | None:
    """Say which results were made with other versions of libraries than the installed ones.

    A new version may change a result, but runs nothing again: an upgrade would redo days of
    training unasked, mostly for the same numbers. So a run says it before its first job, with what
    to add to its command. A library counts for those jobs whose code uses it.

    Returns:
        One sentence, or None if all are the same.
    """
    now = versions()
    found: Counter[tuple[str, str]] = Counter()
    scripts: set[str] = set()
    for said in made:
        try:
            script, then = said["script"], said["versions"]
            uses = libraries_of(script)
        except (OSError, KeyError, TypeError):
            continue
        for name in filter(now.get, LIBRARIES):
            if IMPORTED_AS.get(name, name) in uses and then.get(name, now[name]) != now[name]:
                found[name, then[name]] += 1
                scripts.add(Path(script).stem)
    if not found:
        return None
    differing = ", ".join(
        f"{count} with {name} {then} (now {now[name]})"
        for (name, then), count in sorted(found.items())
    )
    return (
        f"{results}: jobs ran with other versions of libraries: {differing}; their results are "
        f"kept, and `--forcerun {' '.join(sorted(scripts))}` makes them again"
    )


def _provenances(results: Path) -> Iterator[str]:
    for folder, inner, files in os.walk(results):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (os.path.join(folder, name) for name in files if name.endswith(NAME))


def _read(path: str) -> Provenance | None:
    """Read a file of provenance; None if it cannot be read as one, which says nothing then."""
    try:
        said = json.loads(Path(path).read_bytes())
        return said if all(isinstance(said[key], dict) for key in ("inputs", "outputs")) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
