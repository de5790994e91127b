"""The jobs that a file came out of, as far back as files of provenance go."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from monoglot.provenance import Provenance, provenance_of


@dataclass(frozen=True)
class Job:
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


def jobs_behind(files: Iterable[Path]) -> tuple[list[Job], list[Path]]:
    """Return the jobs that made files and what those were made from, the last job first.

    Also returns the files that no job has made: what came from elsewhere.
    """
    jobs: dict[Path, Job] = {}
    elsewhere: dict[Path, None] = {}
    waiting = list(files)
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        found = provenance_of(file)
        if found is None:
            elsewhere[file] = None
        elif found[0] not in jobs:
            jobs[found[0]] = Job(*found)
            waiting += jobs[found[0]].files("inputs")
    return list(jobs.values()), list(elsewhere)
