"""From a file back to all that it came from, and what has changed since: `monoglot explain`."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from monoglot.errors import UserError
from monoglot.evaluate.records import Record, read_record
from monoglot.files import sha256
from monoglot.fingerprint import ROOT, code_of
from monoglot.provenance import NAME, Provenance, machine, provenance_of, versions

# The jobs that a file came out of, as far back as files of provenance go.


@dataclass(frozen=True)
class FinishedJob:
    """A job that was run: where its provenance lies, and what it says."""

    path: Path
    said: Provenance

    @property
    def script(self) -> str:
        """The name of the script, such as `train`."""
        return Path(self.said["script"]).stem

    def files(self, kind: str) -> dict[Path, str]:
        """Return the `inputs` or `outputs` with the SHA-256 they had."""
        start = self.path.parent
        return {
            Path(os.path.relpath(os.path.realpath(start / name))): digest
            for name, digest in self.said[kind].items()
        }


def jobs_behind(files: Iterable[Path]) -> tuple[list[FinishedJob], list[Path]]:
    """Return the jobs that made files and what those were made from, the last job first.

    Also returns the files that no job has made: what came from elsewhere.
    """
    jobs: dict[Path, FinishedJob] = {}
    elsewhere: list[Path] = []
    waiting = dict.fromkeys(files)
    seen: set[Path] = set()
    while waiting:
        file = next(iter(waiting))
        del waiting[file]
        seen.add(file)
        found = provenance_of(file)
        if found is None:
            elsewhere.append(file)
        elif found[0] not in jobs:
            jobs[found[0]] = FinishedJob(*found)
            waiting |= dict.fromkeys(f for f in jobs[found[0]].files("inputs") if f not in seen)
    return list(jobs.values()), elsewhere


# The records that a number of a table is made from.


@dataclass(frozen=True)
class ExplainedCell:
    """A number of a table, and the records it comes from by their paths.

    `whole` says that it comes from all records of the table (a kind of table that does not name
    variants or languages), or that the table is made from none.
    """

    value: str
    label: str
    records: Mapping[Path, Record]
    whole: bool


def read_cell(table: Path, column: str, row: str) -> ExplainedCell:
    """Find a number in a table and the records that the table's provenance names for it.

    Args:
        table: a table's CSV file.
        column: a column of it, such as `mt_ner` or `avg`.
        row: a row by its name (`hidden312`) or, if models share names, `xlmr/hidden312`.

    Raises:
        UserError: there is no such table, column or row, or the table has no provenance.
    """
    found = _row(table, row)
    if column not in found:
        shown = [name for name in found if not name.endswith(("_std", "_seeds"))]
        raise UserError(f"{table}: has no column '{column}'; its columns are {', '.join(shown)}")
    provenance = provenance_of(table)
    if provenance is None:
        raise UserError(
            f"{table}: there is no account of what it was made from beside it; make it again"
        )
    records = {
        file: read_record(file)
        for file in FinishedJob(*provenance).files("inputs")
        if file.suffix == ".json" and file.name.startswith("seed") and file.is_file()
    }
    chosen = _of_cell(records, column, found)
    label = found.get("label", "")
    return ExplainedCell(found[column], label, chosen or records, not chosen)


def _row(table: Path, row: str) -> dict[str, str]:
    from monoglot.tables.formats import read_rows

    rows = read_rows(table)
    if len(rows[0]) < 2:
        raise UserError(f"{table}: has one column; name the CSV file of a table")
    named = [(one, _names(one)) for one in rows]
    found = [(one, names) for one, names in named if row in names]
    if not found:
        listed = ", ".join(names[-1] for _, names in named)
        raise UserError(f"{table}: has no row '{row}'; its rows are {listed}")
    if len(found) > 1:
        both = ", ".join(names[-1] for _, names in found)
        raise UserError(f"{table}: '{row}' are {len(found)} rows; say which: {both}")
    return found[0][0]


def _names(row: Mapping[str, str]) -> tuple[str, ...]:
    """What a row may be called by, the longest last: tables name a row in one column or two."""
    if "row" in row:
        model = row.get("model")
        return (row["row"], f"{model}/{row['row']}") if model else (row["row"],)
    first, second = list(row.values())[:2]
    return first, second, f"{first}/{second}"


def _of_cell(records: Mapping[Path, Record], column: str, row: dict[str, str]) -> dict:
    """Return the records of a row, and of the column if any record of the row is of it alone."""
    of_row = {
        path: record
        for path, record in records.items()
        if row.get("row") in (record["variant"], record["language"])
        and row.get("model", record["model"]) == record["model"]
    }
    name = column.removesuffix("_std").removesuffix("_seeds")
    of_cell = {
        path: record
        for path, record in of_row.items()
        if name in (f"{record['language']}_{record['task']}", record["variant"])
    }
    return of_cell or of_row


# What is no longer as it was.


def changes(jobs: Iterable[FinishedJob]) -> list[str]:
    """Return a sentence for each file, script or library that has changed since jobs used it."""
    found: dict[str, None] = {}
    hashes = cache(sha256)  # of a file that several jobs used
    for job in jobs:
        script = job.said["script"]
        for kind, verb in (("inputs", "read"), ("outputs", "wrote")):
            for file, digest in job.files(kind).items():
                if not file.is_file():
                    found[f"{file} is gone"] = None
                elif hashes(file) != digest:
                    found[f"{file} is not as {script} {verb} it"] = None
        if not (ROOT / script).is_file():
            found[f"{script} is gone"] = None
        elif code_of(script) != job.said["code"]:
            found[f"the code of {script} is another"] = None
        now = versions(job.said["versions"])
        for name, then in job.said["versions"].items():
            if now.get(name) != then:
                found[f"{name} was {then}, and is {now.get(name, 'not installed')}"] = None
    return list(found)


# The account.

CHECKPOINTS = "Checkpoints"
STAGES = {
    "Table": ("table", "figure"),
    "Adapters": ("evaluate",),
    "Scores without training": ("score.py",),
    "Baselines": ("baseline",),
    CHECKPOINTS: (),
    "Token stores": ("build_tokens",),
    "Data": ("read_text", "read_task", "invent"),
}
"""Headings, and the names that their scripts begin with; all other scripts make checkpoints."""
LINKS = ("parent", "teacher")
PATHS = ("out", "state", "tokens", "validation", "checkpoint", "examples", "text", "heldout")
PATHS += ("tokenizer", "report", "records", "spec", "root")


def account(table: Path, column: str, row: str) -> tuple[str, bool]:
    """Say where a number of a table came from, in text for a terminal.

    Also returns whether all is still as it was. Raises `UserError` as `read_cell` does, and if a
    file of provenance is damaged.
    """
    cell = read_cell(table, column, row)
    made, _ = jobs_behind([table])
    jobs, elsewhere = jobs_behind(cell.records)
    jobs = made if cell.whole else [*made[:1], *jobs]
    changed = changes(jobs)
    label = "" if cell.label in ("", row) else f" ({cell.label})"
    value = cell.value or "missing"
    records = [
        f"  {path}  {record['metric']} {100 * record['score']:.2f}"
        for path, record in cell.records.items()
    ]
    blocks = {"Records of the whole table" if cell.whole else "Records": records}
    blocks |= {stage: [] for stage in STAGES}
    for job in jobs:
        stages = (stage for stage, names in STAGES.items() if job.script.startswith(names or "-"))
        blocks[next(stages, CHECKPOINTS)].append(_lines(job))
    blocks |= {
        "Files from elsewhere": [f"  {file}" for file in elsewhere],
        "Made with": _made_with(jobs),
        "Changed since": [f"  {sentence}" for sentence in changed],
    }
    parts = [f"{table}: {column} of {row}{label} is {value}"]
    parts += ["\n".join([head, *lines]) for head, lines in blocks.items() if lines]
    if not changed:
        files = {file for job in jobs for kind in ("inputs", "outputs") for file in job.files(kind)}
        parts.append(
            f"Nothing has changed since: {len(files)} files have the same bytes, "
            f"{len({job.said['script'] for job in jobs})} scripts the same code, and the "
            "libraries are the same."
        )
    return "\n\n".join(parts), not changed


def _lines(job: FinishedJob) -> str:
    """Two lines on a job: what it made, and how."""
    made = job.path.parent if job.path.name == NAME else ", ".join(map(str, job.files("outputs")))
    settings = [
        f"{key}={_short(Path(value).name if key in LINKS else value)}"
        for key, value in job.said["arguments"].items()
        if value not in (None, [], False) and key not in PATHS and not key.startswith("out_")
    ]
    took = f"{job.script}, {job.said['seconds']:.1f} s from {job.said['started']}"
    return f"  {made}\n    " + ": ".join(filter(None, (took, " ".join(settings))))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."


def _made_with(jobs: Iterable[FinishedJob]) -> list[str]:
    """The hardware, commits and libraries of all jobs, each way of saying it once."""
    said = [job.said for job in jobs]
    about = {
        "commit": [one["git_commit"] or "outside a git checkout" for one in said],
        "machine": [machine(one["hardware"]) for one in said],
        "libraries": [
            ", ".join(f"{name} {number}" for name, number in one["versions"].items())
            for one in said
        ],
    }
    return [f"  {what:<9} {'; '.join(dict.fromkeys(values))}" for what, values in about.items()]
