"""What the log of a job says of how far it is, and of why it failed."""

import re
from dataclasses import dataclass
from pathlib import Path

TAIL = 64_000
"""Bytes of the end of a log that are looked at."""

STEP = re.compile(r"step (\d+) of (\d+)")
SECONDS_LEFT = re.compile(r"(\d+) s left")
EPOCH = re.compile(r"epoch (\d+) of (\d+), .*?(\d+) min left")
ERROR = re.compile(r"^(?:error: |\w*(?:Error|Exception): )(.+)$", re.MULTILINE)
STOPPED = re.compile(
    r"ended by SIG\w+ before it was done|Snakemake that started this job has ended"
)


@dataclass(frozen=True)
class Progress:
    """How far a training is: `done` of `total` steps or epochs; seconds left if it has said so."""

    unit: str
    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        return f"{self.unit} {self.done} of {self.total}"


def progress(log: Path) -> Progress | None:
    """Return what the last line about steps or epochs says; None if there is none."""
    for line in reversed(_tail(log).splitlines()):
        if found := EPOCH.search(line):
            return Progress("epoch", int(found[1]), int(found[2]), 60.0 * int(found[3]))
        if found := STEP.search(line):
            left = SECONDS_LEFT.search(line) or _last_left(log)
            return Progress("step", int(found[1]), int(found[2]), float(left[1]) if left else None)
    return None


def error(log: Path) -> str | None:
    """Return the sentence that a failed job ends with; None if the log ends otherwise.

    A job that was asked to end, with its Snakemake or before it was done, has not failed.
    """
    text = _tail(log)
    found = ERROR.findall("\n".join(text.strip().splitlines()[-3:]))
    return None if not found or STOPPED.search(found[-1]) else found[-1]


def _last_left(log: Path) -> re.Match[str] | None:
    """The time left in the last line that has one; lines about evaluations have none."""
    found = list(SECONDS_LEFT.finditer(_tail(log)))
    return found[-1] if found else None


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - TAIL, 0))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
