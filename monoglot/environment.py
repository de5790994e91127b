"""The environment that jobs inherit from the Snakefile."""

import os
import sys
from pathlib import Path


def use_checkout(folder: str) -> None:
    """Let jobs run the package in `folder` with this Python, whatever else is installed."""
    _prepend("PYTHONPATH", folder)
    _prepend("PATH", str(Path(sys.executable).parent))


def gpus() -> int:
    """Return 1 if this machine has an NVIDIA GPU, else 0."""
    return int(Path("/dev/nvidia0").exists())


def _prepend(name: str, folder: str) -> None:
    folders = [folder, *os.environ.get(name, "").split(os.pathsep)]
    os.environ[name] = os.pathsep.join(dict.fromkeys(filter(None, folders)))
