"""From records to the statistics of a table's cells.

Scores are added as exact fractions of their decimal form and become floats once, when they are
printed: 0.285 shows as 28.50, and no cell depends on the order of records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev

from monoglot.errors import UserError
from monoglot.evaluate.records import read_record, read_records
from monoglot.report.spec import Spec

SIZES = {"mlm": "parameters", "encoder_pooler": "parameters_encoder_pooler"}
"""The key of a record that holds a checkpoint's size, by way of counting."""

NEEDED = ("model", "language", "variant", "task", "seed", "metric", "score", "scores")


@dataclass
class Cell:
    """The scores of one variant, language and task, in percent, by seed."""

    percent: dict[object, Fraction] = field(default_factory=dict)

    @property
    def mean(self) -> Fraction | None:
        """Return the mean over seeds, None without any."""
        return mean(self.percent.values()) if self.percent else None

    @property
    def std(self) -> float | None:
        """Return the sample standard deviation over seeds (ddof 1), None below two seeds."""
        return stdev(self.percent.values()) if len(self.percent) > 1 else None


@dataclass
class Cells:
    """All that a table needs of its model's records."""

    scores: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    """(variant, language, task) -> scores"""
    parameters: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """variant -> language -> parameters of the checkpoint, None for a baseline without one"""
    metrics: dict[str, str] = field(default_factory=dict)
    """task -> name of the score shown"""
    unscored: dict[str, dict[str, None]] = field(default_factory=dict)
    """name of a score -> variants, in order, that cannot have it for want of a tokenizer"""


def read_scores(paths: Iterable[str | Path]) -> list[Mapping]:
    """Read records from JSON files, and from folders with all their `seed*.json`."""
    read: list[Mapping] = []
    for path in map(Path, paths):
        read += read_records(path) if path.is_dir() else [read_record(path)]
    return read


def collect(records: Iterable[Mapping], spec: Spec) -> Cells:
    """Sort the records of the table's model, languages and tasks into cells.

    Raises `UserError` if a record lacks a key or holds a score outside 0..1, if two records are of
    the same run, or if records disagree on a checkpoint's size or on a task's metric.
    """
    cells = Cells()
    for record in records:
        missing = [key for key in (*NEEDED, SIZES[spec.parameters]) if key not in record]
        if missing:
            raise UserError(f"a record lacks the key '{missing[0]}': {_run(record)}")
        place = (record["language"], record["task"])
        if record["model"] == spec.model and place in spec.cells.values():
            _add(cells, record, spec)
    if not cells.scores:
        raise UserError(f"no record is of model '{spec.model}' and the table's languages and tasks")
    return cells


def size(cells: Cells, variant: str) -> Fraction | None:
    """Return a variant's number of parameters, None without records or without a checkpoint.

    Sizes may differ by language, as trimmed vocabularies need not come out equally long; a table's
    row then shows their mean.
    """
    counts = cells.parameters.get(variant, {}).values()
    return mean(map(Fraction, counts)) if counts and None not in counts else None


def scores_note(cells: Iterable[Cell], metrics: Mapping[str, str | None]) -> str:
    """Say what the scores of a table are: the metric of each task, and over how many seeds."""
    counts = [len(cell.percent) for cell in cells if cell.percent]
    low, high = min(counts, default=0), max(counts, default=0)
    seeds = (
        "one seed" if high == 1 else f"{high} seeds" if low == high else f"{low} to {high} seeds"
    )
    names = ", ".join(f"{task.upper()}: {name}" for task, name in metrics.items() if name)
    return f"Scores in percent ({names}), mean over {seeds}."


def _add(cells: Cells, record: Mapping, spec: Spec) -> None:
    variant, language, task = record["variant"], record["language"], record["task"]
    cell = cells.scores.setdefault((variant, language, task), Cell())
    if record["seed"] in cell.percent:
        raise UserError(f"two records are of the same run: {_run(record)}; keep one of them")
    name = spec.scores.get(task, record["metric"])
    if has_no_pieces(record, name):
        cells.unscored.setdefault(name, {})[variant] = None
    else:
        cell.percent[record["seed"]] = 100 * score_of(record, spec.scores.get(task))
    _agree(cells.metrics, task, name, record, "metric")
    sizes = cells.parameters.setdefault(variant, {})
    _agree(sizes, language, _parameters(record, SIZES[spec.parameters]), record, "parameters")


def has_no_pieces(record: Mapping, name: str) -> bool:
    """Tell whether a record cannot have a score of sub-tokens, being that of a baseline."""
    return record["parameters"] is None and name.startswith("subtoken_")


def score_of(record: Mapping, name: str | None) -> Fraction:
    """Return a record's score of that name, or its own without one, from 0 to 1.

    Raises `UserError` if it has none of that name, or it is no such number.
    """
    if name is not None and name not in record["scores"]:
        raise UserError(
            f"there is no score '{name}' in the record {_run(record)}; "
            f"it has {', '.join(sorted(record['scores']))}"
        )
    score = record["score"] if name is None else record["scores"][name]
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise UserError(f"the score {score!r} of {_run(record)} is not a number from 0 to 1")
    return Fraction(str(score))


def _parameters(record: Mapping, key: str) -> int | None:
    parameters = record[key]
    if parameters is None:
        return None
    if type(parameters) is not int or parameters < 1:
        raise UserError(f"{key} {parameters!r} of {_run(record)} is not a count from 1 up")
    return parameters


def _agree(known: dict, key: str, value: object, record: Mapping, what: str) -> None:
    if known.setdefault(key, value) != value:
        raise UserError(
            f"records disagree on {what}: {value} in {_run(record)}, {known[key]} in another of "
            f"'{key}'; score the variants again with one configuration"
        )


def _run(record: Mapping) -> str:
    return " ".join(
        f"{key} {record.get(key)}" for key in ("model", "language", "variant", "task", "seed")
    )
