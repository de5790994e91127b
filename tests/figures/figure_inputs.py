"""Histories, records and blocks that tests of figures write."""

import json
from pathlib import Path

from monoglot.figures.blocks import Sources, read_spec

NAMES = {"m": "Model M", "n": "Model N", "mt": "Maltese", "sk": "Slovak", "tc": "TC"}


def block(**keys: object) -> dict:
    """Return a figure's block for model m and Maltese, defaults filled in."""
    return read_spec(json.dumps({"models": ["m"], "languages": ["mt"]} | keys))


def curves(**keys: object) -> dict:
    lines = [{"variant": "kd", "label": "with"}, {"variant": "student", "label": "without"}]
    return block(**{"kind": "curves", "lines": lines} | keys)


def write_history(path: Path, accuracies: list[float]) -> Path:
    """Write a history with an evaluation every 100 steps."""
    rows = [f"{100 * i},{2 - value},{value}" for i, value in enumerate(accuracies)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["step,validation_loss,validation_accuracy", *rows]) + "\n")
    return path


def history_sources(folder: Path, models=("m",), languages=("mt",)) -> Sources:
    """Write histories of `kd` and `student` and return the sources that name them."""
    histories = {}
    for m, model in enumerate(models):
        for k, language in enumerate(languages):
            for v, variant in enumerate(("kd", "student")):
                name = f"{model}/{language}/{variant}"
                values = [round(0.1 * (i + 1) + 0.01 * (m + k + v), 4) for i in range(5)]
                histories[name] = str(write_history(folder / name / "history.csv", values))
    return Sources(names=NAMES, histories=histories)


def record(variant: str, seed: int, score: float, **other: object) -> dict:
    """Return a record as tables and figures need it."""
    return {
        "model": "m",
        "language": "mt",
        "variant": variant,
        "task": "tc",
        "seed": seed,
        "metric": "macro_f1",
        "score": score,
        "scores": {"macro_f1": score, "accuracy": score / 2},
        "parameters": 1000,
    } | other
