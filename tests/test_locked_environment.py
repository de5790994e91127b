"""envs/monoglot.yaml, which Snakemake copies alone, against the lock file."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONDA = ROOT / "envs" / "monoglot.yaml"


def pins(lines: list[str]) -> dict[str, str]:
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_its_versions_are_those_of_the_lock_file():
    *conda, pip = yaml.safe_load(CONDA.read_text(encoding="utf-8"))["dependencies"]
    locked = pins((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    locked |= pins(re.findall(r"^TORCH = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert conda == ["python=3.11", "pip"]
    pinned = pins(pip["pip"])
    assert len(pinned) == len(pip["pip"])  # each line is a version, and no other file's name
    assert pinned.items() <= locked.items()
    assert {"torch", "transformers", "adapters", "tokenizers", "onnxruntime"} <= pinned.keys()


def test_it_is_what_make_lock_would_write():
    """Also for a dependency that was added by hand, and for what dependencies require."""
    written = subprocess.run(
        [sys.executable, ROOT / "envs/lock.py"], capture_output=True, text=True
    )
    assert written.returncode == 0, written.stderr
    assert written.stdout == CONDA.read_text(encoding="utf-8")
