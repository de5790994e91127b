"""The cells of results and of published numbers: what is to be compared, read from files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev

from monoglot.errors import UserError
from monoglot.evaluate.records import Record, read_record
from monoglot.nodes import Run
from monoglot.tables.base import read_published
from monoglot.tables.scores import has_no_pieces, score_of

MILLION = 10**6
BESIDE = (("published_", "difference_"), ("_std", "_seeds"))
"""How columns of a table's CSV begin or end that say something about a score."""


@dataclass
class Cell:
    """What one side knows of a cell.

    Attributes:
        percent: score by seed, or under None the one published number.
        metric: name of the score.
        parameters: of the checkpoint, None of a baseline; published ones are rounded to millions.
        records: by seed.
        predictions: files by seed.
    """

    percent: dict[int | None, Fraction]
    metric: str
    parameters: int | None
    records: dict[int, Record] = field(default_factory=dict)
    predictions: dict[int, Path] = field(default_factory=dict)

    @property
    def mean(self) -> Fraction:
        return mean(self.percent.values())

    @property
    def std(self) -> float | None:
        """The sample standard deviation over seeds, None below two."""
        return stdev(self.percent.values()) if len(self.percent) > 1 else None


def read_results(folder: Path, scores: Mapping[str, str] | None = None) -> dict[Run, Cell]:
    """Read the cells of a results folder, or of any folder with records.

    Args:
        scores: by task, which score to take instead of the record's own.

    Raises:
        UserError: there are no records, one cannot be read or lacks a score, two are of the same
            run, or those of a cell have different metrics.
    """
    root = folder / "scores" if (folder / "scores").is_dir() else folder
    cells: dict[Run, Cell] = {}
    for path in sorted(root.rglob("seed*.json")):
        record = read_record(path)
        key = Run(*(record[name] for name in ("model", "language", "variant", "task")))
        name = (scores or {}).get(record["task"], record["metric"])
        if has_no_pieces(record, name):
            continue
        cell, seed = cells.setdefault(key, Cell({}, name, record["parameters"])), record["seed"]
        if seed in cell.percent:
            raise UserError(
                f"{path}: is the second record of {key} with seed {seed}; keep one of them, or "
                "name the folder of one result"
            )
        if name != cell.metric:
            raise UserError(
                f"{path}: is of {name}, other seeds of {key} are of {cell.metric}; score them "
                "again with one configuration"
            )
        cell.percent[seed] = 100 * score_of(record, name)
        cell.records[seed] = record
        cell.predictions[seed] = path.with_suffix(".predictions.parquet")
    if not cells:
        raise UserError(f"{folder}: there are no records in it; name a results folder")
    return cells


def read_paper(path: Path, scores: Mapping[str, str]) -> dict[Run, Cell]:
    """Read published numbers: rows by `model` and `row`, columns `{language}_{task}`.

    A table of ours will do: what it says beside scores is left out.
    Raises `UserError` if the file is something else.
    """
    cells = {}
    for (model, variant), numbers in read_published(path, ("model", "row")).items():
        size = numbers.get("size_millions")
        for column, value in numbers.items():
            language, _, task = column.partition("_")
            if not task or language in ("reduction", "size") or _is_beside(column):
                continue
            parameters = None if size is None else int(size * MILLION)
            key = Run(model, language, variant, task)
            cells[key] = Cell({None: Fraction(value)}, scores.get(task, ""), parameters)
    if not cells:
        raise UserError(f"{path}: has no column of a language and a task (mt_ner)")
    return cells


def _is_beside(column: str) -> bool:
    starts, ends = BESIDE
    return column.startswith(starts) or column.endswith(ends)
