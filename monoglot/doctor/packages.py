"""Python and its packages, against what the project pins."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from monoglot.doctor.findings import FAIL, OK, WARN, Finding

NEEDED = (3, 11)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")
VITAL = ("adapters", "click", "pandas", "pyarrow", "safetensors", "scikit-learn", "seqeval")
VITAL += ("snakemake", "tokenizers", "torch", "transformers")
"""Without these nothing runs."""

OPTIONAL = {
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
    parts = [f"others than pinned: {_few(others)}"] if others else []
    parts += [f"not installed: {_few(absent)}"] if absent else []
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


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
