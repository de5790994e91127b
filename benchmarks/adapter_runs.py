"""Speed of adapter runs: `AdapterTrainer` as published and used with care, and all seeds at once.

Between them is the plain loop of full tuning. The sides in bf16 are another arithmetic.

    python benchmarks/adapter_runs.py --data ../shared/data      # published sets, real tokenizers
    python benchmarks/adapter_runs.py                            # invented sets
    python benchmarks/adapter_runs.py --estimate --data ...      # hours for Tables 1 and 6

`seconds` (of the processor, with one thread and no GPU) are those of 1,000 examples in the mix of
Tables 3 and 4 (examples x epochs), each with its share of validation;
`tc` to `pos` are training examples a second, over all seeds.
"""

import argparse
import csv
from functools import partial
from pathlib import Path

from comparison import ROOT, Measured, compare, machine

ALONE, ALL = [1], [1, 2, 3]
SEEDS = {
    "published": ALONE,
    "careful": ALONE,
    "careful_bf16": ALONE,
    "plain": ALONE,
    "together": ALL,
    "together_bf16": ALL,
}
PAPER = ROOT / "resources" / "paper"
ROWS = {
    "12x768-3072": 2,
    "6x768-3072": 1,
    "6x768-2048": 1,
    "6x564-2048": 2,
    "6x456-2048": 2,
    "6x312-2048": 2,
}
"""Encoders of Tables 1 and 6, layers x hidden - feed-forward, and how many rows of each have it."""

TABLES = 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the published sets and tokenizers")
    parser.add_argument("--model", choices=("xlmr", "mbert"), default="xlmr", help="family")
    parser.add_argument("--language", choices=("mt", "sk", "sw"), default="sk", help="of --data")
    parser.add_argument("--shape", default="6x312-2048", help="layers x hidden - ffn")
    parser.add_argument("--reduction-factor", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6, help="an epoch, of each task")
    parser.add_argument("--seeds", type=int, help="of all sides; one, and three for the last")
    parser.add_argument("--estimate", action="store_true", help="hours of the grid, shape by shape")
    if parser.parse_known_args()[0].estimate:
        _estimate(parser.parse_args())
    else:
        compare("adapter_runs", parser, {side: partial(_side, side) for side in SEEDS})


def _side(name: str, options: argparse.Namespace) -> Measured:
    rates = _rates(name, options, options.shape)
    work = _work()
    seconds = sum(work[task] / rate for task, rate in rates.items()) / sum(work.values())
    number = len(_seeds(name, options))
    return {"seconds": 1000 * seconds, "all_seeds_seconds": 1000 * seconds * number, **rates}


def _seeds(side: str, options: argparse.Namespace) -> list[int]:
    return list(range(1, options.seeds + 1)) if options.seeds else SEEDS[side]


def _rates(side: str, options: argparse.Namespace, shape: str) -> dict[str, float]:
    """Return, by task, the training examples a second, those of all seeds counted."""
    import adapter_sides  # here, because the process that compares sides needs no torch
    from adapter_jobs import Inputs, quiet

    quiet()
    inputs = Inputs(options)
    model = inputs.encoder(shape)
    rates = {}
    for task in _work():
        job = inputs.job(task)
        seconds = getattr(adapter_sides, side)(model, job, _seeds(side, options))
        rates[task] = len(job.train.ids) * options.epochs / seconds
    return rates


def _estimate(options: argparse.Namespace) -> None:
    """Print the hours of all adapter runs of Tables 1 and 6, from rates of each shape."""
    work, total = _work(), 0.0
    print(f"adapters, estimate, {', '.join(f'{k} {v}' for k, v in machine(1).items())}\n")
    print("| shape | rows | " + " | ".join(f"{task}, examples/s" for task in work) + " | hours |")
    print("| --- " * (len(work) + 3) + "|")
    for shape, rows in ROWS.items():
        rates = _rates("together", options, shape)
        runs = rows * TABLES * len(SEEDS["together"])
        hours = runs * sum(work[task] / rates[task] for task in work) / 3600
        total += hours
        cells = [f"{rates[task]:.0f}" for task in work]
        print(f"| {shape} | {rows * TABLES} | {' | '.join(cells)} | {hours:.2f} |", flush=True)
    print(f"| all | | {' | ' * (len(work) - 1)} | {total:.2f} |")


def _work() -> dict[str, int]:
    """Return, by task, the training examples of one seed in all languages and epochs."""
    epochs = next(row for row in _table("table4") if row["row"] == "epochs")
    work = dict.fromkeys(("tc", "sa", "ner", "pos"), 0)
    for row in _table("table3"):
        work[row["task"]] += int(row["train"]) * int(epochs[row["task"]])
    return work


def _table(name: str) -> list[dict[str, str]]:
    with (PAPER / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main()
