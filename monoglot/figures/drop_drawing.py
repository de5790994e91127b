"""The figure of losses over the volume of text; see `monoglot.figures.drop`."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from monoglot.figures.block import Sources
from monoglot.figures.canvas import Canvas
from monoglot.figures.numbers import Row, distinct, where

MARGIN = 1.35  # the fitted line goes on beyond the points by this factor


def draw(drawn: list[Row], spec: Mapping, sources: Sources) -> Canvas:
    """Draw one panel with the points of each model, and its power law where there is one."""
    models = [model for (model,) in distinct(drawn, "model")]
    labels = {model: _label(where(drawn, model=model)[0], sources.name(model)) for model in models}
    canvas = Canvas(1, 1, spec["caption"], list(labels.values()), _note(drawn))
    (axes,) = canvas.panels
    canvas.label("text the teacher was adapted on (MB)", "drop of the mean score (%)")
    canvas.ticks(axes, sorted({float(row["megabytes"]) for row in drawn}), "log")
    if all(_drop(row) > 0 for row in drawn):
        canvas.plain_logarithm(axes)
    for number, model in enumerate(models):
        points = where(drawn, model=model)
        style = canvas.style(number, len(points))
        axes.plot([], [], label=labels[model], **style)
        canvas.points(axes, points, "megabytes", "drop", style | {"linestyle": "none"})
        _law(axes, points, style)
    _names(axes, drawn, sources)
    return canvas.finish()


def _names(axes: Axes, drawn: list[Row], sources: Sources) -> None:
    """Name the points, above the panel at their volume."""
    for language, label, megabytes in distinct(drawn, "language", "label", "megabytes"):
        axes.annotate(
            " ".join(filter(None, (sources.name(language), label))),
            (float(megabytes), 1),
            (0, 4),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )


def _drop(row: Row) -> float:
    return float(row["drop"])


def _law(axes: Axes, points: list[Row], style: Mapping) -> None:
    if not points[0]["fit_exponent"]:
        return
    volumes = [float(row["megabytes"]) for row in points]
    x = np.geomspace(min(volumes) / MARGIN, max(volumes) * MARGIN, 50)
    y = float(points[0]["fit_factor"]) * x ** float(points[0]["fit_exponent"])
    axes.plot(x, y, color=style["color"], linestyle=style["linestyle"], linewidth=0.9)


def _label(row: Row, model: str) -> str:
    if not row["fit_exponent"]:
        return f"{model}: no power law"
    law = f"drop ∝ MB^{float(row['fit_exponent']):.2f}"
    if row["fit_exponent_low"]:
        low, high = (float(row[f"fit_exponent_{end}"]) for end in ("low", "high"))
        law += f" (95 %: {low:.2f} to {high:.2f})"
    return f"{model}: {law.replace('-', '−')}"


def _note(drawn: list[Row]) -> str:
    count = max(len(where(drawn, model=model)) for (model,) in distinct(drawn, "model"))
    freedom, languages = max(count - 2, 0), len(distinct(drawn, "language"))
    sentences = [
        "Bars: standard deviation over seeds." if drawn[0]["drop_std"] else "",
        f"Lines: least squares of log drop on log MB, {count} points a model;",
        f"intervals: Student's t with {freedom} degree{'' if freedom == 1 else 's'} of freedom.",
        _verdict(drawn),
        f"{languages} languages differ in more than the volume of text: the cause cannot be told."
        if languages > 1
        else "One language: what holds for it need not hold for another.",
    ]
    return " ".join(filter(None, sentences))


def _verdict(drawn: list[Row]) -> str:
    intervals = [
        (float(row["fit_exponent_low"]), float(row["fit_exponent_high"]))
        for row in (where(drawn, model=model)[0] for (model,) in distinct(drawn, "model"))
        if row["fit_exponent_low"]
    ]
    open_ = sum(low <= 0 <= high for low, high in intervals)
    if not intervals:
        return "Too little to bound an exponent."
    if open_ == len(intervals):
        return "Every interval holds 0: a drop that does not depend on the volume is not excluded."
    return f"{len(intervals) - open_} of {len(intervals)} intervals exclude 0."
