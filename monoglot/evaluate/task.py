"""What a task is and how its adapters are trained: the options of one evaluation."""

import math
from dataclasses import dataclass

from monoglot.data.examples import tag_inventory
from monoglot.errors import UserError
from monoglot.metrics import METRICS

OUTSIDE = "O"
"""Tag of words outside entities, and the prediction for words that no sub-token stands for."""


@dataclass(frozen=True)
class Task:
    """A task with its declared labels.

    `kind` is "classification" or "tagging". For tagging, `scheme` says how tags look: with "iob2"
    the labels are entity types, with "plain" the labels are the tags. `metric` names the score
    that tables show. Raises `UserError` on a metric of another kind of task and on bad labels.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    metric: str
    scheme: str = "plain"

    def __post_init__(self) -> None:
        known = METRICS["classification" if self.kind == "classification" else self.scheme]
        if self.metric not in known:
            raise UserError(
                f"task {self.name}: metric '{self.metric}' is not one of its kind; "
                f"it must be one of {', '.join(known)}"
            )
        if len(set(self.labels)) < len(self.labels) or not self.labels:
            raise UserError(f"task {self.name}: labels must be given, each of them once")
        if self.kind == "tagging" and OUTSIDE in self.labels:
            raise UserError(
                f"task {self.name}: labels must not hold '{OUTSIDE}', "
                "which stands for words outside entities and words cut off"
            )

    @property
    def classes(self) -> list[str]:
        """The model's output classes, in the order of its outputs."""
        if self.kind == "classification":
            return list(self.labels)
        return tag_inventory(self.labels, self.scheme)


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters of training on a task (paper, Table 4); one set for all seeds.

    `warmup` is a fraction of all steps. `checkpoint` is "last" (test after the last epoch) or
    "best" (test the epoch with the lowest validation loss). `tuning` is "adapter" (the encoder is
    frozen) or "full" (no adapter, all weights are trained). `label_subtokens` is "all" (every
    sub-token carries its word's label, as in the paper) or "first". `seeds_affect` is
    "initialisation" (data order and dropout are the same for all seeds, as in the paper) or
    "everything". `patience` ends a seed's training after so many epochs without a lower validation
    loss, the schedule of the learning rate unchanged; None for never. Raises `UserError` on a
    number out of range, and on `patience` without `checkpoint: best`.
    """

    reduction_factor: int
    learning_rate: float
    batch_size: int
    epochs: int
    max_length: int
    weight_decay: float
    warmup: float
    checkpoint: str
    label_subtokens: str
    seeds_affect: str
    tuning: str = "adapter"
    patience: int | None = None

    def __post_init__(self) -> None:
        for key in ("reduction_factor", "learning_rate", "batch_size", "epochs"):
            if not 0 < getattr(self, key) < math.inf:
                raise UserError(f"{key} is {getattr(self, key)}; it must be above 0, and finite")
        if not self.max_length > 2:
            raise UserError(f"max_length is {self.max_length}; it must be above 2")
        if not (0 <= self.weight_decay < math.inf and 0 <= self.warmup < 1):
            raise UserError("weight_decay must be 0 or more, and warmup 0 or more and below 1")
        if self.patience is not None:
            self._check_patience()

    def _check_patience(self) -> None:
        if self.patience < 1:
            raise UserError(f"patience is {self.patience}; it must be above 0, or null for none")
        if self.checkpoint != "best":
            raise UserError(
                f"patience is {self.patience}, but the {self.checkpoint} epoch is tested; "
                "it needs checkpoint: best"
            )


@dataclass(frozen=True)
class Names:
    """Where a checkpoint stands in the experiment, for the record."""

    model: str
    language: str
    variant: str
