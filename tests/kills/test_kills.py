"""Whatever is killed whenever, the same command again ends in the results of an undisturbed run.

MONOGLOT_KILLS says how many kills (50), MONOGLOT_KILLS_SEED which ones.
"""

import os
import random

import psutil
import pytest

from monoglot.files import SUFFIX
from tests.kills.killer import Killer
from tests.kills.project import GRID, Grid

KILLS = int(os.environ.get("MONOGLOT_KILLS", 50))
SEED = int(os.environ.get("MONOGLOT_KILLS_SEED", random.randrange(10**6)))


def processes_in(folder):
    found = []
    for process in psutil.process_iter(["cwd"]):
        if str(folder) in (process.info["cwd"] or ""):
            found.append(process)
    return found


@pytest.mark.slow
def test_after_any_kills_the_results_are_those_of_an_undisturbed_run(undisturbed, tmp_path, capsys):
    expected = undisturbed.results()
    assert any("figures" in name for name in expected)
    killer, rounds = Killer(SEED, KILLS), 0
    with capsys.disabled():
        print(f"\n{KILLS} kills, MONOGLOT_KILLS_SEED={SEED}", flush=True)
    while killer.left:
        rounds += 1
        grid = Grid(tmp_path / f"killed{rounds}")
        killer.finish(grid)
        found = grid.results()
        assert found == expected, differing(found, expected)
        assert not list(grid.folder.rglob(f"*{SUFFIX}")), "files of killed jobs lie around"
        assert not processes_in(grid.folder)
        dry = grid.snakemake("--configfile", GRID, "--dry-run")
        assert "Nothing to be done" in dry.stdout
        with capsys.disabled():
            print(f"round {rounds}: {killer.report()}; {len(found)} files as they should be")


def differing(found, expected):
    return {
        name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
    }
