"""Results that are made again stay on the disk until the new ones are whole.

Snakemake removes the outputs of a job before it starts, and again if it fails. So before the first
job of a run the outputs of all that will run get a second name, a hard link, in a hidden folder
beside them. After the run, or at the start of the next one if this was killed, what was not made
anew is put back, and with it Snakemake's own record of how it was made: without that, Snakemake
would take the old result for one of the new settings.

A flag of Snakemake's own, `update`, would keep outputs too, but as copies, with new times, and with
the record of the job that failed.
"""

import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from monoglot.errors import UserError, duration, first_few
from monoglot.files import alone, kept_as, let_go, whole_file
from monoglot.provenance import NAME
from monoglot.workflow import CLAIM, RECORDS, STARTED, mark

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


# Files.


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
