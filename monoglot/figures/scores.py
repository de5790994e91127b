"""Scores of one task against a number that variants differ in (Figures 9 and 10)."""

from collections.abc import Mapping, Sequence

from monoglot.figures.block import Sources
from monoglot.figures.canvas import REFERENCE, Canvas, panel_titles
from monoglot.figures.cells import Key, cell_of, collect, metric_of
from monoglot.figures.numbers import Row, distinct, where
from monoglot.report.cells import Cell


def rows(spec: Mapping, records: Sequence[Mapping]) -> list[Row]:
    """Return a row for each point, and for each reference one without `x`.

    `mean` and `mean_std` (sample standard deviation over seeds, empty below two) are in percent.
    Raises `UserError` if records of a point are missing.
    """
    task, scores = spec["task"], {spec["task"]: spec["score"]} if "score" in spec else {}
    cells, metric = collect(records, scores), metric_of(records, spec["task"], scores)
    marks = [
        {"label": line["label"], "variant": point["variant"], "x": f"{point['x']:g}"}
        for line in spec["lines"]
        for point in sorted(line["points"], key=lambda point: point["x"])
    ]
    marks += [
        {"label": line["label"], "variant": line["variant"], "x": ""}
        for line in spec.get("references", [])
    ]
    return [
        {"model": model, "language": language, "task": task, "metric": metric}
        | mark
        | _measured(cells, (model, language, mark["variant"], task))
        for model in spec["models"]
        for language in spec["languages"]
        for mark in marks
    ]


def draw(drawn: list[Row], spec: Mapping, sources: Sources) -> Canvas:
    """Draw a panel for each model and language, with a line for each label."""
    panels = distinct(drawn, "model", "language")
    size = (len(spec["languages"]), len(spec["models"]))
    labels = [label for (label,) in distinct(drawn, "label")]
    canvas = Canvas(*size, spec["caption"], labels, _note(drawn))
    titles, task = panel_titles(panels, sources), sources.name(spec["task"])
    canvas.label(spec["x_label"], f"{task}, {_printed(drawn[0]['metric'])} (%)")
    lines = [label for (label,) in distinct([row for row in drawn if row["x"]], "label")]
    for axes, (model, language) in zip(canvas.panels, panels, strict=True):
        axes.set_title(titles[model, language])
        panel = where(drawn, model=model, language=language)
        for number, label in enumerate(lines):
            points = [row for row in where(panel, label=label) if row["x"]]
            style = canvas.style(number, points=len(points))
            axes.plot([], [], label=label, **style)
            canvas.points(axes, points, "x", "mean", style)
        for number, row in enumerate(where(panel, x="")):
            axes.axhline(float(row["mean"]), label=row["label"], **REFERENCE[number])
        ticks = sorted({float(row["x"]) for row in panel if row["x"]})
        canvas.ticks(axes, ticks, spec["x_scale"])
    return canvas.finish()


def _measured(cells: Mapping[Key, Cell], key: Key) -> dict[str, str]:
    cell = cell_of(cells, *key)
    return {
        "mean": f"{float(cell.mean):.4f}",
        "mean_std": "" if cell.std is None else f"{float(cell.std):.4f}",
        "seeds": str(len(cell.percent)),
    }


def _printed(metric: str) -> str:
    return metric.replace("_", " ").replace("f1", "F1")


def _note(drawn: list[Row]) -> str:
    counts = sorted({int(row["seeds"]) for row in drawn})
    if counts == [1]:
        return "One seed."
    seeds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    return f"Mean and standard deviation over {seeds} seeds."
