"""What a result was made with: library versions, hardware, commit and peak memory.

This module imports no torch, and asks about GPUs only where a job has begun to use them: the
question alone would make CUDA's context, which takes time and memory of a GPU that others use.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from monoglot.memory import peak_rss_bytes

LIBRARIES = ("torch", "transformers", "adapters", "tokenizers", "safetensors", "numpy")
LIBRARIES += ("seqeval", "scikit-learn")
ROOT = Path(__file__).resolve().parents[1]


def versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a score."""
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def hardware() -> dict[str, str | int | None]:
    """Return the processor's name, cores it may use, and the GPU that this process uses or None."""
    cuda = cuda_in_use()
    return {"cpu": _cpu(), "cores": _cores(), "gpu": cuda.get_device_name() if cuda else None}


def git_commit() -> str | None:
    """Return the commit the project stands at, or None if it is not in a git checkout."""
    if not (ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    except OSError:
        return None


def peak_memory_bytes() -> int:
    """Return the most memory that this process has used so far: of the GPU, if it uses one."""
    cuda = cuda_in_use()
    return cuda.max_memory_allocated() if cuda else peak_rss_bytes()


def cuda_in_use():
    """Return torch's module of CUDA if this process has begun to use a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_initialized() else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
