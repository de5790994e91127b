"""Places that are really faulty, and scripts that meet them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monoglot.tokens.store import build_store

ROOT = Path(__file__).parents[2]
TEXTS = ["il kelb jiġri wara il qattus", "id dar hija kbira", "a dog runs after the cat"] * 10


@pytest.fixture
def small_disk(tmp_path):
    """Return `small_disk(options)`: a folder that is a disk of its own, in memory."""
    if os.geteuid():
        pytest.skip("only root may mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Change a mounted disk: `size=1m`, `ro`, `rw`."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


@pytest.fixture(scope="session")
def given(tiny_checkpoint: Callable, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a checkpoint and a token store under its tokenizer."""
    store = tmp_path_factory.mktemp("given") / "store"
    build_store(TEXTS, tiny_checkpoint("bert"), store)
    return {"checkpoint": tiny_checkpoint("bert"), "store": store}


def start(script: str, *arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Run a script to its end."""
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / f"{script}.py", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | options.pop("variables", {}),
        capture_output=True,
        text=True,
        **options,
    )


def train(given: dict[str, Path], out: Path, *more: object, **options: object):
    """Run a short training."""
    about = ("--parent", given["checkpoint"], "--tokens", given["store"])
    about += ("--validation", given["store"], "--max-length", 24)
    return start("train", *about, "--out", out, *(more or ("--steps", 2)), **options)


def only_sentence(done: subprocess.CompletedProcess) -> str:
    """Return the one sentence that a script failed with."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    return errors[0]
