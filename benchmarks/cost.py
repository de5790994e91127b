"""What a finished run cost, rule by rule: `python benchmarks/cost.py results/demo`.

Adds up the time and memory that Snakemake measured of every job, and the time from a job's start to
its first line of work, which each job's log says. Prints a Markdown table, and under it how much of
the run no job ran at all, which is Snakemake's own share. What packages load only when they are
used counts as work.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

READY = re.compile(r"ready after ([\d.]+) s$", re.MULTILINE)
PAUSE = 60
"""Seconds without a job that are taken for a pause between two runs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of results")
    folder = parser.parse_args().results
    jobs = measured(folder)
    if jobs.empty:
        sys.exit(f"error: {folder}/benchmarks holds no measurement; run the experiment first")
    print(cost(jobs).to_markdown(floatfmt=("", ".0f", ".1f", ".1f", ".0f", ".1f", ".1f")))
    print(f"\n{timeline(jobs)}")


def measured(results: Path) -> pd.DataFrame:
    """Return a line for each job: rule, times in seconds, peak memory in MB, and when it ended."""
    benchmarks = results / "benchmarks"
    lines = []
    for path in sorted(benchmarks.rglob("*.tsv")):
        job = path.relative_to(benchmarks)
        line = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        lines.append(
            {
                "rule": job.parts[0] if len(job.parts) > 1 else job.stem,
                "wall": line["s"],
                "cpu": line["cpu_time"],
                "memory": line["max_rss"],
                "start-up": start_up(results / "logs" / job.with_suffix(".log")),
                "end": path.stat().st_mtime,
            }
        )
    return pd.DataFrame(lines)


def start_up(log: Path) -> float:
    """Return the seconds to a job's first line of work; a job that loads in parts says several."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return max(map(float, READY.findall(text)), default=float("nan"))


def cost(jobs: pd.DataFrame) -> pd.DataFrame:
    """Return jobs, minutes and peak memory of each rule, and of all of them."""
    rows = {rule: _row(group) for rule, group in jobs.groupby("rule")}
    return pd.DataFrame(rows | {"all": _row(jobs)}).T


def timeline(jobs: pd.DataFrame) -> str:
    """Say for how long jobs ran, how many at a time, and for how long none did."""
    spans = sorted(zip(jobs["end"] - jobs["wall"], jobs["end"], strict=True))
    idle = sum(gap for gap in _gaps(spans) if gap <= PAUSE)
    paused = sum(gap for gap in _gaps(spans) if gap > PAUSE)
    whole = max(end for _, end in spans) - spans[0][0] - paused
    said = (
        f"From the first job's start to the last one's end {whole / 60:.1f} minutes; "
        f"{jobs['wall'].sum() / (whole - idle):.2f} jobs at a time; "
        f"no job at all for {idle / 60:.1f} minutes ({idle / whole:.0%})."
    )
    if jobs["start-up"].isna().all():
        return said
    share = jobs["start-up"].sum() / jobs["wall"].sum()
    return f"{said} Start-up takes {share:.0%} of the jobs' time."


def _row(jobs: pd.DataFrame) -> dict[str, float]:
    return {
        "jobs": len(jobs),
        "wall minutes": jobs["wall"].sum() / 60,
        "CPU minutes": jobs["cpu"].sum() / 60,
        "peak memory, MB": jobs["memory"].max(),
        "start-up minutes": jobs["start-up"].sum(min_count=1) / 60,
        "work minutes": (jobs["wall"] - jobs["start-up"].fillna(0)).sum() / 60,
    }


def _gaps(spans: Iterable[tuple[float, float]]) -> list[float]:
    """Return the seconds of each gap that no span covers; spans come by their start."""
    gaps, latest = [], None
    for start, end in spans:
        if latest is not None and start > latest:
            gaps.append(start - latest)
        latest = end if latest is None else max(latest, end)
    return gaps


if __name__ == "__main__":
    main()
