"""Tables 1 and 6 of the paper: scores of every variant, language and task.

Such a table is a pure function of the records and its spec.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from statistics import mean

from monoglot.report.cells import Cell, Cells, collect, scores_note, size
from monoglot.report.score_columns import score_columns
from monoglot.report.spec import Spec
from monoglot.report.table import Table, fixed

KEYS = ("model", "row")


def render(records: Iterable[Mapping], spec: Spec) -> Table:
    """Make the table of `spec` from records, one row per row of the spec, in its order.

    Cells are means over seeds in percent, two decimals. The average is the mean of the row's
    cells and is missing where one of them is. The reduction is computed from the records'
    parameter counts, relative to the baseline variant. The CSV alone has `model`, `row`,
    `parameters` and, of each cell, `{cell}_std` and `{cell}_seeds`. Raises `UserError` as
    `collect` does.
    """
    cells = collect(records, spec)
    rows = [
        {"model": spec.model, "row": variant, "label": label} | _measured(cells, variant, spec)
        for variant, label in spec.rows
    ]
    variants = {variant for variant, _ in spec.rows}
    used = [cell for key, cell in cells.scores.items() if key[0] in variants]
    sentences = [scores_note(used, {task: cells.metrics.get(task) for task in spec.tasks})]
    sentences += _missing(cells, spec)
    return Table(
        spec.caption, " ".join(sentences), {"label": "Model"}, score_columns(spec.cells), rows
    )


def _missing(cells: Cells, spec: Spec) -> list[str]:
    """Say which cells a baseline cannot have, and which columns a language does not have."""
    rows = dict(spec.rows)
    unscored = {
        score: ", ".join(rows[variant] for variant in variants if variant in rows)
        for score, variants in cells.unscored.items()
    }
    lacking = {
        language: ", ".join(map(str.upper, tasks)) for language, tasks in spec.left_out.items()
    }
    return [
        *(
            f"No {score} without a tokenizer: {labels}."
            for score, labels in unscored.items()
            if labels
        ),
        *(f"No {tasks} for {language}." for language, tasks in lacking.items()),
    ]


def _measured(cells: Cells, variant: str, spec: Spec) -> dict[str, str]:
    parameters, baseline = size(cells, variant), size(cells, spec.baseline)
    reduction = 100 * (parameters / baseline - 1) if parameters and baseline else None
    found = {
        name: cells.scores.get((variant, language, task), Cell())
        for name, (language, task) in spec.cells.items()
    }
    means = [cell.mean for cell in found.values()]
    row = {"reduction_percent": _whole(reduction), "size_millions": _millions(parameters)}
    row |= {name: fixed(cell.mean, 2) for name, cell in found.items()}
    row["avg"] = "" if None in means else fixed(mean(means), 2)
    row["parameters"] = _whole(parameters)
    row |= {f"{name}_std": fixed(cell.std, 2) for name, cell in found.items()}
    row |= {f"{name}_seeds": str(len(cell.percent)) for name, cell in found.items()}
    return row


def _whole(value: Fraction | None) -> str:
    return "" if value is None else str(round(value))


def _millions(parameters: Fraction | None) -> str:
    """Whole millions as in the paper; three significant digits below ten million."""
    if parameters is None:
        return ""
    millions = float(parameters / 10**6)
    return f"{millions:.0f}" if millions >= 10 else f"{millions:#.3g}"
