"""Whether this machine has what a run needs: checks that say what they find, and what to do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from monoglot import forecast
from monoglot.data.download import OFFLINE, LocalFile, all_needs, at_hand
from monoglot.errors import UserError, first_few, first_line
from monoglot.gpus import visible
from monoglot.graph import Graph
from monoglot.paths import Checkpoint
from monoglot.provenance import ROOT, git_commit, hardware

OK, WARN, FAIL = "ok", "warn", "fail"
"""Fine; works, but something will be missed; a run cannot work."""


@dataclass(frozen=True)
class Finding:
    """One line of the account.

    Attributes:
        name: what was looked at.
        state: `ok`, `warn` or `fail`.
        said: what was found.
        todo: what to do about it, one sentence; empty if it is fine.
    """

    name: str
    state: str
    said: str
    todo: str = ""


Check = Callable[[], Iterator[Finding]]


def found(checks: dict[str, Check]) -> Iterator[Finding]:
    """Yield the findings of all checks; one that breaks is a warning, and the others go on."""
    for name, check in checks.items():
        try:
            yield from check()
        # Whatever drivers and libraries make of a broken machine, the rest is worth saying.
        except Exception as error:
            reason = first_line(error)
            yield Finding(name, WARN, f"cannot be looked at ({reason})", "See what it says.")


def findings_of(
    experiment: tuple[str, Callable[[], Graph]] | None, requirements: Path | None
) -> Iterator[Finding]:
    """Look at everything, and yield what is found as it is.

    Args:
        experiment: the name of a configuration and what makes its graph, if one is to be run.
        requirements: the project's pins.
    """
    needed = None
    if experiment:
        name, graph = experiment
        try:
            needed = wants(graph())
            yield Finding("configuration", OK, f"{name} is sound")
        except UserError as error:
            yield Finding("configuration", FAIL, str(error), "Correct the configuration.")
        if needed and needed.missing:
            said = f"{len(needed.missing)} files are missing, first {needed.missing[0]}"
            yield Finding("raw files", FAIL, said, "Put them there, see docs/data.md.")
    results = needed.results if needed else Path("results")
    yield from found(
        {
            "Python": python,
            "packages": lambda: packages(requirements),
            "processor": processor,
            "memory": lambda: memory(needed.memory if needed else None),
            "GPU": gpus,
            "results": lambda: folder("results", results, needed.bytes if needed else None),
            "cache": lambda: folder("Hub's cache", hub_cache(), None),
            "Hub": lambda: hub(needed.to_fetch if needed else None),
            "Hub token": token,
            "SLURM": slurm,
            "git": git,
        }
    )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)


# What a configuration needs.

STUDENT = 16
TEACHER = 4
"""Bytes a parameter in training: weights, gradients and two moments; weights of the teacher."""


@dataclass(frozen=True)
class Wants:
    """Needs of a configuration.

    Attributes:
        results: where it writes.
        bytes: of checkpoints and adapters that are not there yet.
        memory: bytes of the largest training, without its batches.
        to_fetch: sets and models that are to be downloaded.
        missing: files that somebody must put on this machine.
    """

    results: Path
    bytes: int
    memory: int
    to_fetch: int
    missing: list[str]


def wants(graph: Graph) -> Wants:
    """Return what a configuration needs; raise `UserError` if it lacks a source."""
    results = Path(graph.config["results"])
    absent = [need for need in all_needs(graph) if not at_hand(need)]
    local = [need for need in absent if isinstance(need, LocalFile)]
    nodes = [
        n for n in graph.checkpoints if not (results / "models" / str(n) / "config.json").exists()
    ]
    runs = [run for run in graph.runs if not graph.is_baseline(run.variant)]
    runs = [run for run in runs if not (results / "scores" / str(run)).exists()]
    return Wants(
        results=results,
        bytes=_bytes(graph, nodes, runs),
        memory=max((_memory(graph, n) for n in nodes if _trains(graph, n)), default=0),
        to_fetch=len(absent) - len(local),
        missing=[os.fspath(need.path) for need in local],
    )


def _bytes(graph: Graph, nodes: list[Checkpoint], runs: list) -> int:
    made = sum(forecast.checkpoint_bytes(graph, node) for node in nodes)
    return made + sum(forecast.adapters_bytes(graph, run) for run in runs)


def _trains(graph: Graph, node: Checkpoint) -> bool:
    return graph.operation(node.variant) == "train"


def _memory(graph: Graph, node: Checkpoint) -> int:
    teacher = graph.teacher(node)
    of_teacher = TEACHER * forecast.parameters(graph, teacher) if teacher else 0
    return STUDENT * forecast.parameters(graph, node) + of_teacher


# Python and its packages.

NEEDED = (3, 11)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")
VITAL = ("click", "pyarrow", "pydantic", "safetensors", "scikit-learn", "seqeval")
VITAL += ("snakemake", "tokenizers", "torch", "transformers")
"""Without these nothing runs."""

OPTIONAL = {
    "adapters": "adapters",
    "snakemake-executor-plugin-slurm": "slurm",
    "onnxruntime": "onnx",
    "codecarbon": "energy",
    "tensorboard": "tensorboard",
}
"""Packages of extras, and the name of the extra."""


def python() -> Iterator[Finding]:
    """Say which Python this is."""
    said = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info < NEEDED:
        yield Finding("Python", FAIL, said, "Install Python 3.11 or newer.")
    else:
        yield Finding("Python", OK, said)


def packages(requirements: Path | None) -> Iterator[Finding]:
    """Compare what is installed with the pins of a requirements.txt, if there is one."""
    missing = [name for name in VITAL if installed(name) is None]
    if missing:
        todo = "Make the environment: `make demo`, or pip install."
        yield Finding("packages", FAIL, f"{', '.join(missing)} missing", todo)
    if requirements:
        yield _versions(dict(read_pins(requirements)))
    yield _extras()


def _versions(pins: dict[str, str]) -> Finding:
    have = {name: installed(name) for name in pins}
    absent = [name for name in pins if have[name] is None]
    others = [f"{n} {have[n]} for {pin}" for n, pin in pins.items() if have[n] not in (None, pin)]
    if not (absent or others):
        return Finding("versions", OK, f"all {len(pins)} packages as pinned")
    parts = [f"others than pinned: {first_few(others, 4)}"] if others else []
    parts += [f"not installed: {first_few(absent, 4)}"] if absent else []
    todo = "For the same numbers on every machine: pip install -r requirements.txt."
    return Finding("versions", WARN, "; ".join(parts), todo)


def _extras() -> Finding:
    there = [extra for package, extra in OPTIONAL.items() if installed(package)]
    lacking = [extra for extra in OPTIONAL.values() if extra not in there]
    said = f"there: {', '.join(there) or 'none'}"
    if lacking:
        said += f"; not there, and needed only by those who use them: {', '.join(lacking)}"
    return Finding("extras", OK, said)


def installed(name: str) -> str | None:
    """Return the version of a package, without its build (`+cpu`); None if it is not there."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def read_pins(path: Path) -> Iterator[tuple[str, str]]:
    """Yield names and versions of a requirements file's exact pins."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if pin := PIN.match(line):
            yield pin[1], pin[2]


# Processors, memory, GPUs.

ANSWER_SECONDS = 30
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
    if threads := os.environ.get("OMP_NUM_THREADS"):
        parts.append(f"OMP_NUM_THREADS={threads}")
    said = "; ".join([*parts, ", ".join(vectors)] if vectors else parts)
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
    try:
        told = _run("nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits")
        told.check_returncode()
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


# Disks.

ROOM = 1.2
"""What is free should be this much more than what is needed."""

LITTLE_ROOM = 2 * GIGABYTE


def folder(name: str, path: Path, needed: int | None) -> Iterator[Finding]:
    """Say how much room a folder has, made or not, and whether it can be written to.

    Args:
        needed: bytes that a run will write there, if known.
    """
    there = _existing(path)
    free = shutil.disk_usage(there).free
    said = f"{path}: {free / GIGABYTE:.1f} GB free"
    if needed:
        said += f", {needed / GIGABYTE:.1f} GB needed"
    if fault := _cannot_write(there):
        yield Finding(name, FAIL, f"{path}: {fault}", f"Make {there} writable for yourself.")
    elif needed and free < needed:
        yield Finding(name, FAIL, said, "Free space there, or name another folder.")
    elif free < (ROOM * needed if needed else LITTLE_ROOM):
        yield Finding(name, WARN, said, "That is little: free space there.")
    else:
        yield Finding(name, OK, said)


def hub_cache() -> Path:
    """Return where the Hub's files are kept."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _existing(path: Path) -> Path:
    """Return a path or the nearest one above it that there is, which may be a file."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def _cannot_write(there: Path) -> str | None:
    """Write a file and take it away again; say why that is impossible."""
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".monoglot-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return None


# What a run talks to: the Hub, SLURM, git.

HUB_SECONDS = 5
HUB = "https://huggingface.co"
SLURM_PLUGIN = "snakemake-executor-plugin-slurm"


def hub(to_fetch: int | None) -> Iterator[Finding]:
    """Say whether the Hub can be reached; `to_fetch` is how many repositories are still needed."""
    address = os.environ.get("HF_ENDPOINT", HUB)
    offline = [
        name for name in OFFLINE if os.environ.get(name, "").lower() in ("1", "true", "yes", "on")
    ]
    reason = f"{offline[0]} is set" if offline else _unreachable(address)
    if reason is None:
        yield Finding("Hub", OK, f"{address} answers")
    elif to_fetch:
        todo = (
            f"{to_fetch} sets or models are not here yet: run scripts/download.py where there is "
            "a network, and copy its cache."
        )
        yield Finding("Hub", FAIL, f"{address}: {reason}", todo)
    elif to_fetch == 0:
        yield Finding("Hub", OK, f"{address}: {reason}, but nothing is needed from it")
    else:
        todo = "Only what is in the cache or in local folders can be used; see docs/data.md."
        yield Finding("Hub", WARN, f"{address}: {reason}", todo)


def token() -> Iterator[Finding]:
    """Say whether there is a token for the Hub, but not which."""
    from huggingface_hub import get_token

    said = "there is one" if get_token() else "none; only gated sets and `monoglot push` need one"
    yield Finding("Hub token", OK, said)


def slurm() -> Iterator[Finding]:
    """Say whether this is a SLURM cluster, and Snakemake can use it."""
    if not shutil.which("sbatch"):
        yield Finding("SLURM", OK, "not here; only `monoglot run --slurm` needs it")
        return
    told = _run("sbatch", "--version")
    plugin = installed(SLURM_PLUGIN)
    if told.returncode:
        todo = "SLURM is installed, but does not work: set it up, or leave --slurm alone."
        said = told.stderr.strip().splitlines() or ["sbatch fails"]
        yield Finding("SLURM", WARN, said[-1], todo)
    elif plugin is None:
        todo = f"Install {SLURM_PLUGIN}: pip install 'monoglot[slurm]'."
        yield Finding("SLURM", WARN, told.stdout.strip(), todo)
    else:
        yield Finding("SLURM", OK, f"{told.stdout.strip()}, plugin {plugin}")


def git() -> Iterator[Finding]:
    """Say which commit this is, which records name."""
    if not shutil.which("git"):
        todo = "Install git, or records will not say which code they come from."
        yield Finding("git", WARN, "not installed", todo)
        return
    commit = git_commit()
    if commit is None:
        yield Finding("git", WARN, f"{ROOT} is no checkout", "Records will name no commit.")
        return
    changed = _run("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    edited = [line for line in changed.stdout.splitlines() if line.strip()]
    said = f"commit {commit[:12]}" + (f", files edited since: {len(edited)}" if edited else "")
    yield Finding("git", OK, said)


def _unreachable(address: str) -> str | None:
    """Why an address does not answer, None if it does."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=HUB_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code < 500 else f"answers {error.code}"
    except (OSError, ValueError) as error:
        return f"cannot be reached ({getattr(error, 'reason', error)})"
