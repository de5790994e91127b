"""A real SLURM cluster, and a small grid with an undisturbed run of it to compare with."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster import Cluster
from experiment import LONG, Experiment


@pytest.fixture(scope="session")
def cluster():
    """Return the cluster; all tests share it."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Return the grid, finished on this machine without SLURM; never change it."""
    experiment = Experiment(tmp_path_factory.mktemp("undisturbed") / "project")
    experiment.here()
    return experiment


@pytest.fixture(scope="session")
def with_long(undisturbed: Experiment) -> Experiment:
    """Return the same with the checkpoint that takes longer; never change it."""
    undisturbed.here(f"{LONG}/model.safetensors")
    return undisturbed


@pytest.fixture
def experiment(with_long: Experiment, tmp_path: Path) -> Experiment:
    """Return a copy of the finished grid."""
    return with_long.copy(tmp_path / "project")


@pytest.fixture
def training(experiment: Experiment, cluster: Cluster):
    """Return a run that makes the long checkpoint again, its job's number and its node.

    The job is in the middle of its training.
    """
    experiment.remake(LONG)
    run = experiment.start(f"{LONG}/model.safetensors")
    log = experiment.folder / "results/grid/logs/train/mbert/qaa/long.log"
    log.unlink(missing_ok=True)
    run.until(lambda: log.is_file() and "step" in log.read_text())
    job, _, node, _ = cluster.queue()[0]
    yield run, job, node
    run.process.kill()
    run.process.wait()
