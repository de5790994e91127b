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
from monoglot.tables.base import Labelled, Record, Row, check_known

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
        where = f"{where}.lines"
        check_known((where, "variants", [line.variant for line in self.lines], graph.variants))
        check_labels(where, self.lines)
        check_trained(graph, self.histories(graph), where)


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
                points = _read(sources.histories[name], spec.column)
                about = {"model": model, "language": language, **line.given()}
                found += [about | row for row in _smoothed(points, spec)]
    return found


def draw(drawn: list[Row], spec: CurvesFigure, sources: Sources) -> "Canvas":
    """Draw a panel for each model and language, and in each a line for each label."""
    from monoglot.figures.canvas import Canvas, panel_titles  # imports matplotlib

    panels = distinct(drawn, "model", "language")
    labels = [label for (label,) in distinct(drawn, "label")]
    canvas = Canvas(len(spec.languages), len(spec.models), spec.caption, labels, _note(spec))
    titles = panel_titles(panels, sources)
    canvas.label("steps", LABELS[spec.column])
    for axes, (model, language) in zip(canvas.panels, panels, strict=True):
        axes.set_title(titles[model, language])
        for number, label in enumerate(labels):
            line = where(drawn, model=model, language=language, label=label)
            axes.plot(
                [float(row["step"]) for row in line],
                [_shown(row, spec.column) for row in line],
                label=label,
                **canvas.style(number, points=len(line)),
            )
    return canvas.finish()


def read_history(path: str | Path) -> list[dict[str, str]]:
    """Return a training's `history.csv`; raise `UserError` if it is none.

    A cell is the text of a number, or empty.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            history = list(csv.DictReader(file, restval="", strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a history ({error})") from None
    for row in history:
        for text in row.values():
            if not _is_number(text):
                where = f"{text!r} at step {row.get('step')} is not a number"
                raise UserError(f"{path}: cannot be read as a history ({where})")
    return history


def _is_number(text: object) -> bool:
    try:
        return text == "" or math.isfinite(float(text))
    except (TypeError, ValueError):  # more cells than there are columns are a list
        return False


def _read(path: str, column: str) -> list[dict[str, str]]:
    history = read_history(path)
    if not history or not {"step", column} <= history[0].keys():
        raise UserError(f"{path}: is not the history of a training; it has no '{column}' by step")
    points = [{"step": row["step"], column: row[column]} for row in history]
    for row in points:
        if "" in row.values():
            raise UserError(f"{path}: '{column}' at step {row['step']} is missing")
    return points


def _smoothed(points: list[dict[str, str]], spec: CurvesFigure) -> list[dict[str, str]]:
    from scipy.ndimage import gaussian_filter1d  # slow to import, and planning imports this module

    if not spec.smoothing:
        return points
    values = gaussian_filter1d([float(row[spec.column]) for row in points], spec.smoothing)
    name = f"{spec.column}_smoothed"
    return [row | {name: f"{value:.6g}"} for row, value in zip(points, values, strict=True)]


def _shown(row: Row, column: str) -> float:
    return FACTORS.get(column, 1) * float(row.get(f"{column}_smoothed", row[column]))


def _note(spec: CurvesFigure) -> str:
    if not spec.smoothing:
        return ""
    return f"Smoothed: Gaussian filter, standard deviation {spec.smoothing:g} evaluations."


KIND = FigureKind(CurvesFigure, rows, draw)
