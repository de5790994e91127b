"""What a run took: time and energy of its jobs, by what they did and for which variant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from monoglot import extras
from monoglot.errors import UserError
from monoglot.pages.run import Run
from monoglot.provenance import Provenance
from monoglot.report.energy import Energy, energy_of

MAKING, SCORING = "making", "scoring"
SHARED = "shared"
"""The variant of jobs that serve many: reading data, building token stores, tables."""


@dataclass(frozen=True)
class Job:
    """A job: its rule, the model and variant it served, or SHARED, and what it took.

    `processor_seconds`, `kwh` and `co2_kg` are None where they are not known.
    """

    rule: str
    model: str
    variant: str
    seconds: float
    processor_seconds: float | None
    kwh: float | None
    co2_kg: float | None


@dataclass(frozen=True)
class Spent:
    """What some jobs took together; a sum with an unknown part is unknown."""

    jobs: int
    seconds: float
    processor_seconds: float | None
    kwh: float | None
    co2_kg: float | None


@dataclass(frozen=True)
class Costs:
    """All jobs of a run whose provenance is there."""

    jobs: list[Job]

    @property
    def total(self) -> Spent:
        return spent(self.jobs)

    def by_rule(self) -> dict[str, Spent]:
        """Return what the jobs of each rule took, the longest first."""
        return _grouped(self.jobs, lambda job: job.rule)

    def by_variant(self) -> dict[tuple[str, str], dict[str, float]]:
        """Return the seconds of each model and variant, for making and for scoring it."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for job in self.jobs:
            parts = found.setdefault((job.model, job.variant), {MAKING: 0.0, SCORING: 0.0})
            parts[SCORING if job.rule in ("evaluate", "baseline") else MAKING] += job.seconds
        return found

    def of_variant(self, model: str, variant: str) -> Spent | None:
        """Return what making a variant took, in all languages; None if that is not known."""
        own = [
            job
            for job in self.jobs
            if (job.model, job.variant) == (model, variant)
            and job.rule not in ("evaluate", "baseline")
        ]
        return spent(own) if own else None


def costs(run: Run) -> Costs:
    """Return what the jobs of a run took; energy only where codecarbon is installed."""
    country = run.graph.config["energy"].get("country")
    known = _can_tell_energy()
    return Costs(
        [
            _job(path, found, energy_of(found, country) if known else None)
            for path, found in run.jobs.items()
        ]
    )


def spent(jobs: Iterable[Job]) -> Spent:
    """Add up what jobs took."""
    jobs = list(jobs)
    return Spent(
        len(jobs),
        sum(job.seconds for job in jobs),
        _sum(job.processor_seconds for job in jobs),
        _sum(job.kwh for job in jobs),
        _sum(job.co2_kg for job in jobs),
    )


def _can_tell_energy() -> bool:
    try:
        extras.need("energy")
    except UserError:
        return False
    return True


def _job(path: str, found: Provenance, used: Energy | None) -> Job:
    kind, *parts = PurePath(path).parent.parts
    model, variant = (parts[0], parts[2]) if kind in ("models", "scores") else (SHARED, SHARED)
    rule = PurePath(found["script"]).stem
    amounts = (used.kwh, used.co2_kg) if used else (None, None)
    return Job(rule, model, variant, found["seconds"], found.get("cpu_seconds"), *amounts)


def _grouped(jobs: Iterable[Job], key: Callable[[Job], str]) -> dict[str, Spent]:
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(key(job), []).append(job)
    found: Mapping[str, Spent] = {name: spent(those) for name, those in groups.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].seconds, item[0])))


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return sum(known) if known and None not in known else None
