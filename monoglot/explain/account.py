"""The account of one number: its records, the jobs behind them, and what has changed since."""

import json
from collections.abc import Iterable
from pathlib import Path

from monoglot.chain import Job, jobs_behind
from monoglot.explain.cell import Cell, read_cell
from monoglot.explain.changes import changes
from monoglot.provenance import NAME

CHECKPOINTS = "Checkpoints"
STAGES = {
    "Table": ("table", "figure"),
    "Adapters": ("evaluate",),
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
    jobs = [*made[:1], *jobs] if not cell.whole else made
    changed = changes(jobs)
    parts = [_head(cell), _records(cell), *_stages(jobs), _elsewhere(elsewhere), _made_with(jobs)]
    parts.append(_verdict(changed, jobs))
    return "\n\n".join(part for part in parts if part), not changed


def _head(cell: Cell) -> str:
    label = "" if cell.label in ("", cell.row) else f" ({cell.label})"
    return f"{cell.table}: {cell.column} of {cell.row}{label} is {cell.value or 'missing'}"


def _records(cell: Cell) -> str:
    if not cell.records:
        return ""
    lines = [
        f"  {path}  {record['metric']} {100 * record['score']:.2f}"
        for path, record in cell.records.items()
    ]
    what = "Records of the whole table" if cell.whole else "Records"
    return "\n".join([what, *lines])


def _stages(jobs: Iterable[Job]) -> list[str]:
    """A block for each kind of job, in which each has two lines: what it made, and how."""
    blocks: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for job in jobs:
        blocks[_stage(job)].append(_lines(job))
    return ["\n".join([stage, *lines]) for stage, lines in blocks.items() if lines]


def _stage(job: Job) -> str:
    found = (stage for stage, names in STAGES.items() if job.script.startswith(names or "-"))
    return next(found, CHECKPOINTS)


def _lines(job: Job) -> str:
    made = job.path.parent if job.path.name == NAME else ", ".join(map(str, job.files("outputs")))
    took = f"{job.script}, {job.said['seconds']:.1f} s from {job.said['started']}"
    return f"  {made}\n    " + ": ".join(part for part in (took, _settings(job)) if part)


def _settings(job: Job) -> str:
    found = {
        key: Path(value).name if key in LINKS and value else value
        for key, value in job.said["arguments"].items()
        if key not in PATHS and not key.startswith("out_")
    }
    given = ((key, value) for key, value in found.items() if value not in (None, [], False))
    return " ".join(f"{key}={_short(value)}" for key, value in given)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."


def _elsewhere(files: Iterable[Path]) -> str:
    lines = [f"  {file}" for file in files]
    return "\n".join(["Files from elsewhere", *lines]) if lines else ""


def _made_with(jobs: Iterable[Job]) -> str:
    """The hardware, commits and libraries of all jobs, each way of saying it once."""

    def once(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(values))

    said = [job.said for job in jobs]
    commits = once(one["git_commit"] or "outside a git checkout" for one in said)
    machines = once(
        f"{one['hardware']['cpu']}, {one['hardware']['cores']} cores"
        + (f", {one['hardware']['gpu']}" if one["hardware"]["gpu"] else "")
        for one in said
    )
    libraries = once(
        ", ".join(f"{name} {number}" for name, number in one["versions"].items()) for one in said
    )
    return f"Made with\n  commit    {commits}\n  machine   {machines}\n  libraries {libraries}"


def _verdict(changed: list[str], jobs: list[Job]) -> str:
    if changed:
        return "\n".join(["Changed since", *(f"  {sentence}" for sentence in changed)])
    files = {file for job in jobs for kind in ("inputs", "outputs") for file in job.files(kind)}
    scripts = {job.said["script"] for job in jobs}
    return (
        f"Nothing has changed since: {len(files)} files have the same bytes, "
        f"{len(scripts)} scripts the same code, and the libraries are the same."
    )
