"""Curves: what `history.csv` of `train` checkpoints says, over steps (Figures 2 to 8)."""

import csv
import math
from collections.abc import Iterable, Mapping

from scipy.ndimage import gaussian_filter1d

from monoglot.errors import UserError
from monoglot.figures.block import Sources
from monoglot.figures.canvas import Canvas, panel_titles
from monoglot.figures.numbers import Row, distinct, where

LABELS = {
    "validation_accuracy": "validation accuracy (%)",
    "validation_loss": "validation loss (nats)",
}
FACTORS = {"validation_accuracy": 100}


def rows(spec: Mapping, sources: Sources) -> list[Row]:
    """Return a row for each evaluation: panel, line, step, value as in the history.

    With `smoothing`, a last column holds the values after a Gaussian filter whose standard
    deviation is that number of evaluations, as the paper's figures have it (scipy's
    `gaussian_filter1d`, borders reflected). Raises `UserError` if a history cannot be read or has
    no such column.
    """
    found = []
    for model in spec["models"]:
        for language in spec["languages"]:
            for line in spec["lines"]:
                name = f"{model}/{language}/{line['variant']}"
                if name not in sources.histories:
                    raise UserError(f"the figure needs the history of {name}, which is not given")
                points = _read(sources.histories[name], spec["column"])
                about = {"model": model, "language": language, **line}
                found += [about | row for row in _smoothed(points, spec)]
    return found


def draw(drawn: list[Row], spec: Mapping, sources: Sources) -> Canvas:
    """Draw a panel for each model and language, and in each a line for each label."""
    panels = distinct(drawn, "model", "language")
    labels = [label for (label,) in distinct(drawn, "label")]
    size = (len(spec["languages"]), len(spec["models"]))
    canvas = Canvas(*size, spec["caption"], labels, _note(spec))
    column, titles = spec["column"], panel_titles(panels, sources)
    canvas.label("steps", LABELS[column])
    for axes, (model, language) in zip(canvas.panels, panels, strict=True):
        axes.set_title(titles[model, language])
        for number, label in enumerate(labels):
            line = where(drawn, model=model, language=language, label=label)
            axes.plot(
                [float(row["step"]) for row in line],
                [_shown(row, column) for row in line],
                label=label,
                **canvas.style(number, points=len(line)),
            )
    return canvas.finish()


def _read(path: str, column: str) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            history = list(csv.DictReader(file, restval="", strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a history ({error})") from None
    if not history or not {"step", column} <= history[0].keys():
        raise UserError(f"{path}: is not the history of a training; it has no '{column}' by step")
    points = [{"step": row["step"], column: row[column]} for row in history]
    for row in points:
        _check(row.values(), path, row)
    return points


def _check(numbers: Iterable[str], path: str, row: Mapping) -> None:
    try:
        for number in numbers:
            if not math.isfinite(float(number)):
                raise ValueError
    except ValueError:
        raise UserError(f"{path}: '{number}' at step {row['step']} is not a number") from None


def _smoothed(points: list[dict[str, str]], spec: Mapping) -> list[dict[str, str]]:
    column, sigma = spec["column"], spec["smoothing"]
    if not sigma:
        return points
    values = gaussian_filter1d([float(row[column]) for row in points], sigma)
    return [row | {f"{column}_smoothed": f"{v:.6g}"} for row, v in zip(points, values, strict=True)]


def _shown(row: Row, column: str) -> float:
    return FACTORS.get(column, 1) * float(row.get(f"{column}_smoothed", row[column]))


def _note(spec: Mapping) -> str:
    if not spec["smoothing"]:
        return ""
    return f"Smoothed: Gaussian filter, standard deviation {spec['smoothing']:g} evaluations."
