"""Two sets of results, or results and published numbers, cell by cell.

A cell is what one variant scored for a model, a language and a task: the mean over seeds. Beside
the difference stand the deviations over seeds and, where both sides have predictions of two seeds
or more, or of what has no seeds, its interval and the p-value of a test that counts other examples
and other seeds as chance (`monoglot.significance`).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from monoglot.errors import UserError, first_few
from monoglot.escapes import csv_of, json_of, markdown, printable
from monoglot.evaluate.records import Record, read_record
from monoglot.paths import Run
from monoglot.provenance import NAME, read
from monoglot.tables.base import millions, read_published
from monoglot.tables.formats import BESIDE
from monoglot.tables.scores import Cell, collect

if TYPE_CHECKING:
    from monoglot.significance import UncertainNumber

# The cells of results and of published numbers: what is to be compared, read from files.

MILLION = 10**6


@dataclass(frozen=True)
class ComparedCell(Cell):
    """What one side knows of a cell; a published number is the score of the seed None.

    Attributes:
        parameters: of the checkpoint, None of a baseline; published ones are rounded to millions.
        predictions: files by seed.
    """

    parameters: int | None = None
    predictions: Mapping[int, Path] = field(default_factory=dict)


def read_results(folder: Path, scores: Mapping[str, str] | None = None) -> dict[Run, ComparedCell]:
    """Read the cells of a results folder, or of any folder with records.

    Args:
        scores: by task, which score to take instead of the record's own.

    Raises:
        UserError: there are no records, one cannot be read or lacks a score, two are of the same
            run, or those of a cell have different metrics.
    """
    root = folder / "scores" if (folder / "scores").is_dir() else folder
    records: dict[tuple[Run, int], Record] = {}
    predictions: dict[Run, dict[int, Path]] = {}
    for path in sorted(root.rglob("seed*.json")):
        record = read_record(path)
        run = Run(*(record[name] for name in ("model", "language", "variant", "task")))
        seed = record["seed"]
        if (run, seed) in records:
            raise UserError(
                f"{path}: is the second record of {run} with seed {seed}; keep one of them, or "
                "name the folder of one result"
            )
        records[run, seed] = record
        predictions.setdefault(run, {})[seed] = path.with_suffix(".predictions.parquet")
    if not records:
        raise UserError(f"{folder}: there are no records in it; name a results folder")
    return {
        run: ComparedCell(
            **vars(cell),
            parameters=next(iter(cell.records.values()))["parameters"],
            predictions=predictions[run],
        )
        for run, cell in collect(records.values(), scores or {}).items()
        if cell.percent
    }


def read_paper(path: Path, scores: Mapping[str, str]) -> dict[Run, ComparedCell]:
    """Read published numbers: rows by `model` and `row`, columns `{language}_{task}`.

    One of our tables will do: its other columns are left out.
    Raises `UserError` if the file is something else.
    """
    cells = {}
    for (model, variant), numbers in read_published(path, ("model", "row")).items():
        size = numbers.get("size_millions")
        for column, value in numbers.items():
            language, _, task = column.partition("_")
            if not task or language in ("reduction", "size") or BESIDE.search(column):
                continue
            parameters = None if size is None else int(size * MILLION)
            key = Run(model, language, variant, task)
            metric = scores.get(task, "")
            cells[key] = ComparedCell({None: Fraction(value)}, metric, parameters=parameters)
    if not cells:
        raise UserError(f"{path}: has no column of a language and a task (mt_ner)")
    return cells


SAME = ("metric", "n_train", "n_test", "settings", "versions", "hardware", "git_commit", "inputs")
"""What of records is compared beside scores and sizes; mappings key by key."""


@dataclass(frozen=True)
class CellDifference:
    """A cell of both sides.

    Attributes:
        points: the second minus the first, in per cent.
        test: of the difference; None where there was none.
        adjusted: the test's p-value, adjusted for the number of tests (Holm).
    """

    key: Run
    first: ComparedCell
    second: ComparedCell
    points: Fraction
    test: "UncertainNumber | None"
    adjusted: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Two sides compared.

    Attributes:
        cells: those that both have.
        only_first, only_second: those that one has.
        others: of what else differs (`settings.epochs`), pairs of values and in how many cells.
    """

    cells: list[CellDifference]
    only_first: list[Run]
    only_second: list[Run]
    others: dict[str, dict[tuple[str, str], int]]

    def differing(self, tolerance: float = 0.0) -> list[CellDifference]:
        """Return the cells whose scores differ by more than so many points, or whose size does."""
        return [
            one
            for one in self.cells
            if abs(one.points) > Fraction(str(tolerance)) or not same_size(one)
        ]

    def equal(self, tolerance: float = 0.0) -> bool:
        """Whether both sides have the same cells with the same scores and sizes."""
        return not (self.differing(tolerance) or self.only_first or self.only_second)


def compare(
    first: Mapping[Run, ComparedCell], second: Mapping[Run, ComparedCell], test: bool = True
) -> Comparison:
    """Compare two sides cell by cell.

    Args:
        test: whether to test differences, which takes up to a second a cell.

    Raises:
        UserError: predictions cannot be read.
    """
    from monoglot.significance import adjusted

    cells = [
        CellDifference(
            key,
            first[key],
            second[key],
            second[key].mean - first[key].mean,
            _tested(key, first[key], second[key]) if test else None,
        )
        for key in first
        if key in second
    ]
    tested = [one.key for one in cells if one.test]
    ps = dict(zip(tested, adjusted([one.test.p for one in cells if one.test]), strict=True))
    return Comparison(
        cells=[replace(one, adjusted=ps.get(one.key)) for one in cells],
        only_first=[key for key in first if key not in second],
        only_second=[key for key in second if key not in first],
        others=_others(cells),
    )


def same_size(one: CellDifference) -> bool:
    """Whether both sides have as many parameters, of published ones as far as they are told."""
    sizes = [one.first.parameters, one.second.parameters]
    if None in sizes:
        return True
    if not (one.first.records and one.second.records):
        sizes = [round(size / MILLION) for size in sizes]
    return sizes[0] == sizes[1]


def _tested(key: Run, first: ComparedCell, second: ComparedCell) -> "UncertainNumber | None":
    """Test the means' difference; None if metrics differ, seeds are too few, or files lack."""
    from monoglot.significance import difference_in, read_predictions

    sides = [list(cell.predictions.values()) for cell in (first, second)]
    if first.metric != second.metric or not all(sides):
        return None
    if not all(path.is_file() for side in sides for path in side):
        return None
    a, b = ([read_predictions(path) for path in side] for side in sides)
    if any(run.gold != a[0].gold for run in [*a, *b]):
        return None  # another test set: its hash differs and is named
    return difference_in(first.metric, a, b, str(key))


def _others(cells: Iterable[CellDifference]) -> dict[str, dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = {}
    for one in cells:
        common = one.first.records.keys() & one.second.records.keys()
        for seed in list(common)[:1]:  # the seeds of a cell are of one job
            a, b = _flat(one.first.records[seed]), _flat(one.second.records[seed])
            for name in sorted(a.keys() | b.keys()):
                if a.get(name) != b.get(name):
                    values = (_short(a.get(name)), _short(b.get(name)))
                    of_name = found.setdefault(name, {})
                    of_name[values] = of_name.get(values, 0) + 1
    return found


def _flat(record: Record) -> dict[str, Any]:
    """What `SAME` names of a record, by `settings.epochs`; unknown in records from elsewhere."""
    flat: dict[str, Any] = {}
    for name in SAME:
        value = record.get(name)
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": one for key, one in value.items()}
        elif name in record:
            flat[name] = value
    return flat


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"


# A comparison as data: CSV, and values for JSON.

COLUMNS = (
    *("model", "language", "variant", "task", "metric"),
    *("first", "first_std", "first_seeds", "second", "second_std", "second_seeds"),
    *("difference", "p", "first_parameters", "second_parameters"),
    *("difference_low", "difference_high", "p_adjusted"),
)


def _values(one: CellDifference) -> dict[str, object]:
    sides = [
        value
        for cell in (one.first, one.second)
        for value in (
            round(float(cell.mean), 4),
            None if cell.std is None else round(cell.std, 4),
            len(cell.records),
        )
    ]
    test = one.test
    found = [
        *(one.key.model, one.key.language, one.key.variant, one.key.task),
        one.first.metric or one.second.metric,
        *sides,
        round(float(one.points), 4),
        test and test.p,
        *(one.first.parameters, one.second.parameters),
        *([round(100 * end, 4) for end in test.interval] if test else [None, None]),
        one.adjusted,
    ]
    return dict(zip(COLUMNS, found, strict=True))


def to_csv(found: Comparison) -> str:
    """Return the cells that both sides have as CSV."""
    return csv_of(map(_values, found.cells), COLUMNS).rstrip("\n")


def values(found: Comparison) -> dict[str, object]:
    """Return a comparison as plain values, for JSON."""
    return {
        "cells": [_values(one) for one in found.cells],
        "only_first": [str(key) for key in found.only_first],
        "only_second": [str(key) for key in found.only_second],
        "others": {
            name: [{"first": a, "second": b, "cells": n} for (a, b), n in pairs.items()]
            for name, pairs in found.others.items()
        },
    }


# A comparison as text: for a terminal, as Markdown, CSV or JSON.

FORMS = ("terminal", "md", "csv", "json")
HEADS = ("cell", "score", "first", "second", "difference", "95 %", "p", "size")
MANY = 10

Origins = Mapping[str, Mapping[str, tuple[str, str]]]
"""By checkpoint, what differs in how it was made, as `origins` returns it."""


def laid_out(
    found: Comparison,
    form: str,
    names: tuple[str, str],
    tolerance: float,
    whole: bool,
    origins: Origins,
    width: int = 10_000,
) -> str:
    """Return a comparison in one of `FORMS`.

    Args:
        names: of the two sides.
        whole: whether cells that do not differ are shown too; CSV and JSON have all cells anyway.
        width: characters of a terminal's line; columns that do not fit are left out.
    """
    if form == "csv":
        return to_csv(found)
    if form == "json":
        said = {
            "first": names[0],
            "second": names[1],
            "equal": found.equal(tolerance),
            "summary": summary(found, names, tolerance),
            **values(found),
            "origins": origins,
        }
        return json_of(said)
    cells = found.cells if whole else found.differing(tolerance)
    heads, rows = [*HEADS[:2], *names, *HEADS[4:]], [_row(one) for one in cells]
    escape = markdown if form == "md" else printable
    grid = [[escape(text) for text in line] for line in [heads, *rows]]
    prose = [
        _only(found, names),
        _other_columns(found, names),
        _made_columns(origins),
        [summary(found, names, tolerance)],
    ]
    parts = [_grid(grid, "pipe") if form == "md" else _fitting(grid, width)] if cells else []
    for lines in filter(None, prose):
        indents = (line[: len(line) - len(line.lstrip(" "))] for line in lines)
        parts.append("\n".join(i + escape(line) for i, line in zip(indents, lines, strict=True)))
    return "\n\n".join(parts)


def _fitting(lines: Sequence[Sequence[str]], width: int) -> str:
    """A grid for a terminal, if need be without sizes, then without names of scores."""
    for without in ((), ("size",), ("size", "score"), ("size", "score", "95 %")):
        grid = _grid(lines, "plain", without)
        if all(len(line) <= width for line in grid.splitlines()):
            break
    return grid


def _grid(lines: Sequence[Sequence[str]], style: str, without: Sequence[str] = ()) -> str:
    kept = [i for i, head in enumerate(HEADS) if head not in without]
    heads, *rows = [[line[i] for i in kept] for line in lines]
    align = ["left" if HEADS[i] in ("cell", "score") else "right" for i in kept]
    return tabulate(rows, heads, style, disable_numparse=True, colalign=align)


def summary(found: Comparison, names: tuple[str, str], tolerance: float) -> str:
    """Return the sum of a comparison in a few sentences."""
    differing = found.differing(tolerance)
    beyond = f" by more than {tolerance:g} points" if tolerance else ""
    sentences = [f"{len(found.cells)} cells compared, {len(differing)} of them differ{beyond}."]
    if found.cells:
        points = [float(one.points) for one in found.cells]
        largest = max(found.cells, key=lambda one: abs(one.points))
        sentences.append(
            f"{names[1]} minus {names[0]}: {sum(points) / len(points):+.2f} points on average, at "
            f"most {float(largest.points):+.2f} ({largest.key})."
        )
    if tested := [one for one in found.cells if one.test]:
        sentences += _tests(tested)
    resized = sum(not same_size(one) for one in found.cells)
    if resized:
        sentences.append(f"{resized} differ in size.")
    return " ".join(sentences)


def _tests(cells: Sequence[CellDifference]) -> list[str]:
    """What the tests say together, and what they could have seen."""
    from monoglot.significance import LEVEL

    alone = sum(one.test.p < LEVEL for one in cells)
    together = sum(one.adjusted < LEVEL for one in cells)
    visible: dict[str, list[float]] = {}
    for one in cells:
        visible.setdefault(one.key.task, []).append(100 * one.test.visible)
    seen = ", ".join(f"{task} {median(points):.1f}" for task, points in visible.items())
    return [
        f"{alone} of {len(cells)} tested differences have p < {LEVEL}, where chance alone would "
        f"give {LEVEL * len(cells):.1f}; {together} still have it when adjusted for their number "
        "(Holm).",
        f"Differences that such tests find four times in five, in points: {seen}.",
    ]


def _row(one: CellDifference) -> list[str]:
    counts = [cell.parameters for cell in (one.first, one.second)]
    sizes = ["–" if count is None else f"{millions(count)}M" for count in counts]
    p = interval = ""
    if one.test:
        p = f"{one.test.p:.4f}"
        interval = " to ".join(f"{100 * end:+.2f}" for end in one.test.interval)
    return [
        str(one.key),
        " / ".join(dict.fromkeys(filter(None, (one.first.metric, one.second.metric)))),
        *map(str, (one.first, one.second)),
        f"{float(one.points):+.2f}",
        interval,
        p,
        sizes[0] if same_size(one) else " → ".join(sizes),
    ]


def _only(found: Comparison, names: tuple[str, str]) -> list[str]:
    lines = []
    for name, keys in zip(names, (found.only_first, found.only_second), strict=True):
        if keys:
            listed = first_few(list(map(str, keys)), MANY)
            lines.append(f"Only in {name} ({len(keys)}): {listed}.")
    return lines


def _other_columns(found: Comparison, names: tuple[str, str]) -> list[str]:
    """What else differs: a line each, and hashes of inputs together."""
    lines = []
    for name, pairs in found.others.items():
        for (a, b), count in sorted(pairs.items(), key=lambda pair: -pair[1])[:3]:
            if not name.startswith("inputs."):
                lines.append(f"  {name}: {a} → {b} ({count} cells)")
    for kind, what in (("inputs.examples", "examples"), ("inputs.model.safetensors", "weights")):
        if kind in found.others:
            lines.append(f"  other {what} ({sum(found.others[kind].values())} cells)")
    head = f"Also different ({names[0]} → {names[1]}):"
    return [head, *lines] if lines else []


def _made_columns(origins: Origins) -> list[str]:
    """A line for each way in which checkpoints were made otherwise, with those checkpoints."""
    ways: dict[str, list[str]] = {}
    for checkpoint, pairs in origins.items():
        for key, (a, b) in pairs.items():
            way = "other code" if key == "code" else f"{key}: {a} → {b}"
            ways.setdefault(way, []).append(checkpoint)
    lines = [f"  {way} ({first_few(checkpoints)})" for way, checkpoints in ways.items()]
    return ["Checkpoints made otherwise:", *lines] if lines else []


# How the checkpoints of two results folders were made: what differs in their provenance.

LINKS = ("parent", "teacher")
"""Arguments that are folders of checkpoints, whose names say which variant."""


def origins(first: Path, second: Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Return, by checkpoint that both have, arguments and code that differ, as pairs of texts.

    Inputs are not compared: a checkpoint below one that differs is listed only if it was made in
    another way itself. One without provenance is left out.
    """
    found = {}
    for path in sorted((first / "models").glob(f"*/*/*/{NAME}")):
        name = path.parent.relative_to(first / "models").as_posix()
        with suppress(UserError):
            a, b = _made(path), _made(second / "models" / name / NAME)
            pairs = {key: (str(a.get(key)), str(b.get(key))) for key in a | b}
            if differing := {key: pair for key, pair in pairs.items() if a.get(key) != b.get(key)}:
                found[name] = differing
    return found


def _made(path: Path) -> dict[str, Any]:
    """Arguments without paths, which say where and not how; and the code's fingerprint."""
    made = read(path)
    about = {"script": made["script"]}
    for key, value in made["arguments"].items():
        texts = value if isinstance(value, list) else [value]
        if key in LINKS:
            about[key] = Path(value or "").name
        elif not any(isinstance(text, str) and "/" in text for text in texts):
            about[key] = value
    return about | {"code": made["code"]}
