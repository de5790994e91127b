"""What variants take: time and energy of the jobs that make them; disk, memory and time in use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from statistics import mean

from monoglot import errors
from monoglot.energy import energy_of
from monoglot.errors import UserError
from monoglot.report.finished_run import FinishedRun, InUse
from monoglot.report.html_tables import MISSING, counted, fixed, signed
from monoglot.report.standings import LATENCY, Panel, Point

SCORING_RULES = ("evaluate", "score", "baseline")
SHARED = "shared"
"""The variant of jobs that serve many: reading data, building token stores, tables."""
NUMBERS = ("Weights, MB", "Memory, MB", "Median, ms", "95 %, ms", "Tokens/s")
MEGABYTE = 10**6
FORMS = {
    "torch-fp32": "PyTorch, 32-bit numbers",
    "torch-bf16": "PyTorch, 16-bit numbers",
    "onnx-fp32": "ONNX Runtime, 32-bit numbers",
    "onnx-int8": "ONNX Runtime, 8-bit numbers",
}
"""The forms that a checkpoint is served in."""


@dataclass(frozen=True)
class Spent:
    """What some jobs took together; a sum with an unknown part is unknown, None."""

    jobs: int
    seconds: float
    processor_seconds: float | None
    kwh: float | None
    co2_kg: float | None


@dataclass(frozen=True)
class JobCost(Spent):
    """What one job took: its rule, and the model and variant that it served, or SHARED."""

    rule: str
    model: str
    variant: str

    @property
    def scores(self) -> bool:
        """Whether it scored the variant, rather than made it."""
        return self.rule in SCORING_RULES


@dataclass(frozen=True)
class JobCosts:
    """All jobs of a run whose provenance is there."""

    jobs: Sequence[JobCost]

    @property
    def total(self) -> Spent:
        return spent(self.jobs)

    def by_rule(self) -> dict[str, Spent]:
        """Return what the jobs of each rule took, the longest first."""
        jobs = groupby(sorted(self.jobs, key=lambda job: job.rule), lambda job: job.rule)
        found = {rule: spent(those) for rule, those in jobs}
        return dict(sorted(found.items(), key=lambda item: (-item[1].seconds, item[0])))

    def by_variant(self) -> dict[tuple[str, str], list[float]]:
        """Return the seconds of each model and variant, for making and for scoring it."""
        found: dict[tuple[str, str], list[float]] = {}
        for job in self.jobs:
            found.setdefault((job.model, job.variant), [0.0, 0.0])[job.scores] += job.seconds
        return found

    def of_variant(self, model: str, variant: str) -> Spent | None:
        """Return what making a variant took, in all languages; None if that is not known."""
        own = [j for j in self.jobs if (j.model, j.variant) == (model, variant) and not j.scores]
        return spent(own) if own else None


@dataclass(frozen=True)
class Deployed:
    """A variant in one form on one device, means over languages: bytes and milliseconds."""

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

    @property
    def on_one_thread(self) -> bool:
        return (self.device, self.threads) == ("cpu", 1)

    @property
    def numbers(self) -> list[str]:
        """What `NUMBERS` names."""
        return [
            f"{self.weights / MEGABYTE:,.3g}",
            f"{self.memory / MEGABYTE:,.0f}",
            f"{self.p50:.3g}",
            f"{self.p95:.3g}",
            f"{self.tokens_per_second:,.0f}",
        ]


def job_costs(run: FinishedRun) -> JobCosts:
    """Return what the jobs of a run took; energy only where codecarbon is installed."""
    country = run.graph.config["energy"].get("country")
    try:
        errors.need("energy")
        knows_energy = True
    except UserError:
        knows_energy = False
    found = []
    for path, said in run.jobs.items():
        kind, *parts = PurePath(path).parent.parts
        model, variant = (parts[0], parts[2]) if kind in ("models", "scores") else (SHARED, SHARED)
        used = energy_of(said, country) if knows_energy else None
        amounts = (used.kwh, used.co2_kg) if used else (None, None)
        took = (1, said["seconds"], said.get("cpu_seconds"), *amounts)
        found.append(JobCost(*took, PurePath(said["script"]).stem, model, variant))
    return JobCosts(found)


def spent(jobs: Iterable[Spent]) -> Spent:
    """Add up what jobs took."""
    jobs = list(jobs)
    return Spent(
        len(jobs),
        sum(job.seconds for job in jobs),
        *(
            _sum(getattr(job, amount) for job in jobs)
            for amount in ("processor_seconds", "kwh", "co2_kg")
        ),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return sum(known) if known and None not in known else None


def length(run: FinishedRun) -> int | None:
    """Return the length of text that is shown, in tokens: the middle one of those measured.

    Raises `UserError` if checkpoints were measured with different lengths.
    """
    found = {tuple(sorted(one.lengths)) for one in run.deployments.values()}
    if len(found) > 1:
        several = " and ".join(str(list(lengths)) for lengths in sorted(found))
        raise UserError(f"deployment: was measured with lengths {several}; measure all alike")
    return next((lengths[len(lengths) // 2] for lengths in found), None)


def deployment(run: FinishedRun) -> list[Deployed]:
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


def all_rows(run: FinishedRun, found: Sequence[Deployed]) -> list[list[str]]:
    """Return all numbers: a row for each form, device and number of threads."""
    return [
        [
            run.model_name(one.model),
            one.variant,
            one.form,
            f"CPU, {counted(one.threads, 'thread')}" if one.device == "cpu" else "GPU",
            *one.numbers,
        ]
        for one in found
    ]


def rows_on_one_thread(run: FinishedRun, found: Sequence[Deployed]) -> list[list[str]]:
    """Return a row for each variant: model, variant, mean score, by how many points one seed
    scores more with 8-bit numbers, and the numbers of each form.
    """
    lines: dict[tuple[str, str], dict[str, Deployed]] = {}
    for one in found:
        if one.on_one_thread:
            lines.setdefault((one.model, one.variant), {})[one.form] = one
    rows = []
    for name, those in lines.items():
        pair = [run.after_export(*name, numbers) for numbers in ("int8", "torch")]
        change = MISSING if None in pair else signed(f"{pair[0] - pair[1]:+.2f}")
        row = [run.model_name(name[0]), name[1], fixed(run.average(*name, run.languages)), change]
        for form in forms(found):
            row += those[form].numbers if form in those else [MISSING] * len(NUMBERS)
        rows.append(row)
    return rows


def forms(found: Sequence[Deployed]) -> list[str]:
    """Return the forms that were measured on one thread of the CPU."""
    order = list(FORMS)
    measured = {one.form for one in found if one.on_one_thread}
    return sorted(measured, key=lambda form: (order.index(form) if form in order else 9, form))


def latency_panels(run: FinishedRun, found: Sequence[Deployed]) -> list[Panel]:
    """Return latency against score on one thread of the CPU: a panel for each form.

    Forms with 32-bit numbers score as the records do; of 8-bit numbers there is one seed's score
    after export, where that was made.
    """
    measured = [one for one in found if one.on_one_thread]
    panels = [
        Panel(
            FORMS.get(form, form),
            [point for one in measured if one.form == form for point in _point(run, one)],
            measure=LATENCY,
        )
        for form in forms(found)
    ]
    return [panel for panel in panels if panel.ours]


def _point(run: FinishedRun, one: Deployed) -> list[Point]:
    score, std = None, None
    if one.form.endswith("int8"):
        score = run.after_export(one.model, one.variant, "int8")
    elif one.form.endswith("fp32"):
        score = run.average(one.model, one.variant, run.languages)
        std = None if score is None else run.deviation(one.model, one.variant, run.languages)
    return [] if score is None else [Point(one.model, one.variant, one.p50, float(score), std)]


def _means(model: str, variant: str, those: Sequence[InUse], tokens: str) -> list[Deployed]:
    if len({_measured_how(one) for one in those}) > 1:
        raise UserError(f"{model} {variant}: its languages were measured otherwise; measure again")
    found = []
    for form, about in those[0].forms.items():
        weights = mean(other.forms[form].weights_bytes for other in those)
        for number, one in enumerate(about.runs):
            runs = [other.forms[form].runs[number] for other in those]
            measured = (
                mean(other.peak_bytes for other in runs),
                mean(other.latency[tokens].p50_ms for other in runs),
                mean(other.latency[tokens].p95_ms for other in runs),
                mean(other.throughput[tokens].tokens_per_second for other in runs),
            )
            place = (form, one.device, one.threads)
            found.append(Deployed(model, variant, *place, weights, *measured))
    return found


def _measured_how(said: InUse) -> str:
    """Forms, devices, threads and lengths, which must be the same where means are taken."""
    runs = {
        form: [(run.device, run.threads) for run in about.runs]
        for form, about in said.forms.items()
    }
    return repr((sorted(runs.items()), sorted(said.lengths)))
