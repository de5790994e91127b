"""How to train: the parameters of the operation `train`."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How to train. The field names are the config keys of `train` variants; see the schema."""

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
