"""What a finished run cost, rule by rule: `python benchmarks/cost.py results/real-small`.

Adds up the time and memory that Snakemake measured of every job, and prints a Markdown table.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of results")
    folder = parser.parse_args().results
    table = cost(folder)
    if table.empty:
        sys.exit(f"error: {folder}/benchmarks holds no measurement; run the experiment first")
    print(table.to_markdown(floatfmt=("", ".0f", ".1f", ".1f", ".0f")))


def cost(results: Path) -> pd.DataFrame:
    """Return one row for each rule: jobs, minutes of wall and of CPU time, peak memory in MB."""
    benchmarks = results / "benchmarks"
    files = sorted(benchmarks.rglob("*.tsv"))
    if not files:
        return pd.DataFrame()
    names = [path.relative_to(benchmarks).parts[0] for path in files]
    measured = [pd.read_csv(path, sep="\t", na_values="-") for path in files]
    rules = pd.concat(measured, keys=names, names=["rule"]).groupby("rule")
    return pd.DataFrame(
        {
            "jobs": rules.size(),
            "wall minutes": rules["s"].sum() / 60,
            "CPU minutes": rules["cpu_time"].sum() / 60,
            "peak memory, MB": rules["max_rss"].max(),
        }
    )


if __name__ == "__main__":
    main()
