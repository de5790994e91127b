"""The grid as it is when nobody disturbs it."""

import pytest

from tests.kills.project import Grid


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    """Return a finished grid; never edit it."""
    grid = Grid(tmp_path_factory.mktemp("undisturbed") / "project")
    assert grid.start().wait() == 0, grid.screen
    return grid
