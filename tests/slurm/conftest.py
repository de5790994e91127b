"""A real SLURM cluster, and a small grid with an undisturbed run of it to compare with."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster import Cluster
from experiment import LONG, MODEL, RESULTS, TRAINING, Experiment


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
    undisturbed.here(MODEL)
    return undisturbed


@pytest.fixture
def experiment(with_long: Experiment, tmp_path: Path) -> Experiment:
    """Return a copy of the finished grid."""
    copy = with_long.copy(tmp_path / "project")
    shutil.rmtree(copy.folder / RESULTS / "logs")
    return copy


@pytest.fixture
def training(experiment: Experiment, cluster: Cluster):
    """Return a run in the middle of the long training, the number of its job, and its node."""
    experiment.remake(LONG)
    run = experiment.start(MODEL)
    run.until(lambda: "step 50 " in experiment.said(TRAINING))
    ((job, _, node, _),) = cluster.queue()
    yield run, job, node
    run.process.kill()
    run.process.wait()


@pytest.fixture(autouse=True)
def quiet(cluster: Cluster):
    """Leave no job and no lame node to the next test."""
    yield
    cluster.rest()
