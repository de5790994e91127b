"""Curves of training: validation loss and accuracy over the tokens seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.nodes import ANY, Checkpoint
from monoglot.pages import svg
from monoglot.pages.axes import FONT, Axes, Scale, padded, round_ticks
from monoglot.pages.labels import spread
from monoglot.pages.numbers import MISSING, fixed, listed, tokens
from monoglot.pages.run import HistoryRow, Run

SIZE = (390, 260)
LEFT, TOP, BOTTOM = 40, 30, 46
MEASURES = (
    ("validation_accuracy", "Validation accuracy", "masked tokens guessed right, %", 100, 2),
    ("validation_loss", "Validation loss", "loss on masked tokens, nats", 1, 0.2),
)
"""Column of the history, title, label with its unit, factor, and the least range of the axis: what
differs by less should not look as if it differed much."""
GAP = 14.5


@dataclass(frozen=True)
class Curves:
    """The training runs of one model and language that belong together, drawn and as numbers."""

    title: str
    drawings: Sequence[Markup]
    rows: Sequence[Sequence[str]]


HEADS = (
    "Variant",
    "Steps",
    "Tokens",
    "Training loss",
    "of it masked LM",
    "of it distillation",
    "Validation loss",
    "Validation accuracy (%)",
)


def curves(run: Run, distilled: bool) -> list[Curves]:
    """Return the curves of all trainings with a teacher by model and language.

    Or of those without one, by language, the models together.
    """
    models = run.graph.config["models"]
    groups = [[one] for one in models] if distilled else [list(models)]
    found = []
    for group in groups:
        for language in (*run.graph.config["languages"], ANY):
            lines = _lines(run, group, language, distilled)
            if lines:
                name = f"curve-{'-'.join(group)}-{language}-{'kd' if distilled else 'lm'}"
                found.append(_curves(run, group, language, lines, name))
    return found


def _lines(
    run: Run, models: Sequence[str], language: str, distilled: bool
) -> dict[str, list[HistoryRow]]:
    """Histories by the name of their line: the variant, with its model's where it needs one."""
    found = {}
    for model in models:
        for variant in run.graph.variants:
            node = Checkpoint(model, language, variant)
            history = run.histories.get(node, [])
            if _has_points(history) and bool(run.graph.teacher(node)) == distilled:
                name = f"{run.model_name(model)} {variant}" if len(models) > 1 else variant
                found[name] = history
    return found


def _has_points(history: Sequence[HistoryRow]) -> bool:
    return any(row.get(column) is not None for row in history for column, *_ in MEASURES)


def _curves(
    run: Run,
    models: Sequence[str],
    language: str,
    lines: dict[str, list[HistoryRow]],
    name: str,
) -> Curves:
    of = "all languages together" if language == ANY else run.language_name(language)
    title = f"{listed([run.model_name(model) for model in models])}, {of}"
    drawings = [_panel(title, f"{name}-{one[0]}", lines, *one) for one in MEASURES]
    rows = [_final(variant, history) for variant, history in lines.items()]
    return Curves(title, [one for one in drawings if one], rows)


def _final(variant: str, history: Sequence[HistoryRow]) -> list[str]:
    last = history[-1]
    accuracy = last.get("validation_accuracy")
    counts = [last.get("step"), last.get("tokens")]
    return [
        variant,
        *(MISSING if one is None else f"{one:,.0f}" for one in counts),
        *(fixed(last.get(name), 3) for name in ("loss", "mlm_loss", "distillation_loss")),
        fixed(last.get("validation_loss"), 3),
        fixed(None if accuracy is None else 100 * accuracy),
    ]


def _panel(
    title: str,
    name: str,
    lines: dict[str, list[HistoryRow]],
    column: str,
    heading: str,
    label: str,
    factor: float,
    least: float,
) -> Markup | None:
    points = {
        variant: [
            (row["tokens"], factor * row[column])
            for row in history
            if row.get(column) is not None and row.get("tokens") is not None
        ]
        for variant, history in lines.items()
    }
    points = {variant: line for variant, line in points.items() if line}
    if not points:
        return None
    room = min(max(svg.width(variant, FONT) for variant in points) + 14, 0.42 * SIZE[0])
    axes = _axes([one for line in points.values() for one in line], SIZE[0] - room, least)
    drawn = [
        axes.frame(
            round_ticks(axes.x.low, axes.x.high, 4),
            round_ticks(axes.y.low, axes.y.high),
            tokens,
            lambda value: f"{value:g}",
            ("tokens seen", label),
        ),
        *(_line(axes, number, *one) for number, one in enumerate(points.items())),
        *_names(axes, points, room),
    ]
    ends = [f"{variant} {fixed(line[-1][1])}" for variant, line in points.items()]
    said = f"{heading} at the end of training: {', '.join(ends)}."
    return svg.figure(name, f"{heading}: {title}", said, SIZE, *drawn)


def _axes(points: Sequence[tuple[float, float]], right: float, least: float) -> Axes:
    most = max(x for x, _ in points) or 1
    low, high = padded([y for _, y in points])
    wider = max(least - (high - low), 0) / 2
    low, high = low - wider, high + wider
    return Axes(Scale(0, most, LEFT, right), Scale(low, high, SIZE[1] - BOTTOM, TOP))


def _line(axes: Axes, number: int, variant: str, line: Sequence[tuple[float, float]]) -> Markup:
    places = [(axes.x(x), axes.y(y)) for x, y in line]
    style = {"stroke_dasharray": svg.DASHES[number % len(svg.DASHES)] or None}
    colour = f"c{number % svg.COLOURS}"
    drawn = [svg.path(places, class_=f"curve {colour}", **style)]
    if len(line) <= 12:
        drawn += [
            svg.element(
                "circle",
                svg.element("title", f"{variant}: {y:.4g} after {x:,.0f} tokens"),
                cx=axes.x(x),
                cy=axes.y(y),
                r=2.6,
                class_=f"mark {colour}",
            )
            for x, y in line
        ]
    return Markup("").join(drawn)


def _names(axes: Axes, points: dict[str, list[tuple[float, float]]], room: float) -> list[Markup]:
    """Each line's name at its end, on the right; a thin line leads to one that had to move."""
    ends = [axes.y(line[-1][1]) for line in points.values()]
    places = spread(ends, GAP, TOP, SIZE[1] - BOTTOM)
    drawn = []
    for number, (variant, line) in enumerate(points.items()):
        x, y, at = axes.x(line[-1][0]), ends[number], places[number]
        drawn.append(svg.path([(x + 3, y), (axes.x.end + 8, at)], class_="leader"))
        name = svg.shortened(variant, FONT, room - 12)
        colour = f"name t{number % svg.COLOURS}"
        drawn.append(svg.text(axes.x.end + 11, at + 4, name, class_=colour))
    return drawn
