"""Copies of the project for tests that run Snakemake."""

import shutil
from pathlib import Path

import pytest
from project_copy import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a copy in which the demo is finished; never edit it."""
    project = Project(tmp_path_factory.mktemp("finished") / "project")
    project.finish()
    return project.folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Project:
    """Return a copy of the finished project, Snakemake's records included."""
    copy = Project.__new__(Project)
    copy.folder = shutil.copytree(finished, tmp_path / "project")
    return copy
