"""What a job used of processors and GPUs, from which its energy follows."""

import os
import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from monoglot.surroundings import cuda_in_use

SHARE = "MONOGLOT_GPU_SHARE"
"""Environment variable: per cent of its GPUs that a job has, which scripts/on_gpu.py sets."""


@dataclass(frozen=True)
class Counters:
    """Where counters stood: seconds of processors, joules of the machine's GPUs by their UUIDs."""

    cpu_seconds: float
    gpu_joules: Mapping[str, float]


def counters() -> Counters:
    """Read the counters of this process, its ended children and the GPUs."""
    return Counters(_cpu_seconds(), _gpu_joules())


def used(since: Counters) -> dict[str, float | None]:
    """Return what was used since then, for a file of provenance.

    `cpu_seconds` are user and system time; of processes that train together, those of this one
    times their number. `gpu_joules` are those of the job's GPUs times its share of them, and None
    where it used none or the driver does not count them.
    """
    now = counters()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    gpus, joules = _gpus_in_use(), None
    if gpus and all(gpu in since.gpu_joules and gpu in now.gpu_joules for gpu in gpus):
        share = int(os.environ.get(SHARE, "100")) / 100
        spent = sum(now.gpu_joules[gpu] - since.gpu_joules[gpu] for gpu in gpus)
        joules = round(share * spent, 3)
    return {
        "cpu_seconds": round(processes * (now.cpu_seconds - since.cpu_seconds), 3),
        "gpu_joules": joules,
    }


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _gpu_joules() -> dict[str, float]:
    """Ask the driver's counters, in millijoules since it was loaded; older GPUs have none.

    They are those of all GPUs, also of other jobs' ones: which are this job's is known when it has
    begun to use them.
    """
    try:
        import pynvml
    except ImportError:
        return {}
    try:
        pynvml.nvmlInit()
        gpus = range(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return {}
    found = {}
    for number in gpus:
        with suppress(pynvml.NVMLError):
            gpu = pynvml.nvmlDeviceGetHandleByIndex(number)
            joules = pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1000
            found[pynvml.nvmlDeviceGetUUID(gpu)] = joules
    return found


def _gpus_in_use() -> list[str]:
    """Return the UUIDs of the GPUs this process may use, none if it has not begun to."""
    if not (cuda := cuda_in_use()):
        return []
    return [f"GPU-{cuda.get_device_properties(i).uuid}" for i in range(cuda.device_count())]
