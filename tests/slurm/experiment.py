"""The small grid in a copy of the project, run here or through SLURM, and what came out."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster import Cluster

from tests.rules.project_copy import Project

GRID = "configs/slurm-grid.yaml"
RESULTS = "results/grid"
LONG = f"{RESULTS}/models/mbert/qaa/long"
MODEL = f"{LONG}/model.safetensors"
TRAINING = "train/mbert/qaa/long"
HALF = f"{RESULTS}/models/mbert/qaa/half"
SOON = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "15")
FIELDS = ("JobID", "State", "Start", "End", "NodeList", "ReqTRES", "ReqMem", "Timelimit")
FIELDS += ("Partition", "Account", "Comment")
OF_A_RUN = ("seconds", "peak_memory_bytes", "hardware")
"""Fields of a record that say how it was made, and differ between runs."""


class Experiment(Project):
    """A copy of the project with the small grid."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        shutil.copy(Path(__file__).with_name("grid.yaml"), folder / GRID)

    def copy(self, folder: Path) -> "Experiment":
        """Return a copy with all that is finished, Snakemake's records included."""
        copy = Experiment.__new__(Experiment)
        copy.folder = shutil.copytree(self.folder, folder)
        return copy

    def here(self, *targets: str, config: str = GRID) -> None:
        """Make targets (the tables, if none) on this machine."""
        done = self.snakemake("--cores", "2", "--configfile", config, "--", *targets)
        assert done.returncode == 0, done.stdout

    def start(self, *targets: str, configs: tuple[str, ...] = (GRID,)) -> "Run":
        """Start Snakemake with the profile for SLURM."""
        profile = ("--workflow-profile", "profiles/slurm", "--configfile", *configs, "--")
        log = self.folder / f"run{len(list(self.folder.glob('run*.log')))}.log"
        command = [sys.executable, "-m", "snakemake", *SOON, *profile, *targets]
        variables = os.environ | {"PYTHONPATH": ""}
        with open(log, "w") as out:
            process = subprocess.Popen(
                command, cwd=self.folder, env=variables, stdout=out, stderr=out
            )
        return Run(process, log)

    def remake(self, folder: str) -> None:
        """Remove a checkpoint or scores, so that the next run makes them again."""
        shutil.rmtree(self.folder / folder)

    def said(self, log: str) -> str:
        """Return the log of a job (`train/mbert/qaa/long`); nothing if there is none yet."""
        file = self.folder / RESULTS / "logs" / f"{log}.log"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def results(self, under: str = RESULTS) -> dict[str, str]:
        """Return a hash of each checkpoint, prediction, record, store and table, by path.

        Of records without what no two runs have in common: times, memory.
        """
        found = {}
        for kind in ("data", "models", "scores", "tables", "tokens"):
            for file in sorted((self.folder / under / kind).rglob("*")):
                if file.is_file() and not file.name.endswith("provenance.json"):
                    path = str(file.relative_to(self.folder))
                    found[path] = hashlib.sha256(_content(file)).hexdigest()
        return found


class Run:
    """A Snakemake that runs, and what it prints."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.process, self.log = process, log

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def succeeds(self, seconds: float = 900) -> str:
        """Wait for its end, which must be success, and return what it printed."""
        self.process.wait(seconds)
        assert self.process.returncode == 0, self.output
        return self.output

    def until(self, holds: Callable[[], object], seconds: float = 240) -> object:
        """Wait until a condition holds while the run goes on, and return what it returned."""
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert self.process.poll() is None, f"the run ended:\n{self.output}"
            assert time.monotonic() < end, f"waited in vain:\n{self.output}"
            time.sleep(0.3)
        return found

    def jobs(self, cluster: Cluster) -> list[dict[str, str]]:
        """Return what accounting says of its jobs, in the order of their starts.

        A job that was queued again is there once for each start.
        """
        name = re.search(r"SLURM run ID: (\S+)", self.output)[1]
        asked = ("--allocations", "--duplicates", "--noheader", "--parsable2")
        lines = cluster.ask("sacct", *asked, f"--name={name}", f"--format={','.join(FIELDS)}")
        jobs = [dict(zip(FIELDS, line.split("|"), strict=True)) for line in lines.splitlines()]
        return sorted(jobs, key=lambda job: job["Start"])

    def ends(self, cluster: Cluster) -> list[str]:
        """Return how each of its jobs ended: `COMPLETED`, `TIMEOUT`, `CANCELLED` and so on."""
        return [job["State"].split()[0] for job in self.jobs(cluster)]


def _content(file: Path) -> bytes:
    if file.suffix != ".json" or "scores" not in file.parts:
        return file.read_bytes()
    record = json.loads(file.read_text(encoding="utf-8"))
    return json.dumps({k: v for k, v in record.items() if k not in OF_A_RUN}).encode()
