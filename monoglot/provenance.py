"""What a result came from, as a JSON file beside it that every job writes.

It names the script and its arguments, the fingerprint of the script's code, the commit, library
versions and hardware, what the job used of processors and GPUs (`cpu_seconds`, `gpu_joules`), and
the SHA-256 of every file read and written. Paths are relative to the
JSON file, so that a results folder may be moved or copied. Beside the files of a folder it is
`provenance.json`, beside the files of one name (`table1.csv`, `table1.md`) it is
`table1.provenance.json`.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from monoglot.errors import UserError
from monoglot.files import let_go, read_json, sha256, whole_file
from monoglot.fingerprint import ROOT, WORKFLOW, code_of

# Peak resident memory of this process.


def peak_rss_bytes() -> int:
    """Return the largest resident set that this process has had.

    On Linux that of this program: `ru_maxrss` may be that of the process that started it.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


# What a result was made with: library versions, hardware, commit and peak memory.
#
# Nothing here asks about GPUs before a job has begun to use them: the question alone would make
# CUDA's context, which takes time and memory of a GPU that others use.

LIBRARIES = ("torch", "transformers", "adapters", "tokenizers", "safetensors", "numpy")
LIBRARIES += ("seqeval", "scikit-learn")


def versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of those libraries that shape a score and are there."""
    found = {"python": platform.python_version()}
    for name in libraries:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def hardware() -> dict[str, str | int | None]:
    """Return the processor's name, cores it may use, and the GPU that this process uses or None."""
    cuda = cuda_in_use()
    may_use = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())
    name = cuda.get_device_name() if cuda else None
    return {"cpu": _cpu(), "cores": len(may_use), "gpu": name}


def machine(hardware: Mapping[str, Any]) -> str:
    """Say what a machine is: its processor, cores and GPU."""
    gpu = f", {hardware['gpu']}" if hardware["gpu"] else ""
    return f"{hardware['cpu']}, {hardware['cores']} cores{gpu}"


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


# What a job used of processors and GPUs, from which its energy follows.

SHARE = "MONOGLOT_GPU_SHARE"
"""Environment variable: per cent of its GPUs that a job has, which scripts/on_gpu.py sets."""


@dataclass(frozen=True)
class Counters:
    """Where counters stood: seconds of processors, joules of the machine's GPUs by their UUIDs."""

    cpu_seconds: float
    gpu_joules: Mapping[str, float]


def counters() -> Counters:
    """Read the counters of this process, its ended children and the GPUs."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Counters(sum(usage.ru_utime + usage.ru_stime for usage in usages), _gpu_joules())


def used(since: Counters) -> dict[str, float | None]:
    """Return what was used since then, for a file of provenance.

    `cpu_seconds` are user and system time; of processes that train together, those of this one
    times their number. `gpu_joules` are those of the job's GPUs times its share of them, and None
    where it used none or the driver does not count them.
    """
    now, joules = counters(), None
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = cuda_in_use()
    numbers = range(cuda.device_count()) if cuda else ()
    gpus = [f"GPU-{cuda.get_device_properties(number).uuid}" for number in numbers]
    if gpus and all(gpu in since.gpu_joules and gpu in now.gpu_joules for gpu in gpus):
        share = int(os.environ.get(SHARE, "100")) / 100
        spent = sum(now.gpu_joules[gpu] - since.gpu_joules[gpu] for gpu in gpus)
        joules = round(share * spent, 3)
    return {
        "cpu_seconds": round(processes * (now.cpu_seconds - since.cpu_seconds), 3),
        "gpu_joules": joules,
    }


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


NAME = "provenance.json"
ABOUT = ("README.md", NAME)
"""Ends of names of files that tell about results and are none themselves: cards, provenance."""

Provenance = dict[str, Any]

KEYS = {
    "script": str,
    "arguments": dict,
    "code": str,
    "git_commit": (str, type(None)),
    "versions": dict,
    "hardware": dict,
    "started": str,
    "seconds": (int, float),
    "inputs": dict,
    "outputs": dict,
}
"""The keys of a provenance file and the types of their values."""

OF_TEXTS = ("versions", "inputs", "outputs")
HARDWARE = {"cpu": str, "cores": int, "gpu": (str, type(None))}


@contextmanager
def recorded(
    script: str,
    arguments: Namespace,
    inputs: Iterable[Path],
    outputs: Iterable[Path],
    to: Path,
) -> Iterator[None]:
    """Run a job within this; if it succeeds, write where its results came from to `to`.

    Inputs are hashed before the job, which has to say itself that one is missing; outputs after
    it. A folder stands for the visible files in it, without its card. Of several processes that
    train together, the first writes.

    Args:
        script: the script's `__file__`.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    began, started = time.monotonic(), datetime.now(UTC)
    stood = counters()
    file = Path(script).resolve()
    name = file.relative_to(ROOT if file.is_relative_to(ROOT) else WORKFLOW).as_posix()
    read = _hashes(inputs, to.parent)
    found = {
        "script": name,
        "arguments": {key: _plain(value) for key, value in vars(arguments).items()},
        "code": code_of(name),
        "git_commit": git_commit(),
        "started": started.isoformat(timespec="seconds"),
        "inputs": read,
    }
    yield
    found |= {
        "outputs": _hashes(outputs, to.parent),
        "versions": versions(),
        "hardware": hardware(),
        "seconds": round(time.monotonic() - began, 3),
        **used(stood),
    }
    with whole_file(to) as aside:
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")
    let_go([*(to.parent / name for name in found["outputs"]), to])


def of_folder(script: str, arguments: Namespace, inputs: Iterable[Path]):
    """Run a job that fills the folder `arguments.out` within this, see `recorded`."""
    out = arguments.out
    return recorded(script, arguments, inputs, [out], out / NAME)


def of_file(script: str, arguments: Namespace, inputs: Iterable[Path]):
    """Run a job that writes the file `arguments.out` within this, see `recorded`."""
    out = arguments.out
    return recorded(script, arguments, inputs, [out], beside(out))


def beside(file: Path) -> Path:
    """Return the path of the provenance of one file, and of those with its name before the dot."""
    return file.with_name(f"{file.name.partition('.')[0]}.{NAME}")


def provenance_of(file: Path) -> tuple[Path, Provenance] | None:
    """Return where the provenance of `file` lies, and what it says; None if there is none.

    Raises `UserError` if the file of provenance cannot be read.
    """
    candidates = (beside(file), *(folder / NAME for folder in file.parents))
    for path in candidates:
        if path.is_file():
            found = read(path)
            outputs = (os.path.realpath(path.parent / name) for name in found["outputs"])
            if os.path.realpath(file) in outputs:
                return path, found
    return None


def read(path: Path) -> Provenance:
    """Read a file of provenance; raise `UserError` if it is none."""
    found = read_json(path, "make it again")
    for key, kind in KEYS.items():
        if not isinstance(found, dict) or not isinstance(found.get(key, ...), kind):
            raise UserError(f"{path}: is not a file of provenance, for want of '{key}'")
        if key in OF_TEXTS and not all(isinstance(value, str) for value in found[key].values()):
            raise UserError(f"{path}: is not a file of provenance; '{key}' must map names to texts")
    for key, kind in HARDWARE.items():
        if not isinstance(found["hardware"].get(key, ...), kind):
            raise UserError(f"{path}: is not a file of provenance, for want of hardware.{key}")
    return found


def _hashes(paths: Iterable[Path], start: Path) -> dict[str, str]:
    """Return the SHA-256 of files, and of those in folders, by path relative to `start`."""
    start = start.resolve()
    files = [file for path in paths for file in _files(Path(path))]
    return {Path(os.path.relpath(file.resolve(), start)).as_posix(): sha256(file) for file in files}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    return [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not file.name.endswith(ABOUT)
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
