"""The results of earlier runs: whether they still stand, and how they stay until others are whole.

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
import shutil
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monoglot.errors import UserError, duration, first_few
from monoglot.files import alone, kept_as, let_go, sha256, whole_file
from monoglot.fingerprint import libraries_of
from monoglot.provenance import LIBRARIES, NAME, Provenance, versions
from monoglot.workflow import CLAIM, RECORDS, STARTED, mark

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


# Results that are made again stay on the disk until the new ones are whole.
#
# Snakemake removes the outputs of a job before it starts, and again if it fails. So before the
# first job of a run the outputs of all that will run get a second name, a hard link, in a hidden
# folder beside them. After the run, or at the start of the next one if this was killed, what was
# not made anew is put back, and with it Snakemake's own record of how it was made: without that,
# Snakemake would take the old result for one of the new settings.
#
# A flag of Snakemake's own, `update`, would keep outputs too, but as copies, with new times, and
# with the record of the job that failed.

LIST = ".kept.json"
"""In the results folder: the jobs whose outputs are kept, until it is known what became of them."""

SECONDS_TO_WAIT = 5
LONG = 600
"""Seconds; of results that took longer a run says that it makes them again."""


@dataclass(frozen=True)
class KeptJob:
    """A job whose outputs are kept.

    Attributes:
        outputs: all files that it makes.
        kept: those that there were.
        records: what Snakemake had recorded of each of these, as it is written.
    """

    outputs: list[str]
    kept: list[str]
    records: dict[str, str]


def keep(jobs: Iterable[list[str]], results: Path) -> None:
    """Keep what there is of the outputs of jobs that are about to run.

    Args:
        jobs: the outputs of each, relative to the folder that Snakemake runs in, which is this one.
    """
    found = [job for outputs in jobs if (job := _seen(outputs))]
    if not found:
        return
    # First the list: whatever lies in a hidden folder is on it.
    with whole_file(results / LIST) as aside:
        content = {"folder": os.getcwd(), "jobs": [vars(job) for job in found]}
        aside.write_text(json.dumps(content), encoding="utf-8")
    for job in found:
        for file in job.kept:
            _link(Path(file), kept_as(Path(file)))


def _seen(outputs: list[str]) -> KeptJob | None:
    kept = [file for file in outputs if os.path.isfile(file)]
    records = {}
    for file in kept:
        try:
            records[file] = mark(RECORDS, file).read_text(encoding="utf-8")
        except OSError:
            return None  # put back without a record, it would be taken for up to date
    return KeptJob(outputs, kept, records) if kept else None


def put_back(results: Path) -> str | None:
    """Put back what a run has neither left as it was nor made anew; forget what else was kept.

    Returns:
        A sentence on what was put back, None if nothing was.
    """
    listed = results / LIST
    try:
        content = json.loads(listed.read_text(encoding="utf-8"))
        folder = Path(content["folder"])
        jobs = [KeptJob(**job) for job in content["jobs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    back = [os.path.dirname(job.kept[0]) for job in jobs if _settled(job, folder)]
    listed.unlink(missing_ok=True)
    if not back:
        return None
    return f"the old results are back where no new ones were made: {first_few(back)}"


def _settled(job: KeptJob, folder: Path) -> bool:
    """Put back the outputs of a job if they are not whole; return whether there was a need to."""
    places = {folder / file: kept_as(folder / file) for file in job.kept}
    places = {file: place for file, place in places.items() if place.exists()}
    there = all((folder / file).is_file() for file in job.outputs)
    lost = [file for file, place in places.items() if not _same(file, place)]
    needed = bool(lost) and not (there and len(lost) == len(places))
    if needed:
        for file, place in places.items():
            with suppress(FileNotFoundError):
                file.unlink()
            _link(place, file)
        for file in job.kept:
            mark(folder / RECORDS, file).write_text(job.records[file], encoding="utf-8")
        for file in job.outputs:
            mark(folder / STARTED, file).unlink(missing_ok=True)
    let_go(folder / file for file in job.kept)
    return needed


# What a run says and claims before its first job.


def making_again(jobs: Iterable[list[str]]) -> str | None:
    """Say which results, of those that took long, jobs are about to make again; None without any.

    Args:
        jobs: the outputs of each, files of provenance among them.
    """
    took = {}
    for file in (file for outputs in jobs for file in outputs if file.endswith(NAME)):
        with suppress(OSError, ValueError, KeyError, TypeError):
            took[os.path.dirname(file)] = float(json.loads(Path(file).read_bytes())["seconds"])
    long = sorted((seconds, name) for name, seconds in took.items() if seconds > LONG)[::-1]
    if not long:
        return None
    return (
        f"results that took {duration(sum(seconds for seconds, _ in long))} are made again: "
        f"{first_few([name for _, name in long])}; each old one stays until the new one is whole"
    )


@contextmanager
def unclaimed(results: Path) -> Iterator[bool]:
    """Hold a results folder within this; yield whether no run works on it."""
    file = results / CLAIM
    with alone(file) if file.exists() else nullcontext(True) as free:
        yield free


def claim(results: Path) -> ExitStack:
    """Claim a results folder until what is returned is closed, or this process ends.

    Raises:
        UserError: another run has claimed it, from here or from another checkout.
    """
    file = results / CLAIM
    held = ExitStack()
    results.mkdir(parents=True, exist_ok=True)
    file.touch()
    who = ""
    # A plan that looks at the results holds them for a moment.
    if not held.enter_context(alone(file, SECONDS_TO_WAIT)):
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(file.read_text(encoding="utf-8"))
            who = f" (process {said['process']} on {said['host']}, from {said['folder']})"
        raise UserError(
            f"{results}: another run works on these results{who}; wait for its end, or name "
            "another folder as `results`"
        )
    about = {"process": os.getpid(), "host": socket.gethostname(), "folder": os.getcwd()}
    file.write_text(json.dumps(about), encoding="utf-8")
    return held


def _link(file: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    to.unlink(missing_ok=True)
    try:
        os.link(file, to)
    except OSError:  # a file system without links, or with a limit to them
        shutil.copy2(file, to)


def _same(file: Path, place: Path) -> bool:
    try:
        return file.samefile(place)
    except OSError:
        return False
