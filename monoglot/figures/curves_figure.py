"""Curves: what `history.csv` of `train` checkpoints says, over steps (Figures 2 to 8)."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from monoglot.errors import UserError
from monoglot.figures.blocks import (
    FigureBlock,
    FigureKind,
    Sources,
    check_labels,
    check_trained,
    distinct,
    where,
)
from monoglot.keys import Number
from monoglot.paths import Checkpoint, Needs
from monoglot.tables.base import Labelled, Record, Row

if TYPE_CHECKING:
    from monoglot.figures.canvas import Canvas
    from monoglot.graph import Graph


LABELS = {
    "validation_accuracy": "validation accuracy (%)",
    "validation_loss": "validation loss (nats)",
}
FACTORS = {"validation_accuracy": 100}


class CurvesFigure(FigureBlock):
    """Histories of `train` variants over steps (Figures 2 to 8)."""

    kind: Literal["curves"]
    """What is drawn."""
    column: Literal["validation_accuracy", "validation_loss"] = "validation_accuracy"
    """Column of `history.csv`."""
    smoothing: Annotated[Number, Field(ge=0)] = 0
    """Standard deviation of a Gaussian filter, in evaluations; the paper's is 8."""
    lines: Annotated[list[Labelled], Field(min_length=1)]
    """Variants with their labels, in this order."""

    def histories(self, graph: "Graph") -> dict[str, Checkpoint]:
        return self.checkpoints_of(graph, [line.variant for line in self.lines])

    def needs(self, graph: "Graph") -> Needs:
        return Needs(checkpoints=list(self.histories(graph).values()))

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        check_labels(f"{where}.lines", self.lines)
        check_trained(graph, self.histories(graph), f"{where}.lines")


def rows(spec: CurvesFigure, sources: Sources, records: Sequence[Record] = ()) -> list[Row]:
    """Return a row for each evaluation: panel, line, step, value as in the history.

    With `smoothing`, a last column holds the values after a Gaussian filter whose standard
    deviation is that number of evaluations, as the paper's figures have it (scipy's
    `gaussian_filter1d`, borders reflected). Raises `UserError` if a history cannot be read or has
    no such column.
    """
    found = []
    for model in spec.models:
        for language in spec.languages:
            for line in spec.lines:
                name = f"{model}/{language}/{line.variant}"
                if name not in sources.histories:
                    raise UserError(f"the figure needs the history of {name}, which is not given")
                history = read_history(sources.histories[name], "step", spec.column)
                about = {"model": model, "language": language, **line.given()}
                points = [{key: row[key] for key in ("step", spec.column)} for row in history]
                found += [about | row for row in _smoothed(points, spec)]
    return found


def draw(drawn: list[Row], spec: CurvesFigure, sources: Sources) -> "Canvas":
    """Draw a panel for each model and language, and in each a line for each label."""
    from monoglot.figures.canvas import Canvas  # imports matplotlib

    panels = distinct(drawn, "model", "language")
    labels = [label for (label,) in distinct(drawn, "label")]
    note = ""
    if spec.smoothing:
        note = f"Smoothed: Gaussian filter, standard deviation {spec.smoothing:g} evaluations."
    canvas = Canvas(len(spec.languages), len(spec.models), spec.caption, labels, note)
    canvas.label("steps", LABELS[spec.column])
    drawn_column = f"{spec.column}_smoothed" if spec.smoothing else spec.column
    for axes, (model, language) in zip(canvas.panels, panels, strict=True):
        axes.set_title(sources.name(language, model))
        for number, label in enumerate(labels):
            line = where(drawn, model=model, language=language, label=label)
            axes.plot(
                [float(row["step"]) for row in line],
                [FACTORS.get(spec.column, 1) * float(row[drawn_column]) for row in line],
                label=label,
                **canvas.style(number, points=len(line)),
            )
    return canvas.finish()


def read_history(path: str | Path, *columns: str) -> list[dict[str, str]]:
    """Return a training's `history.csv`: cells are texts of numbers, or empty.

    Raises `UserError` if it is none, or lacks something of `columns`.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            history = list(csv.DictReader(file, restval="", strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a history ({error})") from None
    lacking = [name for name in columns if not history or name not in history[0]]
    if lacking:
        raise UserError(f"{path}: is not the history of a training; it has no '{lacking[0]}'")
    for row in history:
        for column, text in row.items():
            try:
                if not math.isfinite(float(text or (0 if column not in columns else text))):
                    raise ValueError
            except (TypeError, ValueError):  # more cells than columns are a list
                where = f"{text!r} at step {row.get('step')} is not a number"
                raise UserError(f"{path}: cannot be read as a history ({where})") from None
    return history


def _smoothed(points: list[dict[str, str]], spec: CurvesFigure) -> list[dict[str, str]]:
    from scipy.ndimage import gaussian_filter1d  # slow to import, and planning imports this module

    if not spec.smoothing:
        return points
    values = gaussian_filter1d([float(row[spec.column]) for row in points], spec.smoothing)
    name = f"{spec.column}_smoothed"
    return [row | {name: f"{value:.6g}"} for row, value in zip(points, values, strict=True)]


KIND = FigureKind(CurvesFigure, rows, draw)
