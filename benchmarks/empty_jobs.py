"""What Snakemake plans, and a Snakefile of the same jobs with nothing in them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LISTS = ("input", "output", "log", "benchmark")


@dataclass(frozen=True)
class Job:
    """A job of a plan: its rule, its wildcards and the files of `input`, `output` and so on."""

    rule: str
    wildcards: Mapping[str, str]
    files: Mapping[str, Sequence[str]]


def planned(output: str) -> list[Job]:
    """Return the jobs that a dry run of Snakemake printed; no file name may have a comma."""
    jobs = []
    for name, text in re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", output, re.MULTILINE):
        about = dict(re.findall(r"^    (\w+): (.*)$", text, re.MULTILINE))
        wildcards = dict(pair.split("=") for pair in _listed(about.get("wildcards")))
        jobs.append(Job(name, wildcards, {kind: _listed(about.get(kind)) for kind in LISTS}))
    return jobs


def snakefile(jobs: Iterable[Job]) -> str:
    """Return a Snakefile of jobs with the same files and wildcards, and no function anywhere.

    Where a part of a path is a wildcard's value, the wildcard stands. Jobs that then have the same
    patterns are one rule.
    """
    rules: dict[tuple, list[Job]] = defaultdict(list)
    for job in jobs:
        patterns = tuple(tuple(_pattern(file, job) for file in job.files[kind]) for kind in LISTS)
        rules[job.rule, patterns].append(job)
    numbered = enumerate(rules.items())
    return "\n".join(_rule(n, patterns, found) for n, ((_, patterns), found) in numbered)


def _listed(text: str | None) -> list[str]:
    return text.split(", ") if text else []


def _pattern(file: str, job: Job) -> str:
    parts = file.split("/")
    for name, value in job.wildcards.items():
        for at, part in enumerate(parts):
            stem, dot, ending = part.partition(".")
            if stem == value:
                parts[at] = f"{{{name}}}{dot}{ending}"
    return "/".join(parts)


def _rule(number: int, patterns: Sequence[Sequence[str]], jobs: Sequence[Job]) -> str:
    lines = [f"rule {jobs[0].rule}_{number}:"]
    if jobs[0].rule == "all":
        lines.append("    default_target: True")
    for kind, files in zip(LISTS, patterns, strict=True):
        if files:
            lines.append(f"    {kind}: {', '.join(map(repr, files))}")
    values = {name: sorted({job.wildcards[name] for job in jobs}) for name in jobs[0].wildcards}
    if values:
        limits = (f"{name}={'|'.join(map(re.escape, found))!r}" for name, found in values.items())
        lines.append(f"    wildcard_constraints: {', '.join(limits)}")
    command = ["    shell: 'true'"] if any(job.files["output"] for job in jobs) else []
    return "\n".join([*lines, *command, ""])
