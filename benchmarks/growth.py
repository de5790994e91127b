"""How cost grows: with jobs, vocabulary, hidden size and so on, each by another benchmark.

`python benchmarks/growth.py --axes jobs` runs benchmarks/planning.py for several numbers of jobs
and writes `growth-jobs.csv` and `growth-jobs.png`. Both axes of the plot are logarithmic; a slope
of 1 is growth in proportion, of 2 with the square. The slope stated is that of the two largest
values, where fixed costs count least.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from math import log
from pathlib import Path

import pandas as pd
from comparison import OUT, ROOT

from monoglot.figures.canvas import Canvas, look
from monoglot.files import whole_file

STEP = "distillation.py --small --batch 1 --micro-batch 1 --length 256"


@dataclass(frozen=True)
class Axis:
    """What grows, and what it takes.

    Args:
        benchmark: its file and the options that stay.
        option: the option that grows.
        values: of the option.
        sides: to run.
        x: column of the benchmark's CSV for the horizontal axis; empty for the option's value.
        y: column for the vertical axis.
        label: of the horizontal axis.
        unit: label of the vertical axis.
    """

    benchmark: str
    option: str
    values: tuple[int, ...]
    sides: tuple[str, ...]
    label: str
    unit: str
    x: str = ""
    y: str = "cpu_seconds"


PLANNING = {
    "sides": ("empty jobs", "monoglot"),
    "values": (1, 2, 4, 8),
    "option": "--times",
    "unit": "CPU seconds of a dry run",
    "x": "jobs",
}
DISTILLATION = {
    "sides": ("whole logits", "monoglot"),
    "unit": "CPU seconds of a step",
    "y": "step_cpu_seconds",
}
AXES = {
    "jobs": Axis("planning.py --by languages", label="jobs, by more languages", **PLANNING),
    "jobs-variants": Axis("planning.py --by variants", label="jobs, by more variants", **PLANNING),
    "vocabulary": Axis(
        STEP, "--vocabulary", (30_000, 60_000, 120_000, 240_000), label="pieces", **DISTILLATION
    ),
    "hidden": Axis(STEP, "--hidden", (96, 192, 384, 768), label="hidden units", **DISTILLATION),
    "batch": Axis(
        "distillation.py --small --vocabulary 60000 --length 256 --micro-batch 1",
        "--batch",
        (1, 2, 4, 8),
        label="sequences a step",
        **DISTILLATION,
    ),
    "corpus": Axis(
        "vocabulary.py counting",
        "--megabytes",
        (1, 2, 4, 8),
        ("encode_batch_fast", "monoglot"),
        label="megabytes of text",
        unit="CPU seconds to count pieces",
    ),
    "seeds": Axis(
        "adapter_runs.py --shape 2x96-192 --steps 2",
        "--seeds",
        (1, 2, 4, 8),
        ("plain", "together"),
        label="seeds",
        unit="CPU seconds of 1,000 examples",
        y="all_seeds_seconds",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES), metavar="AXIS")
    parser.add_argument("--runs", type=int, default=1, help="of each side at each value")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of CSV files and plots")
    options = parser.parse_args()
    for name in options.axes:
        table = grown(AXES[name], options.runs)
        for ending, content in (
            ("csv", table.to_csv(index=False).encode()),
            ("png", plot(AXES[name], table)),
        ):
            with whole_file(options.out / f"growth-{name}.{ending}") as aside:
                aside.write_bytes(content)
        print(f"\n{name}: {AXES[name].unit}\n\n{as_markdown(AXES[name], table)}", flush=True)


def grown(axis: Axis, runs: int) -> pd.DataFrame:
    """Run the benchmark at every value; return the medians, a line for each side and value."""
    found = []
    for value in axis.values:
        with tempfile.TemporaryDirectory() as folder:
            csv = Path(folder, "measured.csv")
            command = [*command_of(axis), str(value), "--runs", str(runs), "--csv", str(csv)]
            command += ["--only", *axis.sides]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            medians = pd.read_csv(csv).groupby("side", sort=False).median(numeric_only=True)
        x = medians[axis.x] if axis.x else value
        found.append(pd.DataFrame({"x": x, "y": medians[axis.y]}).reset_index())
    return pd.concat(found)


def command_of(axis: Axis) -> list[str]:
    """Return the command of an axis, up to the value of its option."""
    script, *fixed = axis.benchmark.split()
    return [sys.executable, str(ROOT / "benchmarks" / script), *fixed, axis.option]


def slopes(table: pd.DataFrame) -> dict[str, float]:
    """Return by side the slope, in logarithms, between the two largest values."""
    found = {}
    for side, rows in table.groupby("side", sort=False):
        (x, y), (x_last, y_last) = rows[["x", "y"]].sort_values("x").to_numpy()[-2:]
        found[side] = log(y_last / y) / log(x_last / x)
    return found


def as_markdown(axis: Axis, table: pd.DataFrame) -> str:
    """Return a row for each side: its values, and the slope."""
    wide = table.pivot_table(index="side", columns="x", values="y", sort=False)
    wide.index.name = axis.label
    return wide.assign(slope=slopes(table)).to_markdown(floatfmt=".3g")


def plot(axis: Axis, table: pd.DataFrame) -> bytes:
    """Return the plot as PNG."""
    labels = {side: f"{side}, slope {slope:.2f}" for side, slope in slopes(table).items()}
    with look():
        canvas = Canvas(1, 1, f"Growth with {axis.label}", list(labels.values()), "")
        axes = canvas.panels[0]
        for number, (side, rows) in enumerate(table.groupby("side", sort=False)):
            style = canvas.style(number, len(rows))
            axes.plot(rows["x"], rows["y"], label=labels[side], **style)
        canvas.ticks(axes, sorted(set(table["x"])), "log")
        canvas.plain_logarithm(axes)
        canvas.label(axis.label, axis.unit)
        return canvas.finish().bytes("png")


if __name__ == "__main__":
    main()
