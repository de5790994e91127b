"""How long a step took, over all the runs that it was made in."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.shrink.saving import save_text

if TYPE_CHECKING:
    from monoglot.shrink.operations import Watcher


class Seconds:
    """Adds up seconds in a file, where those of earlier runs under the same key stand."""

    def __init__(self, file: Path, key: str) -> None:
        self._file, self._key = file, key
        self._started, self._before = time.monotonic(), 0.0
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            self._before = float(found["seconds"]) if found["key"] == key else 0.0
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def total(self) -> float:
        """Return the seconds so far."""
        return self._before + time.monotonic() - self._started

    def keep(self) -> None:
        """Write them down."""
        save_text(json.dumps({"key": self._key, "seconds": self.total()}), self._file)


class Clocked:
    """Passes on how far a training is, and writes its seconds down meanwhile."""

    def __init__(self, watcher: "Watcher", seconds: Seconds) -> None:
        self._watcher, self._seconds = watcher, seconds

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Take what a training says of a step."""
        self._seconds.keep()
        self._watcher.write(step, values)
