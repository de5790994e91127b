"""The GPUs of this machine, and how jobs divide them. For the Snakefile too: imports little."""

import os
import re
import subprocess
from pathlib import Path

WHOLE = 100
"""Shares of a GPU are per cent."""

SMALL_JOB_GIGABYTES = 16
"""Memory of a GPU for one job that trains adapters."""

MOST_SMALL_JOBS = 5
"""More at a time on one GPU only wait for each other."""


def visible() -> list[str]:
    """Return the GPUs this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        devices = [f for f in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", f.name)]
        return [str(number) for number in range(len(devices))]
    names = [name.strip() for name in named.split(",")]
    # As CUDA does: the first name of no device ends the list.
    end = next((i for i, n in enumerate(names) if n in ("", "-1", "NoDevFiles")), len(names))
    return names[:end]


def small_job_share() -> int:
    """Return the share of a GPU that a job which trains adapters asks for, by the GPU's memory.

    Of several GPUs the smallest counts; where `nvidia-smi` tells nothing, two jobs share one.
    """
    gigabytes = _memory()
    jobs = 2 if gigabytes is None else int(gigabytes // SMALL_JOB_GIGABYTES)
    return WHOLE // min(max(jobs, 1), MOST_SMALL_JOBS)


def _memory() -> float | None:
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return min(float(line) for line in told.stdout.splitlines()) / 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
