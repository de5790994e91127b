"""The grid of the kill tests in a copy of the project, and what came out."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.rules.project_copy import Project

GRID = "configs/kills.yaml"
RESULTS = "results/kills"
OF_A_RUN = ("seconds", "peak_memory_bytes")
"""Fields of a record that differ between runs."""


class Grid(Project):
    """A copy of the project with the small grid."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        shutil.copy(Path(__file__).with_name("grid.yaml"), folder / GRID)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen:
        """Start Snakemake, leading a process group as in a terminal; it prints to `screen`."""
        command = ["--configfile", GRID, "--cores", "2", *arguments]
        with open(self.folder / "screen", "w") as screen:
            return subprocess.Popen(
                [sys.executable, "-m", "snakemake", *command],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": ""} | variables,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
                start_new_session=True,
            )

    @property
    def screen(self) -> str:
        return (self.folder / "screen").read_text(encoding="utf-8", errors="replace")

    def results(self) -> dict[str, str]:
        """Return a hash of each file of the results by its path.

        Of records without what no two runs have in common; without logs, benchmarks, provenance
        and hidden files, in which a run keeps notes.
        """
        root, found = self.folder / RESULTS, {}
        for file in sorted(root.rglob("*")):
            path = file.relative_to(root)
            if path.parts[0] in ("logs", "benchmarks") or file.name.endswith("provenance.json"):
                continue
            if any(part.startswith(".") for part in path.parts):
                continue
            if file.is_file():
                found[str(path)] = hashlib.sha256(_content(file)).hexdigest()
        return found


def _content(file: Path) -> bytes:
    if file.suffix != ".json" or "scores" not in file.parts:
        return file.read_bytes()
    record = json.loads(file.read_text(encoding="utf-8"))
    return json.dumps({k: v for k, v in record.items() if k not in OF_A_RUN}).encode()
