"""Scores of models as they are used: exported, and with numbers of fewer bits."""

from statistics import mean

from monoglot.pages.numbers import MISSING, signed
from monoglot.pages.run import Run


def after_export(run: Run, model: str, variant: str, numbers: str) -> float | None:
    """Return the mean score of one seed after export, in percent; None if any is missing.

    Args:
        numbers: `int8`, `fp32`, or `torch` for the same seed before export.
    """
    scores = []
    for language in run.languages:
        said = run.exported.get(f"{model}/{language}/{variant}", {})
        for task in run.tasks(language):
            found = said.get(task, {}).get(numbers)
            metric = run.scores.get(task)
            scores.append(found and found.get("scores", {}).get(metric, found["score"]))
    return None if None in scores or not scores else 100 * mean(scores)


def change(run: Run, model: str, variant: str) -> str:
    """Return by how many points 8-bit numbers score more than 32-bit ones with the same seed."""
    pair = [after_export(run, model, variant, numbers) for numbers in ("int8", "torch")]
    return MISSING if None in pair else signed(f"{pair[0] - pair[1]:+.2f}")
