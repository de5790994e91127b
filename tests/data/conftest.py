"""Downloads of a tiny experiment, by the command, from the stand-in or from the cache alone."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hub_experiment
import pytest
from hub_stand_in import Hub, serve

ROOT = Path(__file__).parents[2]
Download = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def hub(tiny_checkpoint: Callable[[str], Path]) -> Iterator[Hub]:
    """Serve the tiny experiment's model and sets."""
    with serve(hub_experiment.published(tiny_checkpoint("bert"))) as hub:
        yield hub


@pytest.fixture
def folder(hub: Hub, tmp_path: Path) -> Path:
    """Return a working folder with the experiment's config.yaml."""
    (tmp_path / "work").mkdir()
    config = hub_experiment.configuration(hub, tmp_path)
    hub_experiment.write(config, tmp_path / "work" / "config.yaml")
    return tmp_path / "work"


@pytest.fixture
def variables(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user whose Hub is the stand-in."""
    kept = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
    return {**kept, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return where the Hub's cache is."""
    return tmp_path / "home" / "hub"


@pytest.fixture
def download(folder: Path, variables: dict[str, str]) -> Download:
    """Return `download(*arguments, **variables)`, which runs the command."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(ROOT / "scripts/download.py"), *arguments]
        environment = variables | more
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    return run
