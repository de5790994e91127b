"""What a reader wants to know first, computed from the run, in sentences."""

from dataclasses import dataclass

from monoglot.pages.costs import Costs
from monoglot.pages.numbers import counted, duration, energy, fixed, listed, mass, millions
from monoglot.pages.reference import average, kept, references, size
from monoglot.pages.run import Run

CLOSE = 2
"""How many points below the whole model still count as close to it."""


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

    @property
    def lost(self) -> float:
        return self.whole_score - self.score

    @property
    def smaller(self) -> float:
        """By how many percent it is smaller."""
        return 100 * (1 - self.size / self.whole_size)


def standings(run: Run) -> list[Standing]:
    """Return all variants that are smaller than what they are measured against."""
    found = []
    for model in run.models:
        wholes = [references(run, model, language) for language in run.languages]
        for variant in run.variants:
            names = {one.get(variant) for one in wholes}
            whole = names.pop() if len(names) == 1 else None
            if whole is None or whole == variant:
                continue
            pair = [_measured(run, model, name) for name in (variant, whole)]
            if None not in pair and pair[0][0] < pair[1][0]:
                found.append(Standing(model, variant, *pair[0], whole, *pair[1]))
    return found


def findings(run: Run, costs: Costs) -> list[str]:
    """Return the sentences: the smallest that is close, the best, the smallest of all, the cost."""
    smaller, sentences = standings(run), []
    if smaller:
        sentences.append(_close(run, smaller))
    if best := _best(run):
        sentences.append(best)
    if smaller:
        sentences.append(_smallest(run, smaller))
    if run.jobs:
        sentences.append(_cost(costs))
    return sentences


def _measured(run: Run, model: str, variant: str) -> tuple[float, float] | None:
    parameters = size(run, model, variant, run.languages)
    score = average(run, model, variant, run.languages)
    return None if parameters is None or score is None else (parameters, float(score))


def _close(run: Run, smaller: list[Standing]) -> str:
    close = [one for one in smaller if one.lost <= CLOSE]
    if close:
        best = min(close, key=lambda one: (one.size, one.lost))
        return (
            f"The smallest model within {CLOSE} points of the whole model it comes from is "
            f"{_name(run, best)}: {millions(best.size)} parameters, {best.smaller:.0f} % fewer "
            f"than {best.whole}, with a mean score of {fixed(best.score)} % instead of "
            f"{fixed(best.whole_score)} %."
        )
    best = min(smaller, key=lambda one: (one.lost, one.size))
    return (
        f"No smaller model stays within {CLOSE} points of the whole model it comes from; the "
        f"closest, {_name(run, best)}, loses {fixed(best.lost)} points of "
        f"{fixed(best.whole_score)} and is {best.smaller:.0f} % smaller "
        f"({millions(best.size)} parameters)."
    )


def _best(run: Run) -> str | None:
    found = []
    for model in run.models:
        for variant in run.variants:
            score = average(run, model, variant, run.languages)
            if score is not None:
                found.append((float(score), run.model_name(model), variant))
    if not found:
        return None
    score, model, variant = max(found, key=lambda one: one[0])
    cells = sum(len(run.tasks(language)) for language in run.languages)
    over = counted(cells, "task") if len(run.languages) == 1 else f"{cells} tasks and languages"
    return f"The best mean score over {over} is {fixed(score)} %, of {model} {variant}."


def _smallest(run: Run, smaller: list[Standing]) -> str:
    one = min(smaller, key=lambda one: (one.size, -one.score))
    share = kept(one.score, one.whole_score)
    keeps = f"and keeps {share:.0f} % of its score" if share is not None else "which scores 0"
    return (
        f"The smallest model of all, {_name(run, one)}, has {millions(one.size)} parameters, "
        f"{100 - one.smaller:.0f} % of those of {one.whole}, {keeps}."
    )


def _cost(costs: Costs) -> str:
    total = costs.total
    said = f"All of it was {counted(total.jobs, 'job')} and took {duration(total.seconds)}"
    if total.kwh is None:
        return f"{said}; how much energy is not known."
    carbon = f" and {mass(total.co2_kg)} of CO₂" if total.co2_kg is not None else ""
    return f"{said}, with about {energy(total.kwh)}{carbon}."


def _name(run: Run, one: Standing) -> str:
    return f"{run.model_name(one.model)} {one.variant}"


def title(run: Run) -> str:
    """Return the page's title: which languages, which models."""
    graph = run.graph
    languages = [run.language_name(one) for one in graph.evaluated]
    models = [run.model_name(one) for one in run.models or graph.config["models"]]
    where = f"{len(languages)} languages" if len(languages) > 3 else listed(languages)
    return f"{where}: small models made from {listed(models)}"
