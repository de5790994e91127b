"""What variants take where they are used: disk, memory, and the time of an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from statistics import mean
from typing import Any

from monoglot.errors import UserError
from monoglot.pages.exported import after_export, change
from monoglot.pages.numbers import MISSING, fixed
from monoglot.pages.points import LATENCY, Panel, Point, spread
from monoglot.pages.reference import average
from monoglot.pages.run import Run

NUMBERS = ("Weights, MB", "Memory, MB", "Median, ms", "95 %, ms", "Tokens/s")
HEADS = ("Model", "Variant", "Form", "On", *NUMBERS)
MEGABYTE = 10**6
FORMS = {
    "torch-fp32": "PyTorch, 32-bit numbers",
    "torch-bf16": "PyTorch, 16-bit numbers",
    "onnx-fp32": "ONNX Runtime, 32-bit numbers",
    "onnx-int8": "ONNX Runtime, 8-bit numbers",
}
"""The forms that a checkpoint is served in."""


@dataclass(frozen=True)
class Measured:
    """A variant in one form on one device, means over languages; what is not known is None."""

    model: str
    variant: str
    form: str
    device: str
    threads: int
    weights: float
    memory: float
    p50: float
    p95: float
    tokens_per_second: float


def length(run: Run) -> int | None:
    """Return the length of text that is shown, in tokens: the middle one of those measured.

    Raises `UserError` if checkpoints were measured with different lengths.
    """
    found = {tuple(sorted(one["measuring"]["lengths"])) for one in run.deployments.values()}
    if len(found) > 1:
        several = " and ".join(str(list(lengths)) for lengths in sorted(found))
        raise UserError(f"deployment: was measured with lengths {several}; measure all alike")
    return next((lengths[len(lengths) // 2] for lengths in found), None)


def measured(run: Run) -> list[Measured]:
    """Return all measurements of scored variants, by model, variant, form and device."""
    graph, found = run.graph, []
    for model in run.models:
        for variant in run.variants:
            if graph.is_baseline(variant):
                continue
            nodes = {graph.checkpoint(model, language, variant) for language in run.languages}
            those = [run.deployments[node] for node in sorted(nodes) if node in run.deployments]
            if len(those) == len(nodes):
                found += _means(model, variant, those, str(length(run)))
    return found


def rows(run: Run, found: Sequence[Measured]) -> list[list[str]]:
    """Return all numbers: a row for each form, device and number of threads."""
    return [
        [run.model_name(one.model), one.variant, one.form, _place(one), *numbers(one)]
        for one in found
    ]


def on_one_thread(run: Run, found: Sequence[Measured]) -> list[list[str]]:
    """Return a row for each variant: model, variant, mean score, its change in 8 bits,
    and the numbers of each form.
    """
    shown = forms(found)
    lines: dict[tuple[str, str], dict[str, Measured]] = {}
    for one in found:
        if (one.device, one.threads) == ("cpu", 1):
            lines.setdefault((one.model, one.variant), {})[one.form] = one
    return [
        [run.model_name(model), variant, _score(run, model, variant), change(run, model, variant)]
        + [cell for form in shown for cell in numbers(those.get(form))]
        for (model, variant), those in lines.items()
    ]


def forms(found: Sequence[Measured]) -> list[str]:
    """Return the forms that were measured on one thread of the CPU."""
    those = (one.form for one in found if (one.device, one.threads) == ("cpu", 1))
    order = [*FORMS]
    return sorted(set(those), key=lambda form: (order.index(form) if form in order else 9, form))


def numbers(one: Measured | None) -> list[str]:
    """Return what `NUMBERS` names, as a table has it."""
    if one is None:
        return [MISSING] * len(NUMBERS)
    return [
        f"{one.weights / MEGABYTE:,.3g}",
        f"{one.memory / MEGABYTE:,.0f}",
        f"{one.p50:.3g}",
        f"{one.p95:.3g}",
        f"{one.tokens_per_second:,.0f}",
    ]


def panels(run: Run, found: Sequence[Measured]) -> list[Panel]:
    """Return latency against score on one thread of the CPU: a panel for each form.

    Forms with 32-bit numbers score as the records do; of 8-bit numbers there is one seed's score
    after export, where that was made.
    """
    drawn = []
    for form in forms(found):
        places = [(form, "cpu", 1) == (one.form, one.device, one.threads) for one in found]
        points = [point for one in compress(found, places) if (point := _point(run, one))]
        if points:
            drawn.append(Panel(FORMS.get(form, form), points, [], LATENCY))
    return drawn


def _point(run: Run, one: Measured) -> Point | None:
    score, std = None, None
    if one.form.endswith("int8"):
        score = after_export(run, one.model, one.variant, "int8")
    elif one.form.endswith("fp32"):
        score = average(run, one.model, one.variant, run.languages)
        std = None if score is None else spread(run, one.model, one.variant, run.languages)
    return None if score is None else Point(one.model, one.variant, one.p50, float(score), std)


def _means(
    model: str, variant: str, those: Sequence[Mapping[str, Any]], tokens: str
) -> list[Measured]:
    found = []
    if len({_measured_how(one) for one in those}) > 1:
        raise UserError(f"{model} {variant}: its languages were measured otherwise; measure again")
    for form, about in those[0]["forms"].items():
        for number, one in enumerate(about["runs"]):
            runs = [other["forms"][form]["runs"][number] for other in those]

            found.append(
                Measured(
                    model,
                    variant,
                    form,
                    one["device"],
                    one["threads"],
                    mean(other["forms"][form]["disk"]["weights_bytes"] for other in those),
                    mean(other["memory"]["peak_bytes"] for other in runs),
                    mean(other["latency"][tokens]["p50_ms"] for other in runs),
                    mean(other["latency"][tokens]["p95_ms"] for other in runs),
                    mean(other["throughput"][tokens]["tokens_per_second"] for other in runs),
                )
            )
    return found


def _measured_how(said: Mapping[str, Any]) -> str:
    """Forms, devices, threads and lengths, which must be the same where means are taken."""
    forms = {
        form: [(run["device"], run["threads"]) for run in about["runs"]]
        for form, about in said["forms"].items()
    }
    return repr((sorted(forms.items()), sorted(said["measuring"]["lengths"])))


def _place(one: Measured) -> str:
    if one.device != "cpu":
        return "GPU"
    return f"CPU, {one.threads} thread{'' if one.threads == 1 else 's'}"


def _score(run: Run, model: str, variant: str) -> str:
    score = average(run, model, variant, run.languages)
    return fixed(None if score is None else float(score))
