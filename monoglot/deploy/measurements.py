"""Files of deployment, read and looked up: what was measured, and what was scored after export."""

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean
from typing import Any

from monoglot.errors import UserError

Files = Mapping[str, Mapping[str, Any]]
"""What files say, by `model/language/variant`."""

Values = dict[str, float | None]
"""Numbers by column; None where there is none."""

FORMS = {
    "torch-fp32": "PyTorch",
    "torch-bf16": "PyTorch, bf16",
    "onnx-fp32": "ONNX",
    "onnx-int8": "ONNX, int8",
}
"""Labels of the forms that an encoder is served in, in their order."""

PRECISIONS = {"torch-fp32": "torch", "onnx-fp32": "fp32", "onnx-int8": "int8"}
"""What the scores of a form are called in files of scores after export."""

NAMES = ("model", "language", "variant")
NEEDED = {
    "measured": (
        *(*NAMES, "parameters", "measuring", "tokens", "threads", "hardware", "forms"),
        "load_average_before",
    ),
    "scored": (*NAMES, "tasks"),
}
MEGABYTE = 10**6


def read_all(paths: Sequence[str], kind: str) -> dict[str, dict[str, Any]]:
    """Read files of a kind (`measured` or `scored`), by `model/language/variant`.

    Raises `UserError` if one is missing, damaged or of another kind.
    """
    read = {}
    for path in paths:
        try:
            said = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); measure again") from None
        for key in NEEDED[kind]:
            if not isinstance(said, dict) or key not in said:
                raise UserError(f"{path}: has no '{key}'; it must be a file of deployment")
        read["/".join(said[key] for key in NAMES)] = said
    if not read:
        raise UserError(f"table key '{kind}': names no file")
    return read


def found(files: Files, name: str, kind: str) -> Mapping[str, Any]:
    """Return what the file of a checkpoint or run says; raise `UserError` if there is none."""
    if name not in files:
        raise UserError(f"table key '{kind}': lacks the file of '{name}'")
    return files[name]


def agreed(files: Files) -> dict[str, Any]:
    """Return how all files were measured, and the highest load before any of them (`load`).

    `cut` says whether any model reads less than the longest text. Raises `UserError` if settings,
    threads or machines differ.
    """
    first, *others = files.values()
    same = {key: first[key] for key in ("measuring", "threads", "hardware")}
    for other in others:
        for key, value in same.items():
            if other[key] != value:
                both = ", ".join("/".join(one[k] for k in NAMES) for one in (first, other))
                raise UserError(f"{both}: were measured with other {key}; measure them again")
    load = max(one["load_average_before"] for one in files.values())
    cut = any(int(asked) > got for one in files.values() for asked, got in one["tokens"].items())
    return same | {"load": load, "cut": cut}


def measured(said: Mapping[str, Any], form: str) -> Values:
    """Return the numbers of one form of a checkpoint, by column.

    Disk and memory are in megabytes (a million bytes), latencies in milliseconds. Memory is that
    with the first number of threads asked for. Columns of runs are named by device and threads,
    `cpu_1`, `cpu_all`, `cuda`, then by length.
    """
    one = said["forms"][form]
    values: Values = {
        "parameters": said["parameters"],
        "size_millions": said["parameters"] / 10**6,
        "disk_mb": one["disk"]["weights_bytes"] / MEGABYTE,
        "folder_mb": one["disk"]["folder_bytes"] / MEGABYTE,
    }
    for name, run in _runs(said, one["runs"]):
        if "memory_mb" not in values:
            values |= _memory(run["memory"]) | {"load_seconds": run["load_seconds"]}
        if "gpu_peak_bytes" in run["memory"]:
            values["gpu_memory_mb"] = run["memory"]["gpu_peak_bytes"] / MEGABYTE
        for kind in ("latency", "throughput"):
            for length, numbers in run[kind].items():
                values |= {f"{name}_{length}_{key}": value for key, value in numbers.items()}
    return values


def _runs(
    said: Mapping[str, Any], runs: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield runs by name; one number of threads may be asked for under two."""
    for run in runs:
        if run["device"] != "cpu":
            yield run["device"], run
        else:
            asked = (name for name, number in said["threads"].items() if number == run["threads"])
            yield from ((f"cpu_{name}", run) for name in asked)


def _memory(memory: Mapping[str, int]) -> Values:
    """Memory of the process in all, and above one that has only imported its libraries."""
    peak = memory["peak_bytes"]
    return {
        "memory_mb": peak / MEGABYTE,
        "memory_above_mb": (peak - memory["imported_bytes"]) / MEGABYTE,
        "batch_memory_mb": memory["batch_peak_bytes"] / MEGABYTE,
    }


def scored(
    files: Iterable[Mapping[str, Any]], form: str, tasks: Sequence[str], scores: Mapping[str, str]
) -> Values:
    """Return the mean score in percent, and how much it is above PyTorch's.

    The mean is that over all of `tasks` in all files, one of each language, which may lack some;
    None for a form that was not scored. `scores` names, by task, another metric than the records'.
    """
    cells = [
        (said["tasks"][task], scores.get(task))
        for said in files
        for task in tasks
        if task in said["tasks"]
    ]
    means = {
        precision: _mean([_score(about.get(precision), name) for about, name in cells])
        for precision in ("torch", PRECISIONS.get(form))
    }
    score, exact = means[PRECISIONS.get(form)], means["torch"]
    change = None if score is None or exact is None else score - exact
    return {
        "score": None if score is None else 100 * score,
        "score_change": None if change is None else 100 * change,
    }


def _score(said: Mapping[str, Any] | None, name: str | None) -> float | None:
    if said is None:
        return None
    return said["score"] if name is None else said.get("scores", {}).get(name)


def over_languages(values: Sequence[Values]) -> Values:
    """Return the means of all columns; None where any number lacks."""
    names = dict.fromkeys(name for one in values for name in one)
    return {name: _mean([one.get(name) for one in values]) for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    if None in values or not values:
        return None
    return float(mean(Fraction(str(value)) for value in values))
