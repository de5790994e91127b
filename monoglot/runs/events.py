"""What a run of Snakemake prints, line by line, as progress of its jobs."""

import re
from collections import Counter
from dataclasses import dataclass, field

from monoglot.runs.jobs import BLOCK, TARGET_RULES, name_of, read_wildcards

COUNT = re.compile(r"^(\w+) +(\d+)$")
FINISHED = re.compile(r"^Finished jobid: (\d+) \(Rule: (\w+)\)")
FIELD = re.compile(r"^    (\w+): (.*)$")
LOG = "Complete log(s):"
QUIET = re.compile(
    r"\[\w{3} \w{3} .*\]$|Select jobs to execute|Execute \d+ jobs|Job \d+ has been submitted"
)
"""Lines that say nothing of a failure, and so end what is said of one."""


@dataclass
class Working:
    """A job that runs: its rule, what it is about, its log."""

    rule: str
    name: str
    log: str = ""


@dataclass
class Events:
    """Reads the lines of a run; its attributes say where the run stands.

    Attributes:
        total: jobs of the run but for target rules, None before it has said so.
        done: jobs that have finished.
        open: jobs of each rule that have not finished.
        running: jobs by Snakemake's number.
        failed: jobs that have failed.
        nothing: whether there was nothing to do.
        log: where Snakemake keeps what it printed, once it has said so.
    """

    total: int | None = None
    done: int = 0
    open: Counter[str] = field(default_factory=Counter)
    running: dict[str, Working] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    nothing: bool = False
    log: str = ""
    _counting: bool = False
    _block: Working | None = None
    _failing: bool = False

    def read(self, line: str) -> bool:
        """Take in a line; return whether it is one that a user should see: it tells of a fault."""
        line = line.rstrip("\n")
        if self._in_counts(line):
            return False
        if line.startswith("Nothing to be done"):
            self.nothing = True
        elif line.startswith(LOG):
            self.log = line.removeprefix(LOG).strip()
        elif found := BLOCK.match(line):
            self._block, self._failing = Working(found[1], found[1]), False
        elif found := FINISHED.match(line):
            self._finish(found[1], found[2])
        elif self._block and (found := FIELD.match(line)):
            self._note(found[1], found[2])
        else:
            return self._fault(line)
        return False

    def _in_counts(self, line: str) -> bool:
        """Whether a line is of the list of jobs by rule, which an empty line ends."""
        if line.startswith("Job stats:"):
            self._counting = True
            self.open.clear()
        elif self._counting and (found := COUNT.match(line)):
            if found[1] == "total":
                self.total = self.open.total()
            elif found[1] not in TARGET_RULES:
                self.open[found[1]] = int(found[2])
        elif not line:
            self._counting = False
        return self._counting

    def _note(self, key: str, value: str) -> None:
        """Take in a field of the job that is being started."""
        if key == "jobid":
            self.running[value] = self._block
        elif key == "log":
            self._block.log = value
        elif key == "wildcards":
            self._block.name = name_of(read_wildcards(value), self._block.rule)

    def _finish(self, number: str, rule: str) -> None:
        self.running.pop(number, None)
        if rule not in TARGET_RULES:
            self.done += 1
            self.open[rule] = max(self.open[rule] - 1, 0)
        self._block, self._failing = None, False

    def _fault(self, line: str) -> bool:
        if line.startswith("Error in rule "):
            self._failing, self._block = True, None
            self.failed.append(line.removeprefix("Error in rule ").rstrip(":"))
        elif self._failing and (found := FIELD.match(line)) and found[1] == "jobid":
            job = self.running.pop(found[2], None)
            if job:
                self.failed[-1] = f"{job.rule} {job.name}"
        elif re.match(r"^\w*(Error|Exception)\b", line) or line.startswith("Trying to restart"):
            self._failing = True
        elif self._failing and QUIET.match(line):
            self._failing = False
        return self._failing or line.startswith("cancelled a SLURM job")
