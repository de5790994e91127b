"""How to train: the parameters of the operation `train`."""

import math
from dataclasses import dataclass, fields

from monoglot.errors import UserError

LEAST = {
    "batch_size": 1,
    "steps": 1,
    "max_length": 3,
    "evaluate_every": 1,
    "micro_batch": 1,
    "weight_decay": 0,
}
HOTTEST = 100
"""The highest temperature; well above it, rounding in fp32 is more than the divergence."""


@dataclass(frozen=True)
class Settings:
    """How to train. The field names are the config keys of `train` variants; see the schema.

    Raises `UserError` for a number that is not finite, too small, or too large.
    """

    loss: str
    alpha: float
    temperature: float
    kl_mean: str
    positions: str
    learning_rate: float
    warmup: float
    weight_decay: float
    batch_size: int
    epochs: float | None
    steps: int | None
    max_length: int
    documents: str
    padding: str
    mlm_probability: float
    evaluate_every: int
    keep: str
    precision: str
    seed: int
    attention_weight: float = 0.0
    attention_projection: str = "rows"
    validation_masks: str = "fixed"
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{field.name} is {value}; it must be a finite number")
        for key, least in LEAST.items():
            value = getattr(self, key)
            if value is not None and value < least:
                raise UserError(f"{key} is {value}; it must be at least {least}")
        for key in ("learning_rate", "temperature", "epochs"):
            value = getattr(self, key)
            if value is not None and not value > 0:
                raise UserError(f"{key} is {value}; it must be above 0")
        if self.temperature > HOTTEST:
            raise UserError(f"temperature is {self.temperature}; it must be at most {HOTTEST}")

    def total_steps(self, sequences: int) -> int:
        """Return the number of optimiser steps for a corpus of so many sequences."""
        if self.steps is not None:
            return self.steps
        return max(1, round(self.epochs * math.ceil(sequences / self.batch_size)))

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of a step: linear warm-up, then linear decay to zero."""
        warmup = self.warmup * total
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (total - step) / max(1, total - warmup)
