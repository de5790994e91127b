"""Scores as a model card shows them: mean and deviation over seeds, from records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from statistics import mean, stdev

from monoglot.errors import UserError

Key = tuple[str, str, str]
"""Language, variant and task."""

NAMES = {
    "macro_f1": ("f1", "Macro F1"),
    "weighted_f1": ("f1", "Weighted F1"),
    "accuracy": ("accuracy", "Accuracy"),
    "word_f1": ("f1", "Word F1"),
    "subtoken_f1": ("f1", "Sub-token F1"),
    "word_accuracy": ("accuracy", "Word accuracy"),
    "word_macro_f1": ("f1", "Word macro F1"),
}
"""By a metric's name here: its type on the Hub, and its name in print."""


@dataclass(frozen=True)
class Scores:
    """What a variant scored on a task: each metric by seed, from 0 to 1."""

    metric: str
    metrics: Mapping[str, Mapping[int, Fraction]]
    majority: Fraction
    n_train: int
    n_test: int
    parameters: int

    def mean(self, metric: str) -> float:
        """Return a metric's mean over seeds."""
        return float(mean(self.metrics[metric].values()))

    def deviation(self, metric: str) -> float | None:
        """Return a metric's sample standard deviation over seeds, None of one seed."""
        values = list(self.metrics[metric].values())
        return stdev(values) if len(values) > 1 else None

    @property
    def cell(self) -> str:
        """The task's metric in percent, with its deviation."""
        deviation = self.deviation(self.metric)
        shown = "" if deviation is None else f" ± {100 * deviation:.2f}"
        return f"{100 * self.mean(self.metric):.2f}{shown}"


def by_run(records: Iterable[Mapping]) -> dict[Key, Scores]:
    """Sort records into runs; raise `UserError` if one lacks a key or a seed stands there twice."""
    runs: dict[Key, dict[int, Mapping]] = {}
    for record in records:
        key = (record["language"], record["variant"], record["task"])
        if lacking := {"n_train", "n_test"} - record.keys():
            raise UserError(f"the record of {' '.join(key)} has no '{min(lacking)}'")
        if runs.setdefault(key, {}).setdefault(record["seed"], record) is not record:
            raise UserError(f"two records are of {' '.join(key)}, seed {record['seed']}")
    return {key: _scores(dict(sorted(found.items()))) for key, found in runs.items()}


def _scores(found: Mapping[int, Mapping]) -> Scores:
    first = next(iter(found.values()))
    metrics = {
        name: {seed: Fraction(str(record["scores"][name])) for seed, record in found.items()}
        for name in NAMES
        if all(name in record["scores"] for record in found.values())
    }
    return Scores(
        metric=first["metric"],
        metrics=metrics,
        majority=Fraction(str(first["scores"].get("majority", 0))),
        n_train=first["n_train"],
        n_test=first["n_test"],
        parameters=first["parameters"],
    )
