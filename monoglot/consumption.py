"""What a job used of processors and GPUs, from which its energy follows.

This module imports no torch; it asks torch about GPUs only where a job has loaded it.
"""

import os
import resource
import sys
from dataclasses import dataclass

SHARE = "MONOGLOT_GPU_SHARE"
"""Environment variable: per cent of its GPUs that a job has, which scripts/on_gpu.py sets."""


@dataclass(frozen=True)
class Counters:
    """Where counters stood: seconds of processors, joules of each visible GPU (None: unknown)."""

    cpu_seconds: float
    gpu_joules: tuple[float, ...] | None


def counters() -> Counters:
    """Read the counters of this process, its ended children and the GPUs it may use."""
    return Counters(_cpu_seconds(), _gpu_joules())


def used(since: Counters) -> dict[str, float | None]:
    """Return what was used since then, for a file of provenance.

    `cpu_seconds` are user and system time; of processes that train together, those of this one
    times their number. `gpu_joules` are those of the job's GPUs times its share of them, and None
    where it used none or the driver does not count them.
    """
    now = counters()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    joules = None
    if since.gpu_joules and now.gpu_joules and _gpu_was_used():
        share = int(os.environ.get(SHARE, "100")) / 100
        pairs = zip(since.gpu_joules, now.gpu_joules, strict=True)
        joules = round(share * sum(after - before for before, after in pairs), 3)
    return {
        "cpu_seconds": round(processes * (now.cpu_seconds - since.cpu_seconds), 3),
        "gpu_joules": joules,
    }


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _gpu_joules() -> tuple[float, ...] | None:
    """Ask the driver's counters, in millijoules since it was loaded (Volta and newer)."""
    torch = sys.modules.get("torch")
    if not torch or not torch.cuda.is_available():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        uuids = [torch.cuda.get_device_properties(i).uuid for i in range(torch.cuda.device_count())]
        handles = [pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}") for uuid in uuids]
        return tuple(pynvml.nvmlDeviceGetTotalEnergyConsumption(one) / 1000 for one in handles)
    except pynvml.NVMLError:
        return None


def _gpu_was_used() -> bool:
    return sys.modules["torch"].cuda.is_initialized()
