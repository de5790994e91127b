"""Records: what one adapter run scored, as one JSON file, with its predictions beside it.

Tables are a pure function of records, from here or from elsewhere: writing asks for every key,
reading for those that a table needs. This module imports no torch.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monoglot import provenance
from monoglot.checkpoints import FILES, checkpoint_parameters, encoder_parameters
from monoglot.errors import UserError
from monoglot.evaluate.task import Names, Task
from monoglot.files import sha256, whole_file

if TYPE_CHECKING:
    import pyarrow as pa


Record = dict[str, Any]

TABLE_FIELDS: dict[str, type] = {
    "model": str,
    "language": str,
    "variant": str,
    "task": str,
    "seed": int,
    "metric": str,
    "score": float,
    "scores": dict,
    "parameters": int,
}
"""The keys that a record must have to be read, and their types."""

NULLABLE = ("parameters", "parameters_encoder_pooler")
"""Keys that may be null: a baseline has no checkpoint and so no size."""

FIELDS = TABLE_FIELDS | {
    "parameters_encoder_pooler": int,
    "n_train": int,
    "n_test": int,
    "n_words_without_subtoken": int,
    "n_test_words": int,
    "n_test_words_cut": int,
    "errors": dict,
    "shared_errors": dict,
    "chance": dict,
    "adapter_parameters": int,
    "head_parameters": int,
    "seconds": float,
    "peak_memory_bytes": int,
    "versions": dict,
    "hardware": dict,
    "inputs": dict,
    "settings": dict,
}
"""The keys of a record written here; `git_commit` (text or null) comes on top."""

WHAT = {str: "a text", int: "a whole number", float: "a number", dict: "a mapping"}


def about_run(checkpoint: Path, examples: Path, task: Task, names: Names) -> Record:
    """Return what a record says of a checkpoint, a task's examples, and this machine."""
    hashes = {name: sha256(checkpoint / name) for name in FILES}
    return {
        **asdict(names),
        "task": task.name,
        "metric": task.metric,
        "parameters": checkpoint_parameters(checkpoint),
        "parameters_encoder_pooler": encoder_parameters(checkpoint),
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
        "git_commit": provenance.git_commit(),
        "inputs": {**hashes, "examples": sha256(examples)},
    }


def write_record(path: str | Path, record: Record) -> None:
    """Write a record as JSON with sorted keys; raise `UserError` if it is not a whole record."""
    _check(record, FIELDS, path)
    if not isinstance(record.get("git_commit", 0), str | None):
        raise UserError(f"{path}: 'git_commit' must be a commit's hash or null")
    if record["metric"] not in record["scores"]:
        raise UserError(f"{path}: 'scores' has no '{record['metric']}', which is the metric")
    with whole_file(path) as aside:
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")


def write_predictions(path: str | Path, predictions: "pa.Table") -> None:
    """Write the table of a run's predictions as parquet."""
    import pyarrow.parquet as pq

    with whole_file(path) as aside:
        pq.write_table(predictions, aside)


def written(folder: Path, seed: int) -> tuple[Path, Path]:
    """Return where one run's record and its predictions lie in the folder of its job."""
    return folder / f"seed{seed}.json", folder / f"seed{seed}.predictions.parquet"


def read_record(path: str | Path) -> Record:
    """Read a record; raise `UserError` if the file is no JSON or a key is missing or wrong."""
    try:
        record = json.loads(
            Path(path).read_text(encoding="utf-8"), object_pairs_hook=_without_repetition
        )
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such record") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not valid JSON ({error})") from error
    _check(record, TABLE_FIELDS, path)
    return record


def read_records(folder: str | Path) -> list[Record]:
    """Read every `seed*.json` below `folder`, in the order of their paths."""
    return [read_record(path) for path in sorted(Path(folder).rglob("seed*.json"))]


def _without_repetition(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{twice}' appears twice")
    return found


def _check(record: Record, fields: dict[str, type], path: str | Path) -> None:
    if not isinstance(record, dict):
        raise UserError(f"{path}: a record must be a JSON object")
    for key, kind in fields.items():
        if key not in record:
            raise UserError(f"{path}: the record has no '{key}'")
        if record[key] is None and key in NULLABLE:
            continue
        if not _is(record[key], kind):
            raise UserError(f"{path}: '{key}' is {record[key]!r}; it must be {WHAT[kind]}")
    _check_scores(record, path)
    _check_doubt(record, path)


def _check_doubt(record: Record, path: str | Path) -> None:
    """Check what a record says of how sure its scores are; one from elsewhere need not."""
    # The jackknife's error of a score on a handful of examples may be above 1.
    for key, most in (("errors", math.inf), ("shared_errors", math.inf), ("chance", 1)):
        values = record.get(key, {})
        if not (isinstance(values, dict) and all(_is_from_0(v, most) for v in values.values())):
            bound = "from 0 up" if most > 1 else "in 0..1"
            raise UserError(
                f"{path}: '{key}' is {values!r}; it must map metrics to numbers {bound}"
            )
    tested, words, cut = (record.get(k, 0) for k in ("n_test", "n_test_words", "n_test_words_cut"))
    if not all(_is(number, int) and number >= 0 for number in (tested, words, cut)) or cut > words:
        raise UserError(
            f"{path}: n_test, n_test_words and n_test_words_cut are {tested!r}, {words!r} and "
            f"{cut!r}; they must be counts, of which the last is no larger than that before it"
        )


def _is_from_0(value: object, most: float) -> bool:
    return _is(value, float) and 0 <= value <= most


def _check_scores(record: Record, path: str | Path) -> None:
    for name, value in {"score": record["score"], **record["scores"]}.items():
        if not _is_from_0(value, 1):
            raise UserError(f"{path}: the score '{name}' is {value!r}; it must lie in 0..1")
    if record["scores"].get(record["metric"], record["score"]) != record["score"]:
        raise UserError(
            f"{path}: 'score' is {record['score']}; it must be the value of "
            f"'{record['metric']}' in 'scores'"
        )


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is kind


# The size of an adapter, from the shape of the encoder that it sits in.


def adapter_parameters(hidden_size: int, layers: int, reduction_factor: int) -> int:
    """Return the parameters of `seq_bn` adapters in all layers, heads not counted (paper, Table 5).

    Each is two linear layers with bias, from `hidden_size` to the bottleneck and back. The
    bottleneck is floor(hidden_size / reduction_factor) wide, at least 1, as in the `adapters`
    library.
    """
    width = max(1, hidden_size // reduction_factor)
    return layers * (2 * hidden_size * width + width + hidden_size)
