"""Scores of one task against a number that variants differ in (Figures 9 and 10)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from monoglot.evaluate.metrics import guess
from monoglot.figures.blocks import (
    FigureBlock,
    FigureKind,
    Sources,
    cell_of,
    check_labels,
    distinct,
    where,
)
from monoglot.keys import Number, Parameters
from monoglot.paths import Needs
from monoglot.tables.base import Labelled, Record, Row, Text
from monoglot.tables.scores import Cell, collect, metrics_of

if TYPE_CHECKING:
    from monoglot.figures.canvas import Canvas
    from monoglot.graph import Graph


class PointOfVariant(Parameters):
    """A point that shows a variant."""

    variant: Text
    """Name of a variant."""
    x: Annotated[Number, Field(gt=0)]
    """Where the point stands."""


class LineOfPoints(Parameters):
    """A line through variants."""

    label: Text
    """What is printed."""
    points: Annotated[list[PointOfVariant], Field(min_length=1)]
    """Its variants."""


class ScoresFigure(FigureBlock):
    """Scores of one task against a number that variants differ in (Figures 9 and 10)."""

    kind: Literal["scores"]
    """What is drawn."""
    task: Text
    """Name of a task."""
    score: Text | None = None
    """The metric to show instead of the record's `score`."""
    x_label: Text
    """What `x` is, with its unit."""
    x_scale: Literal["linear", "log"] = "linear"
    """Of the horizontal axis."""
    lines: Annotated[list[LineOfPoints], Field(min_length=1)]
    """A line for each label."""
    references: Annotated[list[Labelled], Field(min_length=1, max_length=4)] | None = None
    """Variants whose scores are horizontal lines."""

    @property
    def variants(self) -> list[str]:
        """Names of all variants that are shown."""
        points = [point.variant for line in self.lines for point in line.points]
        return points + [line.variant for line in self.references or ()]

    def needs(self, graph: "Graph") -> Needs:
        return Needs(runs=self.runs_of(graph, self.variants, [self.task]))

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        check_labels(where, [*self.lines, *(self.references or ())])


def rows(spec: ScoresFigure, sources: Sources, records: Sequence[Record]) -> list[Row]:
    """Return a row for each point, and for each reference one without `x`.

    `mean`, `mean_std` (sample standard deviation over seeds, empty below two) and `chance`, what
    the most frequent label scores (empty if records do not say), are in percent. Raises
    `UserError` if records of a point are missing.
    """
    task, scores = spec.task, {spec.task: spec.score} if spec.score else {}
    cells = collect(records, scores)
    metric = metrics_of(cells, [task]).get(task, "")
    marks = [
        {"label": line.label, "variant": point.variant, "x": f"{point.x:g}"}
        for line in spec.lines
        for point in sorted(line.points, key=lambda point: point.x)
    ]
    marks += [
        {"label": line.label, "variant": line.variant, "x": ""} for line in spec.references or ()
    ]
    return [
        {"model": model, "language": language, "task": task, "metric": metric}
        | mark
        | _measured(cell_of(cells, model, language, mark["variant"], task))
        for model in spec.models
        for language in spec.languages
        for mark in marks
    ]


def draw(drawn: list[Row], spec: ScoresFigure, sources: Sources) -> "Canvas":
    """Draw a panel for each model and language, with a line for each label."""
    from monoglot.figures.canvas import REFERENCE, Canvas  # imports matplotlib

    panels = distinct(drawn, "model", "language")
    labels = [label for (label,) in distinct(drawn, "label")]
    canvas = Canvas(len(spec.languages), len(spec.models), spec.caption, labels, _note(drawn))
    metric = drawn[0]["metric"].replace("_", " ").replace("f1", "F1")
    canvas.label(spec.x_label, f"{sources.name(spec.task)}, {metric} (%)")
    lines = [label for (label,) in distinct([row for row in drawn if row["x"]], "label")]
    for axes, (model, language) in zip(canvas.panels, panels, strict=True):
        axes.set_title(sources.name(language, model))
        panel = where(drawn, model=model, language=language)
        for number, label in enumerate(lines):
            points = [row for row in where(panel, label=label) if row["x"]]
            style = canvas.style(number, points=len(points))
            axes.plot([], [], label=label, **style)
            canvas.points(axes, points, "x", "mean", style)
        for number, row in enumerate(where(panel, x="")):
            axes.axhline(float(row["mean"]), label=row["label"], **REFERENCE[number])
        for chance in sorted({float(row["chance"]) for row in panel if row["chance"]})[-1:]:
            low, high = axes.get_ylim()
            if low <= chance <= high:
                axes.axhline(chance, color="0.6", linestyle=":", linewidth=0.8)
        ticks = sorted({float(row["x"]) for row in panel if row["x"]})
        canvas.ticks(axes, ticks, spec.x_scale)
    return canvas.finish()


def _measured(cell: Cell) -> dict[str, str]:
    return {
        "mean": f"{float(cell.mean):.4f}",
        "mean_std": "" if cell.std is None else f"{float(cell.std):.4f}",
        "seeds": str(len(cell.percent)),
        "chance": "" if cell.chance is None else f"{float(cell.chance):.4f}",
    }


def _note(drawn: list[Row]) -> str:
    counts = sorted({int(row["seeds"]) for row in drawn})
    levels = sorted({float(row["chance"]) for row in drawn if row["chance"]})
    chance = " to ".join(dict.fromkeys(f"{level:.1f}" for level in levels[:1] + levels[-1:]))
    said = f" {_guess(drawn)} (dotted): {chance} %." if chance else ""
    if counts == [1]:
        return f"One seed.{said}"
    seeds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    return f"Mean and standard deviation over {seeds} seeds.{said}"


def _guess(drawn: list[Row]) -> str:
    found = guess({row["metric"] for row in drawn})
    return found[:1].upper() + found[1:]


KIND = FigureKind(ScoresFigure, rows, draw)
