"""The axes of growth, and the list of benchmarks that `make bench` runs."""

import subprocess
from math import isclose
from pathlib import Path

import growth
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("axis", growth.AXES.values(), ids=growth.AXES)
def test_an_axis_names_a_benchmark_its_options_and_its_sides(axis):
    command = [*growth.command_of(axis), str(axis.values[0]), "--only", *axis.sides, "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_slopes_are_those_of_the_largest_values():
    table = pd.DataFrame({"side": ["a"] * 3 + ["b"] * 3, "x": [1, 2, 4] * 2})
    table["y"] = [7, 3, 12, 5, 5, 10]
    found = growth.slopes(table)
    assert isclose(found["a"], 2)
    assert isclose(found["b"], 1)


def test_a_plot_is_a_picture():
    axis = growth.AXES["jobs"]
    table = pd.DataFrame({"side": ["a", "a", "b", "b"], "x": [1, 2] * 2, "y": [1, 2, 3, 5]})
    assert growth.plot(axis, table).startswith(b"\x89PNG")
    assert "slope" in growth.as_markdown(axis, table)


def test_make_bench_runs_every_benchmark():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in (ROOT / "benchmarks").glob("*.py"):
        if path.stem != "comparison" and " compare(" in path.read_text(encoding="utf-8"):
            assert f"$(BENCH)/{path.name} " in makefile, f"'make bench' leaves out {path.name}"
