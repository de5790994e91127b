"""Size against score: a panel for each language, with its Pareto front."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from monoglot.pages import svg
from monoglot.pages.axes import FONT, Axes, Scale, log_ticks, padded, padded_log, round_ticks
from monoglot.pages.labels import placed
from monoglot.pages.numbers import fixed, listed
from monoglot.pages.points import Panel, Point, front
from monoglot.pages.run import Run

MARGIN = {"left": 40, "right": 14, "top": 30, "bottom": 46}


@dataclass(frozen=True)
class Drawing:
    """A drawing with the name of what it shows, and the rows of numbers behind it."""

    title: str
    svg: Markup
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def draw(run: Run, panel: Panel, name: str, size: tuple[int, int]) -> Drawing:
    """Draw a panel `size` units wide and high.

    Args:
        name: what its ids begin with.
    """
    best = front(panel.ours)
    axes = _axes(panel, size)
    drawn = [_frame(axes, panel), svg.path(_steps(axes, best), class_="front")]
    drawn += _labels(axes, panel, best)
    drawn += [_point(run, axes, panel, point, "published") for point in panel.published]
    drawn += [_point(run, axes, panel, point, "") for point in panel.ours]
    title = f"{panel.measure.name} against score: {panel.title}"
    picture = svg.figure(name, title, finding(run, panel, best), size, *drawn)
    heads = ("Model", "Variant", panel.measure.name, *HEADS)
    return Drawing(panel.title, picture, heads, rows(run, panel, best))


def finding(run: Run, panel: Panel, best: Sequence[Point]) -> str:
    """Say in a sentence what the front of a panel is."""
    written = panel.measure.written
    names = [f"{named(run, p)} ({written(p.size)}, {fixed(p.score)} %)" for p in best]
    measure = panel.measure.name.lower()
    if len(best) == 1:
        return f"One variant has the least {measure} and the best score: {names[0]}."
    return f"No other variant beats these {len(best)}, by {measure}: {listed(names, 20)}."


HEADS = ("Score (%)", "Deviation over seeds", "On the front")


def rows(run: Run, panel: Panel, best: Sequence[Point]) -> list[list[str]]:
    """Return the numbers behind a panel, published ones named so."""
    pairs = [(p, "yes" if p in best else "no", "") for p in panel.ours]
    pairs += [(p, fixed(None), " (published)") for p in panel.published]
    return [
        [
            run.model_name(p.model),
            f"{p.variant}{kind}",
            f"{p.size:,.0f}" if panel.measure.unit > 1 else panel.measure.written(p.size),
            fixed(p.score),
            fixed(p.std),
            on_front,
        ]
        for p, on_front, kind in sorted(pairs, key=lambda pair: pair[0].size)
    ]


def named(run: Run, point: Point) -> str:
    """Return a variant's name, with its model's where there are several."""
    several = len(run.models) > 1
    return f"{run.model_name(point.model)} {point.variant}" if several else point.variant


def _axes(panel: Panel, size: tuple[int, int]) -> Axes:
    points = [*panel.ours, *panel.published]
    x = padded_log([point.size for point in points])
    reach = [p.score + sign * (p.std or 0) for p in points for sign in (-1, 1)]
    low, high = padded(reach, 0.1)
    y = max(low, 0), min(high, 100)
    return Axes(
        Scale(*x, MARGIN["left"], size[0] - MARGIN["right"], log=True),
        Scale(*y, size[1] - MARGIN["bottom"], MARGIN["top"]),
    )


def _frame(axes: Axes, panel: Panel) -> Markup:
    return axes.frame(
        log_ticks(axes.x.low, axes.x.high, round((axes.x.end - axes.x.start) / 60)),
        round_ticks(axes.y.low, axes.y.high),
        lambda value: f"{value / panel.measure.unit:,.5g}",
        lambda value: f"{value:g}",
        (panel.measure.label, "mean score in %"),
    )


def _steps(axes: Axes, best: Sequence[Point]) -> list[tuple[float, float]]:
    """The corners of the front: how good a model of at most this size can be."""
    places = [(axes.x(best[0].size), axes.y.start)]
    for point in best:
        x, y = axes.x(point.size), axes.y(point.score)
        places += [(x, places[-1][1]), (x, y)]
    return [*places, (axes.x.end, places[-1][1])]


def _point(run: Run, axes: Axes, panel: Panel, point: Point, kind: str) -> Markup:
    x, y = axes.x(point.size), axes.y(point.score)
    said = f"{run.model_name(point.model)} {point.variant}{' as published' if kind else ''}"
    said += f": {panel.measure.written(point.size)}, {fixed(point.score)} %"
    parts = [svg.element("title", said + (f" ± {point.std:.2f}" if point.std else ""))]
    if point.std:
        ends = (axes.y(point.score - point.std), axes.y(point.score + point.std))
        parts.append(svg.line(x, ends[0], x, ends[1], class_="spread"))
    parts.append(svg.mark(run.models.index(point.model), x, y, class_=kind))
    return svg.element("g", *parts)


def _labels(axes: Axes, panel: Panel, best: Sequence[Point]) -> list[Markup]:
    """Names of the variants on the front; the mark tells the model."""
    marks = [(axes.x(p.size), axes.y(p.score)) for p in (*panel.ours, *panel.published)]
    names = [(axes.x(p.size), axes.y(p.score), p.variant) for p in best]
    corners = pairwise(_steps(axes, best))
    lines = [(min(a, c), min(b, d) - 1, max(a, c) + 1, max(b, d)) for (a, b), (c, d) in corners]
    lines += [
        (axes.x.start - 26, axes.y(tick) - 7, axes.x.start - 5, axes.y(tick) + 5)
        for tick in round_ticks(axes.y.low, axes.y.high)
    ]
    frame = (2, MARGIN["top"] - 6, axes.x.end + MARGIN["right"], axes.y.start)
    drawn = []
    for at, (x, y, name) in zip(placed(names, marks, lines, frame, FONT), names, strict=True):
        if at.leader:
            drawn.append(svg.line(x, y, *at.leader, class_="leader"))
        drawn.append(svg.text(at.x, at.y, name, at.anchor, class_="name"))
    return drawn
