"""Whether this machine has what a run needs: checks that say what they find, and what to do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from monoglot import forecast
from monoglot.data.download import HUB, LocalFile, all_needs, at_hand
from monoglot.data.hub import answer
from monoglot.errors import UserError, first_few, first_line
from monoglot.gpus import visible
from monoglot.graph import Graph
from monoglot.provenance import ROOT, git_commit, hardware

OK, WARN, FAIL = "ok", "warn", "fail"
"""Fine; works, but something will be missed; a run cannot work."""
GIGABYTE = 10**9
ANSWER_SECONDS, HUB_SECONDS = 30, 5


@dataclass(frozen=True)
class Finding:
    """One line of the account: what was looked at, its state, what was found, what to do."""

    name: str
    state: str
    said: str
    todo: str = ""


Found = tuple[str, str] | tuple[str, str, str]
"""What a check returns: state, what was found, and what to do if it is not fine."""


def found(checks: dict[str, Callable[[], Found | None]]) -> Iterator[Finding]:
    """Yield the findings of all checks; one that breaks is a warning, and the others go on."""
    for name, check in checks.items():
        try:
            if result := check():
                yield Finding(name, *result)
        # Whatever drivers and libraries make of a broken machine, the rest is worth saying.
        except Exception as error:
            said = f"cannot be looked at ({first_line(error)})"
            yield Finding(name, WARN, said, "See what it says.")


def findings_of(
    experiment: tuple[str, Callable[[], Graph]] | None, requirements: Path | None
) -> Iterator[Finding]:
    """Look at everything, and yield what is found as it is.

    Args:
        experiment: the name of a configuration and what makes its graph, if one is to be run.
        requirements: the project's pins.
    """
    needed = Wants()
    if experiment:
        name, graph = experiment
        try:
            needed = wants(graph())
            yield Finding("configuration", OK, f"{name} is sound")
        except UserError as error:
            yield Finding("configuration", FAIL, str(error), "Correct the configuration.")
        if needed.missing:
            said = f"{len(needed.missing)} files are missing, first {needed.missing[0]}"
            yield Finding("raw files", FAIL, said, "Put them there, see docs/data.md.")
    yield from found(
        {
            "Python": lambda: (OK, f"{sys.version.split()[0]} ({sys.executable})"),
            "packages": packages,
            "versions": lambda: versions(requirements) if requirements else None,
            "extras": extras,
            "processor": processor,
            "memory": lambda: memory(needed.memory),
            "GPU": gpus,
            "results": lambda: folder(needed.results, needed.bytes),
            "Hub's cache": cache,
            "Hub": lambda: hub(needed.to_fetch),
            "Hub token": token,
            "SLURM": slurm,
            "git": git,
        }
    )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)


# What a configuration needs.

STUDENT, TEACHER = 16, 4
"""Bytes a parameter in training: weights, gradients and two moments; weights of the teacher."""


@dataclass(frozen=True)
class Wants:
    """Needs of a configuration, None where there is none.

    Attributes:
        results: where it writes.
        bytes: of checkpoints and adapters that are not there yet.
        memory: bytes of the largest training, without its batches.
        to_fetch: sets and models that are to be downloaded.
        missing: files that somebody must put on this machine.
    """

    results: Path = Path("results")
    bytes: int | None = None
    memory: int | None = None
    to_fetch: int | None = None
    missing: tuple[Path, ...] = ()


def wants(graph: Graph) -> Wants:
    """Return what a configuration needs; raise `UserError` if it lacks a source."""
    results = Path(graph.config["results"])
    absent = [need for need in all_needs(graph) if not at_hand(need)]
    missing = tuple(need.path for need in absent if isinstance(need, LocalFile))
    nodes = [
        n for n in graph.checkpoints if not (results / "models" / str(n) / "config.json").exists()
    ]
    runs = [
        run
        for run in graph.runs
        if not graph.is_baseline(run.variant) and not (results / "scores" / str(run)).exists()
    ]
    sizes = [forecast.checkpoint_bytes(graph, node) for node in nodes]
    sizes += [forecast.adapters_bytes(graph, run) for run in runs]
    memory = [0]
    for node in nodes:
        if graph.operation(node.variant) == "train":
            teacher = graph.teacher(node)
            of_teacher = TEACHER * forecast.parameters(graph, teacher) if teacher else 0
            memory.append(STUDENT * forecast.parameters(graph, node) + of_teacher)
    return Wants(results, sum(sizes), max(memory), len(absent) - len(missing), missing)


# Packages.

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)
VITAL = ("click", "pyarrow", "pydantic", "safetensors", "scikit-learn", "seqeval")
VITAL += ("snakemake", "tokenizers", "torch", "transformers")
"""Without these nothing runs."""
SLURM_PLUGIN = "snakemake-executor-plugin-slurm"
OPTIONAL = {
    "adapters": "adapters",
    SLURM_PLUGIN: "slurm",
    "onnxruntime": "onnx",
    "codecarbon": "energy",
    "tensorboard": "tensorboard",
}
"""Packages of extras, and the name of the extra."""


def packages() -> Found | None:
    """Say which packages are missing that nothing runs without."""
    if not (missing := [name for name in VITAL if installed(name) is None]):
        return None
    said = f"{', '.join(missing)} missing"
    return FAIL, said, "Make the environment: `make demo`, or pip install."


def versions(requirements: Path) -> Found:
    """Compare what is installed with the pins of a requirements.txt."""
    pins = dict(PIN.findall(requirements.read_text(encoding="utf-8")))
    have = {name: installed(name) for name in pins}
    absent = [name for name in pins if have[name] is None]
    others = [f"{n} {have[n]} for {pin}" for n, pin in pins.items() if have[n] not in (None, pin)]
    if not (absent or others):
        return OK, f"all {len(pins)} packages as pinned"
    about = {"others than pinned": others, "not installed": absent}
    said = "; ".join(f"{what}: {first_few(some, 4)}" for what, some in about.items() if some)
    todo = "For the same numbers on every machine: pip install -r requirements.txt."
    return WARN, said, todo


def extras() -> Found:
    """Say which extras are installed."""
    there = [extra for package, extra in OPTIONAL.items() if installed(package)]
    lacking = [extra for extra in OPTIONAL.values() if extra not in there]
    said = f"there: {', '.join(there) or 'none'}"
    if lacking:
        said += f"; not there, and needed only by those who use them: {', '.join(lacking)}"
    return OK, said


def installed(name: str) -> str | None:
    """Return the version of a package, without its build (`+cpu`); None if it is not there."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


# Processors, memory, GPUs.

LITTLE_MEMORY = 6 * GIGABYTE
"""What the demo and the tests need with some room."""
VECTORS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
FAST = {"avx2", "asimd"}
QUERY = "name,memory.total,driver_version,compute_mode"


def processor() -> Found:
    """Say which processor there is, how many threads this process may use, and how wide it is."""
    about, quota, flags = hardware(), _quota(), _flags()
    vectors = [name for name in VECTORS if name in flags]
    threads = os.environ.get("OMP_NUM_THREADS")
    said = f"{about['cpu']}; {about['cores']} cores for this process"
    said += f"; OMP_NUM_THREADS={threads}" if threads else ""
    said += f"; {', '.join(vectors)}" if vectors else ""
    if quota and quota < int(about["cores"] or 1):
        return WARN, said, f"The container may use {quota:g} of them: give that number as --cores."
    if flags and not FAST & set(vectors):
        return WARN, said, "Training will be slow: it has no AVX2."
    return OK, said


def memory(needed: float | None) -> Found:
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
        return FAIL, said, todo
    if limit < LITTLE_MEMORY:
        return WARN, said, "Run one job at a time: --cores 1."
    return OK, said


def gpus() -> Found:
    """Say which build of torch there is, and whether it can use the GPUs there are."""
    import torch

    cuda, there = torch.version.cuda, _nvidia()
    said = f"torch {torch.__version__}, for {f'CUDA {cuda}' if cuda else 'processors alone'}"
    if not there:
        return OK, f"{said}; no NVIDIA GPU here, training runs on the processor"
    said = "; ".join([said, *(f"{name}, {mb} MiB, driver {no}" for name, mb, no, _ in there)])
    modes, hidden = [mode for *_, mode in there], os.environ.get("CUDA_VISIBLE_DEVICES")
    if not cuda:
        todo = "Install the build of torch for CUDA, or the GPUs stay idle: see pytorch.org."
        return WARN, said, todo
    if not torch.cuda.is_available():
        if hidden is not None and not visible():
            return WARN, said, f"CUDA_VISIBLE_DEVICES={hidden} hides all GPUs."
        todo = "torch cannot use them: the driver is probably older than this CUDA; renew it."
        return FAIL, said, todo
    if "Prohibited" in modes:
        todo = "A GPU's compute mode forbids work: nvidia-smi --compute-mode=DEFAULT."
        return FAIL, said, todo
    if "Exclusive_Process" in modes:
        todo = (
            "Compute mode Exclusive_Process lets one job on a GPU at a time; run with "
            "--set-resources evaluate:gpu_share=100, or nvidia-smi --compute-mode=DEFAULT."
        )
        return WARN, said, todo
    return OK, said


def _nvidia() -> list[list[str]]:
    """Name, memory, driver and compute mode of each GPU; none without nvidia-smi."""
    try:
        told = _run("nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits")
        told.check_returncode()
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.split(", ") for line in told.stdout.splitlines() if line.count(", ") == 3]


def _flags() -> list[str]:
    """What the processor can, as Linux lists it; nothing elsewhere."""
    about = _told("/proc/cpuinfo") or ""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", about, re.MULTILINE)
    return found[1].split() if found else []


def _quota() -> float | None:
    """Processors that a container may use, None without a limit."""
    limit, _, period = (_told("/sys/fs/cgroup/cpu.max") or "max").partition(" ")
    return None if limit == "max" else float(limit) / float(period)


def _memory_limit() -> int | None:
    """Bytes that a container may use, None without a limit."""
    limit = (_told("/sys/fs/cgroup/memory.max") or "max").strip()
    return None if limit == "max" else int(limit)


def _told(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return None


# Disks.

ROOM = 1.2
"""What is free should be this much more than what is needed."""
LITTLE_ROOM = 2 * GIGABYTE


def folder(path: Path, needed: int | None) -> Found:
    """Say how much room a folder has, made or not, and whether it can be written to.

    Args:
        needed: bytes that a run will write there, if known.
    """
    whole = path.absolute()
    # It or the nearest one above it that there is, which may be a file.
    there = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".monoglot-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        said = f"{path}: {error.strerror or error}"
        return FAIL, said, f"Make {there} writable for yourself."
    free = shutil.disk_usage(there).free
    said = f"{path}: {free / GIGABYTE:.1f} GB free"
    if needed:
        said += f", {needed / GIGABYTE:.1f} GB needed"
    if needed and free < needed:
        return FAIL, said, "Free space there, or name another folder."
    if free < (ROOM * needed if needed else LITTLE_ROOM):
        return WARN, said, "That is little: free space there."
    return OK, said


def cache() -> Found:
    """Say how much room there is where the Hub's files are kept."""
    from huggingface_hub import constants

    return folder(Path(constants.HF_HUB_CACHE), None)


# What a run talks to: the Hub, SLURM, git.


def hub(to_fetch: int | None) -> Found:
    """Say whether the Hub can be reached; `to_fetch` is how many repositories are still needed."""
    address = os.environ.get("HF_ENDPOINT", HUB)
    told = answer(address, HUB_SECONDS)
    if isinstance(told, int) and told < 500:
        return OK, f"{address} answers"
    said = f"{address}: {told if isinstance(told, str) else f'answers {told}'}"
    if to_fetch:
        todo = (
            f"{to_fetch} sets or models are not here yet: run scripts/download.py where there is "
            "a network, and copy its cache."
        )
        return FAIL, said, todo
    if to_fetch == 0:
        return OK, f"{said}, but nothing is needed from it"
    todo = "Only what is in the cache or in local folders can be used; see docs/data.md."
    return WARN, said, todo


def token() -> Found:
    """Say whether there is a token for the Hub, but not which."""
    from huggingface_hub import get_token

    none = "none; only gated sets and `monoglot push` need one"
    return OK, "there is one" if get_token() else none


def slurm() -> Found:
    """Say whether this is a SLURM cluster, and Snakemake can use it."""
    if not shutil.which("sbatch"):
        return OK, "not here; only `monoglot run --slurm` needs it"
    told, plugin = _run("sbatch", "--version"), installed(SLURM_PLUGIN)
    if told.returncode:
        todo = "SLURM is installed, but does not work: set it up, or leave --slurm alone."
        return WARN, (told.stderr.strip().splitlines() or ["sbatch fails"])[-1], todo
    if plugin is None:
        return WARN, told.stdout.strip(), f"Install {SLURM_PLUGIN}: pip install 'monoglot[slurm]'."
    return OK, f"{told.stdout.strip()}, plugin {plugin}"


def git() -> Found:
    """Say which commit this is, which records name."""
    if not shutil.which("git"):
        todo = "Install git, or records will not say which code they come from."
        return WARN, "not installed", todo
    commit = git_commit()
    if commit is None:
        return WARN, f"{ROOT} is no checkout", "Records will name no commit."
    changed = _run("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    edited = len(changed.stdout.splitlines())
    return OK, f"commit {commit[:12]}" + (f", files edited since: {edited}" if edited else "")
