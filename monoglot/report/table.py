"""Tables 1 and 6 of the paper: scores of every variant, language and task, as texts ready to print.

A table is a pure function of the records, its spec and, if given, the published numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import mean

from monoglot.evaluate.records import read_record, read_records
from monoglot.report.cells import Cell, Cells, collect, size
from monoglot.report.published import Published, compared
from monoglot.report.spec import Spec


@dataclass(frozen=True)
class Table:
    """Rows of texts by column name; a missing value is an empty text.

    Columns: `model`, `row`, `label`, `reduction_percent`, `size_millions`, one `{language}_{task}`
    per cell in percent, `avg`; then `parameters`, `{cell}_std` and `{cell}_seeds`; then, where
    published numbers were given, `published_{column}` and `difference_{column}` (ours minus
    published) of every numeric column. `note` says what the cells are.
    """

    caption: str
    note: str
    rows: list[dict[str, str]]


def render(records: Iterable[Mapping], spec: Spec, published: Published | None = None) -> Table:
    """Make the table of `spec` from records, one row per row of the spec, in its order.

    Cells are means over seeds in percent, two decimals. The average is the mean of the row's
    cells and is missing where one of them is. The reduction is computed from the records'
    parameter counts, relative to the baseline variant. Raises `UserError` as `collect` does.
    """
    cells = collect(records, spec)
    rows = []
    for variant, label in spec.rows:
        row = {"model": spec.model, "row": variant, "label": label}
        row |= _measured(cells, variant, spec)
        if published is not None:
            row |= compared(row, published.get((spec.model, variant), {}), spec.cells)
        rows.append(row)
    return Table(spec.caption, _note(cells, spec), rows)


def read_scores(paths: Iterable[str | Path]) -> list[Mapping]:
    """Read records from JSON files, and from folders with all their `seed*.json`."""
    read: list[Mapping] = []
    for path in map(Path, paths):
        read += read_records(path) if path.is_dir() else [read_record(path)]
    return read


def _note(cells: Cells, spec: Spec) -> str:
    variants = {variant for variant, _ in spec.rows}
    counts = [len(cell.percent) for key, cell in cells.scores.items() if key[0] in variants]
    low, high = min(counts, default=0), max(counts, default=0)
    seeds = (
        "one seed" if high == 1 else f"{high} seeds" if low == high else f"{low} to {high} seeds"
    )
    tasks = [task for task in spec.tasks if task in cells.metrics]
    metrics = ", ".join(f"{task.upper()}: {cells.metrics[task]}" for task in tasks)
    return f"Scores in percent ({metrics}), mean over {seeds}."


def _measured(cells: Cells, variant: str, spec: Spec) -> dict[str, str]:
    parameters, baseline = size(cells, variant), size(cells, spec.baseline)
    reduction = 100 * (parameters / baseline - 1) if parameters and baseline else None
    found = {
        name: cells.scores.get((variant, language, task), Cell())
        for name, (language, task) in spec.cells.items()
    }
    means = [cell.mean for cell in found.values()]
    row = {"reduction_percent": _whole(reduction), "size_millions": _millions(parameters)}
    row |= {name: _text(cell.mean) for name, cell in found.items()}
    row["avg"] = "" if None in means else _text(mean(means))
    row["parameters"] = _whole(parameters)
    row |= {f"{name}_std": _text(cell.std) for name, cell in found.items()}
    row |= {f"{name}_seeds": str(len(cell.percent)) for name, cell in found.items()}
    return row


def _text(value: Fraction | float | None) -> str:
    return "" if value is None else f"{float(value):.2f}"


def _whole(value: Fraction | None) -> str:
    return "" if value is None else str(round(value))


def _millions(parameters: Fraction | None) -> str:
    """Whole millions as in the paper; three significant digits below ten million."""
    if parameters is None:
        return ""
    millions = float(parameters / 10**6)
    return f"{millions:.0f}" if millions >= 10 else f"{millions:#.3g}"
