"""What share of the whole model's score each variant keeps, by language and task."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from monoglot.pages.numbers import MISSING, fixed
from monoglot.pages.reference import average, kept, references, size
from monoglot.pages.run import Run

STEPS = (50, 60, 70, 80, 90, 95, 100)
"""Where one tint of the table ends and the next begins, in percent."""


@dataclass(frozen=True)
class Share:
    """A cell: percent as text, its tint (0: least kept) or None, and what it says of itself."""

    text: str
    sort: str
    tint: int | None
    tip: str


@dataclass(frozen=True)
class Retention:
    """The table of one model: groups of columns (language, number of tasks) and rows."""

    model: str
    whole: Sequence[str]
    groups: Sequence[tuple[str, int]]
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Share]]]
    """Variant, share of parameters kept, and its cells."""


def retention(run: Run, model: str) -> Retention | None:
    """Return the table of a model; None if nothing in it is measured against anything."""
    found = {language: references(run, model, language) for language in run.languages}
    groups = [(run.language_name(one), len(run.tasks(one)) + 1) for one in run.languages]
    heads = [head for one in run.languages for head in (*map(str.upper, run.tasks(one)), "mean")]
    rows = []
    for variant in run.variants:
        whole = {language: found[language].get(variant) for language in run.languages}
        cells = [
            cell
            for language in run.languages
            for cell in _cells(run, model, language, variant, whole[language])
        ]
        if any(cell.tint is not None for cell in cells) and variant not in whole.values():
            rows.append((variant, _smaller(run, model, variant, whole), cells))
    names = dict.fromkeys(name for one in found.values() for name in one.values())
    return Retention(run.model_name(model), list(names), groups, heads, rows) if rows else None


def tint(percent: float) -> int:
    """Return the number of the tint of a share."""
    return sum(percent >= step for step in STEPS)


def _cells(run: Run, model: str, language: str, variant: str, whole: str | None) -> list[Share]:
    def score(name: str | None, task: str) -> Fraction | None:
        cell = run.cells.get((model, language, name or "", task))
        return cell.mean if cell else None

    pairs = [(score(variant, task), score(whole, task)) for task in run.tasks(language)]
    means = [average(run, model, name, [language]) if name else None for name in (variant, whole)]
    return [_share(*pair, whole) for pair in [*pairs, tuple(means)]]


def _share(score: Fraction | None, whole: Fraction | None, name: str | None) -> Share:
    percent = kept(score, whole)
    if percent is None:
        return Share(MISSING, "", None, "")
    said = f"{fixed(score)} of {fixed(whole)} ({name})"
    return Share(f"{percent:.0f}", f"{percent:.4f}", tint(percent), said)


def _smaller(run: Run, model: str, variant: str, whole: dict[str, str | None]) -> str:
    pairs = [
        (size(run, model, variant, [language]), size(run, model, name or "", [language]))
        for language, name in whole.items()
    ]
    shares = [100 * own / all_ for own, all_ in pairs if own and all_]
    return f"{sum(shares) / len(shares):.0f}" if shares else MISSING
