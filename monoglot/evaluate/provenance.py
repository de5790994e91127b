"""What a record was made with: library versions, hardware, commit, hashes and peak memory.

This module imports no torch; `gpu` knows what there is of a GPU.
"""

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from monoglot.checkpoints import FILES
from monoglot.files import sha256

LIBRARIES = ("torch", "transformers", "adapters", "tokenizers", "seqeval", "scikit-learn")
ROOT = Path(__file__).resolve().parents[2]


def versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a score."""
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def hardware(gpu: str | None = None) -> dict[str, str | int | None]:
    """Return the processor's name, the cores this process may use, and the GPU's name or None."""
    return {"cpu": _cpu(), "cores": _cores(), "gpu": gpu}


def git_commit() -> str | None:
    """Return the commit the project stands at, or None if it is not in a git checkout."""
    if not (ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    except OSError:
        return None


def input_hashes(checkpoint: Path, examples: Path) -> dict[str, str]:
    """Return the SHA-256 of the checkpoint's files and of the examples."""
    hashes = {name: sha256(checkpoint / name) for name in FILES}
    return {**hashes, "examples": sha256(examples)}


def peak_memory_bytes() -> int:
    """Return the most memory that this process has used so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
