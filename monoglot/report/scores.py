"""Tables 1 and 6 of the paper: scores of every variant, language and task.

Such a table is a pure function of the records and its spec.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from statistics import mean

from monoglot.errors import UserError
from monoglot.report.cells import Cell, Cells, collect, scores_note, size
from monoglot.report.score_columns import score_columns
from monoglot.report.spec import Spec
from monoglot.report.table import Table, fixed

KEYS = ("model", "row")


def render(records: Iterable[Mapping], spec: Spec) -> Table:
    """Make the table of `spec` from records, one row per row of the spec, in its order.

    Cells are means over seeds in percent, two decimals. The average is the mean of the row's
    cells and is missing where one of them is. The reduction is computed from the records'
    parameter counts, relative to the baseline variant of the table's own model. The CSV alone has
    `model`, `row`, `parameters` and, of each cell, `{cell}_std` and `{cell}_seeds`. Raises
    `UserError` as `collect` does, and if two models' records show different metrics.
    """
    records = list(records)
    models = dict.fromkeys(model for model, _, _ in spec.rows)
    cells = {model: collect(records, replace(spec, model=model)) for model in models}
    baseline = size(cells[spec.model], spec.baseline) if spec.model in cells else None
    rows = [
        {"model": model, "row": variant, "label": label}
        | _measured(cells[model], variant, baseline, spec)
        for model, variant, label in spec.rows
    ]
    used = [
        cell
        for model, variant, _ in spec.rows
        for key, cell in cells[model].scores.items()
        if key[0] == variant
    ]
    sentences = [scores_note(used, {task: _metric(cells, task) for task in spec.tasks})]
    sentences += _missing(cells, spec)
    return Table(
        spec.caption, " ".join(sentences), {"label": "Model"}, score_columns(spec.cells), rows
    )


def _missing(cells: Mapping[str, Cells], spec: Spec) -> list[str]:
    """Say which cells a baseline cannot have, and which columns a language does not have."""
    unscored = {
        score: ", ".join(
            label
            for model, variant, label in spec.rows
            if variant in cells[model].unscored.get(score, {})
        )
        for score in dict.fromkeys(score for one in cells.values() for score in one.unscored)
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


def _metric(cells: Mapping[str, Cells], task: str) -> str | None:
    found = {one.metrics[task]: model for model, one in cells.items() if task in one.metrics}
    if len(found) > 1:
        listed = ", ".join(f"{metric} ({model})" for metric, model in found.items())
        raise UserError(f"the models' records disagree on the metric of '{task}': {listed}")
    return next(iter(found), None)


def _measured(cells: Cells, variant: str, baseline: Fraction | None, spec: Spec) -> dict[str, str]:
    parameters = size(cells, variant)
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
