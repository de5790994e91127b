"""Comparisons of ways to do one thing: each side in processes of its own, in turn, in one run.

A benchmark hands `compare` its sides, functions that do the work and return what they measured:
`seconds`, and anything more as a number or a short text (`loss`, `positions`). Of every process the
peak memory and the CPU time are added, unless the side measured them itself. The first side is the
baseline of all ratios.
"""

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "results" / "bench"
sys.path.insert(0, str(ROOT))

Measured = dict[str, float | str]
Side = Callable[[argparse.Namespace], Measured]


class CannotRunError(Exception):
    """A side cannot run here; the text says why, and what would let it."""


def compare(
    name: str,
    parser: argparse.ArgumentParser,
    sides: Mapping[str, Side],
    pythons: Mapping[str, Path] | None = None,
) -> None:
    """Run all sides in turn, `--runs` times; print a Markdown table and write a CSV.

    The table has the median of each figure, and of `seconds` and memory the ratio of the first
    side to each, if that ran. The CSV, `results/bench/NAME.csv`, has a line for each process.

    Args:
        parser: with the benchmark's own options, which every side receives.
        sides: by name, the baseline first.
        pythons: interpreters of sides that need an environment of their own.
    """
    parser.add_argument("--runs", type=int, default=3, help="of each side")
    parser.add_argument("--threads", type=int, default=1, help="of each side")
    parser.add_argument("--only", nargs="+", choices=sides, metavar="SIDE", help="run these alone")
    parser.add_argument("--csv", type=Path, default=OUT / f"{name}.csv", help="to write")
    parser.add_argument("--side", choices=sides, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        _run_side(sides[options.side], options)
        return
    rows = []
    chosen = [side for side in sides if not options.only or side in options.only]
    for run in range(1, options.runs + 1):
        for side in list(chosen):
            python = (pythons or {}).get(side, Path(sys.executable))
            found = _process(python, side, options.threads)
            if "not_run" in found:
                print(f"{side}: not run: {found['not_run']}", file=sys.stderr)
                chosen.remove(side)
            else:
                print(f"{side}, run {run}: {found['seconds']:.2f} s", file=sys.stderr)
                rows.append({"side": side, "run": run, **found})
    if not rows:
        sys.exit("error: no side could run")
    import pandas as pd  # here, because a side's environment may lack it

    table = pd.DataFrame(rows)
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    table.assign(benchmark=name, **machine(options.threads)).to_csv(options.csv, index=False)
    print(f"{name}, {', '.join(f'{k} {v}' for k, v in machine(options.threads).items())}\n")
    print(summary(table, next(iter(sides))).to_markdown(floatfmt=".4g"))


def summary(table: "pd.DataFrame", baseline: str) -> "pd.DataFrame":
    """Return medians by side and, if the baseline ran, ratios to its seconds and memory."""
    numbers = table.drop(columns="run").groupby("side", sort=False).median(numeric_only=True)
    numbers.insert(0, "seconds", numbers.pop("seconds"))
    if baseline in numbers.index:
        first = numbers.loc[baseline]
        numbers.insert(1, "times faster", first["seconds"] / numbers["seconds"])
        numbers["share_of_memory"] = numbers["peak_memory_mb"] / first["peak_memory_mb"]
    return numbers


def machine(threads: int) -> dict[str, str]:
    """Return when and on what was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu,
        "threads": str(threads),
        "python": platform.python_version(),
    }


def timed(command: list[str], **settings) -> Measured:
    """Run a command in silence; return its seconds, CPU seconds and peak memory.

    `settings` are those of `subprocess.Popen`. Raises `CannotRunError` with what the command said
    if it fails.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, **settings)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            said.seek(0)
            text = said.read().decode(errors="replace")
            raise CannotRunError(f"{' '.join(command)}\n{text}")
    return {"seconds": seconds} | _used(usage)


def _run_side(side: Side, options: argparse.Namespace) -> None:
    try:
        found = side(options)
    except CannotRunError as error:
        found = {"not_run": str(error)}
    Path(os.environ["MONOGLOT_MEASURED"]).write_text(json.dumps(found))


def _process(python: Path, side: str, threads: int) -> Measured:
    """Run one side of this very command line in a process, and measure that."""
    if not python.exists():
        return {"not_run": f"there is no {python}"}
    with tempfile.NamedTemporaryFile(suffix=".json") as measured:
        threading = {name: str(threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
        environment = os.environ | threading | {"MONOGLOT_MEASURED": measured.name}
        process = subprocess.Popen([python, *sys.argv, "--side", side], env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
            # The kernel's way of saying that memory has run out; other sides may need less.
            peak = usage.ru_maxrss / 2**20
            return {"not_run": f"killed at {peak:.1f} GB, probably for want of memory"}
        if status:
            sys.exit(f"error: {side} ended with status {os.waitstatus_to_exitcode(status)}")
        found = json.loads(Path(measured.name).read_text())
    return _used(usage) | found


def _used(usage: resource.struct_rusage) -> Measured:
    return {
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_mb": usage.ru_maxrss / 1024,
    }
