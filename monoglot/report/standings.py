"""How variants stand: what they keep of the whole model's score, and which no other one beats."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from statistics import mean
from typing import Any, NamedTuple

from monoglot.paths import Run
from monoglot.report.finished_run import FinishedRun
from monoglot.report.html_tables import MILLION, MISSING, fixed, millions, milliseconds, rounded

STEPS = (50, 60, 70, 80, 90, 95, 100)
"""Where one tint of the table of retention ends and the next begins, in percent."""

Score = Fraction | float


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
    """A variant in a panel: its size, mean score in percent, its deviation over seeds or None.

    The size is in parameters, or whatever the panel's measure is.
    """

    model: str
    variant: str
    size: float
    score: float
    std: float | None = None


@dataclass(frozen=True)
class Panel:
    """The points of one language, or of the average over all of them.

    `chance` is what `guess` scores on average, in percent.
    """

    title: str
    ours: Sequence[Point]
    published: Sequence[Point] = ()
    measure: Measure = PARAMETERS
    chance: float | None = None
    guess: str = ""


@dataclass(frozen=True)
class Standing:
    """A variant beside the whole model it is measured against, both in mean score and size."""

    model: str
    variant: str
    size: float
    score: float
    whole: str
    whole_size: float
    whole_score: float
    chance: float | None

    @property
    def above_chance(self) -> bool:
        """Whether the whole model does better than chance."""
        return self.whole_score > (self.chance or 0)

    @property
    def lost(self) -> float:
        return self.whole_score - self.score

    @property
    def smaller(self) -> float:
        """By how many percent it is smaller."""
        return 100 * (1 - self.size / self.whole_size)


class KeptShare(NamedTuple):
    """A cell: percent as text, its tint (0: least kept) or None, and its tooltip."""

    text: str
    sort: str
    tint: int | None
    tip: str


def panels(run: FinishedRun) -> list[Panel]:
    """Return the average over languages first, if there are several, and then each of them."""
    groups = [(run.language_name(one), [one]) for one in run.languages]
    if len(groups) > 1:
        groups.insert(0, (f"Average of {len(groups)} languages", run.languages))
    found = [
        Panel(title, *_points(run, languages), chance=run.chance(languages), guess=run.guess)
        for title, languages in groups
    ]
    return [panel for panel in found if panel.ours]


def front(points: Iterable[Point]) -> list[Point]:
    """Return the Pareto front by size: points that none of the others beats.

    One point beats another if it is at least as good in both size and score, and better in one.
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.size, -one.score)):
        last = found[-1] if found else None
        as_good = last and (last.size, last.score) == (point.size, point.score)
        if last is None or as_good or point.score > last.score:
            found.append(point)
    return found


def standings(run: FinishedRun) -> list[Standing]:
    """Return all variants that are smaller than what they are measured against."""
    languages, found = run.languages, []
    for model in run.models:
        wholes = [run.references(model, language) for language in languages]
        measured = {
            name: (run.size(model, name, languages), run.average(model, name, languages))
            for name in run.variants
        }
        for variant, own in measured.items():
            names = {one.get(variant) for one in wholes}
            whole = names.pop() if len(names) == 1 else None
            other = measured.get(whole, (None, None))
            if whole != variant and None not in (*own, *other) and own[0] < other[0]:
                numbers = (own[0], float(own[1]), whole, other[0], float(other[1]))
                found.append(Standing(model, variant, *numbers, run.chance(languages)))
    return found


def kept(score: Score | None, whole: Score | None, chance: Score | None = None) -> float | None:
    """Return a score in percent of the whole model's.

    None if either is missing, or the whole model's is not above `chance`: of nothing, nothing can
    be kept.
    """
    if score is None or whole is None or whole <= (chance or 0):
        return None
    return float(100 * score / whole)


def tint(percent: float) -> int:
    """Return the number of the tint of a share."""
    return sum(percent >= step for step in STEPS)


def retention(run: FinishedRun, model: str) -> dict[str, Any] | None:
    """Return the table of a model; None if nothing in it is measured against anything.

    Its columns are in groups (language, number of tasks); a row is a variant, the share of
    parameters it keeps, and its cells.
    """
    found = {language: run.references(model, language) for language in run.languages}
    groups = [(run.language_name(one), len(run.tasks(one)) + 1) for one in run.languages]
    heads = [head for one in run.languages for head in (*map(str.upper, run.tasks(one)), "mean")]
    rows = []
    for variant in run.variants:
        whole = {language: found[language].get(variant) for language in run.languages}
        cells = [cell for pair in whole.items() for cell in _shares(run, model, variant, *pair)]
        if any(cell.tint is not None for cell in cells) and variant not in whole.values():
            rows.append((variant, _smaller(run, model, variant, whole), cells))
    names = dict.fromkeys(name for one in found.values() for name in one.values())
    about = {"model": run.model_name(model), "whole": list(names), "groups": groups}
    return about | {"heads": heads, "rows": rows} if rows else None


def _points(run: FinishedRun, languages: Sequence[str]) -> tuple[list[Point], list[Point]]:
    """The points of a panel, and the published ones: in our size where none is published."""
    ours, published = [], []
    for model, variant in product(run.models, run.variants):
        score = run.average(model, variant, languages)
        parameters = run.size(model, variant, languages)
        if score is not None and parameters:
            std = run.deviation(model, variant, languages)
            ours.append(Point(model, variant, parameters, float(score), std))
        row = run.published.get((model, variant), {})
        scores = [row.get(f"{one}_{task}") for one in languages for task in run.tasks(one)]
        size = row["size_millions"] * MILLION if "size_millions" in row else parameters
        if scores and None not in scores and size:
            published.append(Point(model, variant, size, mean(scores)))
    return ours, published


def _shares(
    run: FinishedRun, model: str, variant: str, language: str, whole: str | None
) -> list[KeptShare]:
    def scores(name: str | None) -> list[Fraction | None]:
        cells = [run.cells.get(Run(model, language, name or "", t)) for t in run.tasks(language)]
        return [*(cell and cell.mean for cell in cells), run.average(model, name or "", [language])]

    chances = [run.chances.get((language, task)) for task in run.tasks(language)]
    levels = [*chances, run.chance([language])]
    found = zip(scores(variant), scores(whole), levels, strict=True)
    return [_share(*one, whole) for one in found]


def _share(
    score: Fraction | None, whole: Fraction | None, chance: Score | None, name: str | None
) -> KeptShare:
    percent = kept(score, whole, chance)
    if percent is None:
        at_chance = whole is not None and whole <= (chance or 0)
        tip = f"{name} is not above chance" if at_chance else ""
        return KeptShare(MISSING, "", None, tip)
    said = f"{fixed(score)} of {fixed(whole)} ({name})"
    return KeptShare(f"{percent:.0f}", f"{percent:.4f}", tint(percent), said)


def _smaller(run: FinishedRun, model: str, variant: str, whole: dict[str, str | None]) -> str:
    pairs = [
        (run.size(model, variant, [language]), run.size(model, name or "", [language]))
        for language, name in whole.items()
    ]
    shares = [100 * own / all_ for own, all_ in pairs if own and all_]
    return rounded(mean(shares)) if shares else MISSING
