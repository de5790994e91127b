"""Sizes and scores of variants, and which of them no other one beats."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from monoglot.pages.numbers import MILLION, millions, milliseconds
from monoglot.pages.reference import average, size
from monoglot.pages.run import Run


@dataclass(frozen=True)
class Measure:
    """What stands across in a panel, the less the better: its name, label, and unit.

    `written` writes a value with its unit; the axis has values divided by `unit`.
    """

    name: str
    label: str
    unit: float
    written: Callable[[float], str]


PARAMETERS = Measure("Parameters", "parameters in millions (logarithmic)", MILLION, millions)
LATENCY = Measure("Median latency", "median latency in ms (logarithmic)", 1, milliseconds)


@dataclass(frozen=True)
class Point:
    """A variant in a panel: its size, mean score in percent, its spread over seeds or None.

    The size is in parameters, or whatever the panel's measure is.
    """

    model: str
    variant: str
    size: float
    score: float
    std: float | None = None


@dataclass(frozen=True)
class Panel:
    """The points of one language, or of the average over all of them."""

    title: str
    ours: Sequence[Point]
    published: Sequence[Point]
    measure: Measure = PARAMETERS


def panels(run: Run) -> list[Panel]:
    """Return the average over languages first, if there are several, and then each of them."""
    found = []
    if len(run.languages) > 1:
        title = f"Average of {len(run.languages)} languages"
        found.append(_panel(run, title, run.languages))
    found += [_panel(run, run.language_name(one), [one]) for one in run.languages]
    return [panel for panel in found if panel.ours]


def front(points: Iterable[Point]) -> list[Point]:
    """Return the Pareto front by size: points that none of the others beats.

    One point beats another if it is at least as good in both size and score, and better in one.
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.size, -one.score)):
        best = found[-1] if found else None
        if (
            best is None
            or point.score > best.score
            or (point.size, point.score) == (best.size, best.score)
        ):
            found.append(point)
    return found


def _panel(run: Run, title: str, languages: list[str]) -> Panel:
    ours, published = [], []
    for model in run.models:
        for variant in run.variants:
            score = average(run, model, variant, languages)
            parameters = size(run, model, variant, languages)
            if score is not None and parameters:
                std = spread(run, model, variant, languages)
                ours.append(Point(model, variant, parameters, float(score), std))
            printed = _printed(run, model, variant, languages, parameters)
            if printed:
                published.append(printed)
    return Panel(title, ours, published)


def spread(run: Run, model: str, variant: str, languages: list[str]) -> float | None:
    """Return the standard deviation of the averages of seeds; None below two whole seeds."""
    cells = [
        run.cells[model, language, variant, task]
        for language in languages
        for task in run.tasks(language)
    ]
    seeds = set.intersection(*(set(cell.percent) for cell in cells))
    averages = [mean(cell.percent[seed] for cell in cells) for seed in sorted(seeds)]
    return float(stdev(averages)) if len(averages) > 1 else None


def _printed(
    run: Run, model: str, variant: str, languages: list[str], parameters: float | None
) -> Point | None:
    """The published point, in its published size; in ours where none is published."""
    row = run.published.get((model, variant), {})
    scores = [
        row.get(f"{language}_{task}") for language in languages for task in run.tasks(language)
    ]
    printed = row["size_millions"] * MILLION if "size_millions" in row else parameters
    if not scores or None in scores or not printed:
        return None
    return Point(model, variant, printed, mean(scores))
