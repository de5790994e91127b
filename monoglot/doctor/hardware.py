"""Processors, memory and GPUs, as torch and the system see them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from monoglot.doctor.findings import FAIL, OK, WARN, Finding
from monoglot.gpus import visible
from monoglot.surroundings import hardware

SECONDS = 30
GIGABYTE = 10**9
LITTLE_MEMORY = 6
"""Gigabytes that the demo and the tests need with some room."""

VECTORS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
FAST = ("avx2", "asimd")
QUERY = "name,memory.total,driver_version,compute_mode"


def processor() -> Iterator[Finding]:
    """Say which processor there is, how many threads this process may use, and how wide it is."""
    about, quota = hardware(), _quota()
    vectors = [name for name in VECTORS if name in _flags()]
    parts = [str(about["cpu"]), f"{about['cores']} cores for this process"]
    parts += (
        [f"OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}"]
        if "OMP_NUM_THREADS" in os.environ
        else []
    )
    parts += [", ".join(vectors)] if vectors else []
    said = "; ".join(parts)
    if quota and quota < int(about["cores"] or 1):
        todo = f"The container may use {quota:g} of them: give that number as --cores."
        yield Finding("processor", WARN, said, todo)
    elif _flags() and not set(FAST) & set(vectors):
        yield Finding("processor", WARN, said, "Training will be slow: it has no AVX2.")
    else:
        yield Finding("processor", OK, said)


def memory(needed: float | None) -> Iterator[Finding]:
    """Say how much memory there is; `needed` are bytes of the largest training, if known."""
    import psutil

    there = psutil.virtual_memory()
    limit = min(there.total, _memory_limit() or there.total)
    free = min(there.available, limit)
    said = f"{limit / GIGABYTE:.1f} GB, {free / GIGABYTE:.1f} GB of them free"
    if needed and needed > limit and not visible():
        todo = (
            f"The largest training needs {needed / GIGABYTE:.1f} GB for weights, gradients and "
            "optimiser alone: take a smaller model, or another machine."
        )
        yield Finding("memory", FAIL, said, todo)
    elif limit < LITTLE_MEMORY * GIGABYTE:
        yield Finding("memory", WARN, said, "Run one job at a time: --cores 1.")
    else:
        yield Finding("memory", OK, said)


def gpus() -> Iterator[Finding]:
    """Say which build of torch there is, and whether it can use the GPUs there are."""
    import torch

    build = f"torch {torch.__version__}, " + (
        f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for processors alone"
    )
    there = _nvidia()
    if not there:
        said = f"{build}; no NVIDIA GPU here"
        yield Finding("GPU", OK, said + ", training runs on the processor")
        return
    listed = "; ".join(f"{name}, {mb} MiB, driver {driver}" for name, mb, driver, _ in there)
    said = f"{build}; {listed}"
    if not torch.version.cuda:
        todo = "Install the build of torch for CUDA, or the GPUs stay idle: see pytorch.org."
        yield Finding("GPU", WARN, said, todo)
    elif not torch.cuda.is_available():
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        if hidden is not None and not visible():
            yield Finding("GPU", WARN, said, f"CUDA_VISIBLE_DEVICES={hidden} hides all GPUs.")
        else:
            todo = "torch cannot use them: the driver is probably older than this CUDA; renew it."
            yield Finding("GPU", FAIL, said, todo)
    else:
        yield _mode(said, [mode for *_, mode in there])


def _mode(said: str, modes: list[str]) -> Finding:
    if "Prohibited" in modes:
        todo = "A GPU's compute mode forbids work: nvidia-smi --compute-mode=DEFAULT."
        return Finding("GPU", FAIL, said, todo)
    if "Exclusive_Process" in modes:
        todo = (
            "Compute mode Exclusive_Process lets one job on a GPU at a time; run with "
            "--set-resources evaluate:gpu_share=100, or nvidia-smi --compute-mode=DEFAULT."
        )
        return Finding("GPU", WARN, said, todo)
    return Finding("GPU", OK, said)


def _nvidia() -> list[tuple[str, ...]]:
    """Name, memory, driver and compute mode of each GPU; none without nvidia-smi."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [tuple(line.split(", ")) for line in told.stdout.splitlines() if line.count(", ") == 3]


def _flags() -> list[str]:
    """What the processor can, as Linux lists it; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = (
        line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))
    )
    return next(found, [])


def _quota() -> float | None:
    """Processors that a container may use, None without a limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return float(limit) / float(period)
    except (OSError, ValueError):
        return None


def _memory_limit() -> int | None:
    """Bytes that a container may use, None without a limit."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return None
