"""What variants take: time and energy of the jobs that make them; latency in use."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath

from monoglot import errors
from monoglot.energy import energy_of
from monoglot.errors import UserError
from monoglot.report.finished_run import FinishedRun
from monoglot.report.html_tables import Sortable, duration, energy, mass
from monoglot.report.standings import LATENCY, Panel, Point
from monoglot.tables.deployment import MEAN, DeploymentTable
from monoglot.tables.formats import read_rows

SCORING_RULES = ("evaluate", "score", "baseline")
SHARED = "shared"
"""The variant of jobs that serve many: reading data, building token stores, tables."""


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

    def of_variant(self, model: str, variant: str, scoring: bool = False) -> Spent | None:
        """Return what making or scoring a variant took, in all languages; None if not known."""
        asked = (model, variant, scoring)
        own = [job for job in self.jobs if (job.model, job.variant, job.scores) == asked]
        return spent(own) if own else None


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
    names = ("processor_seconds", "kwh", "co2_kg")
    amounts = ([getattr(job, name) for job in jobs] for name in names)
    sums = (sum(known) if known and None not in known else None for known in amounts)
    return Spent(len(jobs), sum(job.seconds for job in jobs), *sums)


def rule_rows(costs: JobCosts) -> list[list[str | Sortable]]:
    """Return a row for each rule: jobs, time with its share of all, processor time, energy, CO₂."""
    whole = costs.total.seconds or 1
    return [
        [
            rule,
            str(one.jobs),
            Sortable(duration(one.seconds), one.seconds, 100 * one.seconds / whole),
            Sortable(duration(one.processor_seconds), one.processor_seconds),
            Sortable(energy(one.kwh), one.kwh),
            Sortable(mass(one.co2_kg), one.co2_kg),
        ]
        for rule, one in costs.by_rule().items()
    ]


def variant_rows(run: FinishedRun, costs: JobCosts) -> list[list[str | Sortable]]:
    """Return a row for each variant of a model: time to make and to score it, energy to make it."""
    found = []
    for model in run.graph.config["models"]:
        for variant in run.graph.variants:
            pair = [costs.of_variant(model, variant, scoring) for scoring in (False, True)]
            if any(pair):
                seconds = [one and one.seconds for one in pair]
                kwh = pair[0] and pair[0].kwh
                times = [Sortable(duration(one), one) for one in seconds]
                name = run.model_name(model)
                found.append([variant, name, *times, Sortable(energy(kwh), kwh)])
    return found


# What variants take where they are used: tables of deployment


def in_use(run: FinishedRun) -> dict[str, list[Panel]]:
    """Return, by table of deployment, latency against score: a panel for each form.

    Latency is that of one text of the table's length, on the first of the numbers of threads.
    """
    found = {}
    for table in run.tables:
        block = run.graph.table(table.name)
        if isinstance(block, DeploymentTable):
            found[table.name] = _panels(run, table.name, block.length)
    return found


def _panels(run: FinishedRun, table: str, length: int | None) -> list[Panel]:
    measuring, file = run.graph.config["deployment"], run.results / "tables" / f"{table}.csv"
    lengths, threads = sorted(measuring["lengths"]), measuring["threads"][0]
    column = f"cpu_{threads}_{length or lengths[len(lengths) // 2]}_p50_ms"
    forms: dict[str, list[Point]] = {}
    for row in read_rows(file):
        try:
            # Another length may have been measured than the configuration asks for by now.
            if not (row["score"] and row["model"] in run.models and row.get(column)):
                continue
            latency, score = float(row[column]), float(row["score"])
            if not (0 < latency < math.inf and 0 <= score <= 100):
                raise ValueError(f"{row['row']}: {latency} ms, {score} %")
            language = "" if row["language"] == MEAN else f" {row['language_name']}"
            point = Point(row["model"], f"{row['variant']}{language}", latency, score)
            forms.setdefault(row["form_label"], []).append(point)
        except (KeyError, ValueError) as error:
            raise UserError(f"{file}: is not a table of deployment ({error})") from None
    return [Panel(form, points, measure=LATENCY) for form, points in forms.items()]
