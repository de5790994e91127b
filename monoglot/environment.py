"""The environment that jobs inherit from the Snakefile."""

import os
import sys
from pathlib import Path

from monoglot.orphans import mark_jobs

SAY_READY = "MONOGLOT_SAY_READY"
"""A job that finds this set logs how long it took to start: benchmarks/cost.py adds that up."""


def use_checkout(folder: str) -> None:
    """Let jobs run the package in `folder` with this Python, whatever else is installed.

    They end with this process, and say when they are ready.
    """
    os.environ[SAY_READY] = "1"
    mark_jobs()
    _prepend("PYTHONPATH", folder)
    _prepend("PATH", str(Path(sys.executable).parent))


def _prepend(name: str, folder: str) -> None:
    folders = [folder, *os.environ.get(name, "").split(os.pathsep)]
    os.environ[name] = os.pathsep.join(dict.fromkeys(filter(None, folders)))
