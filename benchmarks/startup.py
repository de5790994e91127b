"""What a job's imports cost, plainly and as scripts make them: `python benchmarks/startup.py`.

Runs both in turn, each in a process of its own, and prints the median CPU seconds and their ratio.
"""

import argparse
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORT = "import monoglot.evaluate.evaluation"
WAYS = {
    "plain": IMPORT,
    "loading": f"from monoglot import command\nwith command.loading():\n    {IMPORT}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each way, after one not counted")
    runs = parser.parse_args().runs
    seconds = {name: [] for name in WAYS}
    for _ in range(runs + 1):
        for name, code in WAYS.items():
            seconds[name].append(_cpu_seconds(code))
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:8} {median:.2f} s")
    print(f"ratio    {medians['plain'] / medians['loading']:.2f}")


def _cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
