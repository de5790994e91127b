"""What each choice of the protocol changed: `python benchmarks/effects.py results/demo`.

Reads the tables of configs/demo-protocol.yaml and their records. Prints, for each row, the mean of
its tasks' scores, how far that is from the row it is compared with, and the standard deviation of
the mean over seeds; then NER and POS of the rows compared with, by word and by sub-token. A row is
compared with the one whose name its own name goes on from: `kd-chunk` with `kd`.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

TABLES = ("protocol1", "protocol6")
LEVELS = {"ner": ("word_f1", "subtoken_f1"), "pos": ("word_accuracy", "word_f1", "subtoken_f1")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of results")
    results = parser.parse_args().results
    files = [results / "tables" / f"{name}.csv" for name in TABLES]
    if missing := [str(file) for file in files if not file.is_file()]:
        sys.exit(f"error: there is no {missing[0]}; run configs/demo-protocol.yaml first")
    rows = pd.concat([pd.read_csv(file)[["model", "row", "label"]] for file in files])
    records = _records(results, rows)
    print(effects(records, rows).to_markdown(disable_numparse=True), end="\n\n")
    print(levels(records, rows).to_markdown(floatfmt=".1f"))


def effects(records: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line for each row: by model its mean ± deviation and the difference, in percent."""
    names = list(dict.fromkeys(rows["row"]))
    columns = {}
    for model, group in records.groupby("model", sort=False):
        by_seed = group.groupby(["variant", "seed"])["score"].mean() * 100
        found = by_seed.groupby("variant").agg(["mean", "std"]).loc[names]
        columns[model] = [f"{mean:.1f} ± {std:.1f}" for mean, std in found.to_numpy()]
        means = found["mean"]
        differences = [means[name] - means[reference(name, names)] for name in names]
        columns[f"{model}, difference"] = [f"{value:+.1f}" for value in differences]
    return pd.DataFrame(columns, index=names)


def reference(name: str, names: list[str]) -> str:
    """Return the longest other name that `name` goes on from, or `name` if there is none."""
    return max((n for n in names if name.startswith(f"{n}-")), key=len, default=name)


def levels(records: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return word-level and sub-token scores, in percent, of the rows that others go on from."""
    names = list(dict.fromkeys(rows["row"]))
    compared = [name for name in names if reference(name, names) == name]
    lines = {}
    for (model, variant), group in records.groupby(["model", "variant"]):
        if variant in compared:
            lines[f"{model} {variant}"] = {
                f"{task} {score}": 100
                * group.loc[group["task"] == task, "scores"].map(lambda s, k=score: s[k]).mean()
                for task, scores in LEVELS.items()
                for score in scores
            }
    return pd.DataFrame(lines).T


def _records(results: Path, rows: pd.DataFrame) -> pd.DataFrame:
    files = [
        file
        for model, variant in zip(rows["model"], rows["row"], strict=True)
        for file in sorted((results / "scores" / model).glob(f"*/{variant}/*/seed*.json"))
    ]
    return pd.DataFrame([json.loads(file.read_text(encoding="utf-8")) for file in files])


if __name__ == "__main__":
    main()
