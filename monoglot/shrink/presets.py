"""What a person need not choose: how small, and how long to train."""

from collections.abc import Mapping
from typing import Any

PRESETS = {
    "paper-small": (1 / 2, 2 / 3, 312 / 768),
    "paper-medium": (1 / 2, 2 / 3, 456 / 768),
    "paper-large": (1 / 2, 2 / 3, 564 / 768),
}
"""Shares of the layers, feed-forward neurons and hidden size to keep: of a model of 12 layers, 3072
and 768, the paper's 6, 2048 and 312, 456 or 564."""
VOCAB = 40_000

_SHORT = {"batch_size": 16, "max_length": 128, "documents": "pack", "warmup": 0.05}
_LONGER = {**_SHORT, "batch_size": 32}
BUDGETS: dict[str, dict[str, dict[str, Any]]] = {
    "small": {
        "adapt": {**_SHORT, "steps": 600, "learning_rate": 5e-5},
        "distil": {**_SHORT, "steps": 600, "learning_rate": 2e-4},
    },
    "medium": {
        "adapt": {**_LONGER, "steps": 6000, "learning_rate": 1e-4},
        "distil": {**_LONGER, "steps": 6000, "learning_rate": 2e-4},
    },
    "paper": {
        "adapt": {
            "steps": 100_000,
            "batch_size": 32,
            "max_length": 512,
            "learning_rate": 1e-4,
            "keep": "best",
        },
        "distil": {"epochs": 10, "batch_size": 8, "max_length": 512, "learning_rate": 5e-5},
    },
}
"""Settings of adaptation and of each distillation. `paper` has those of config.yaml, but pads
batches no further than to their longest sequence, and compares no padding."""


def default_budget(gpu: bool) -> str:
    """Return the budget that a machine with or without a GPU has time for."""
    return "paper" if gpu else "small"


def budget(
    name: str, adapt_steps: int | None, distil_steps: int | None, more: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the settings of a budget, with other numbers of steps if they are given.

    Args:
        more: settings of all training: `precision`, `micro_batch`, `seed`.
    """
    chosen = {key: {**settings, **more} for key, settings in BUDGETS[name].items()}
    for key, steps in (("adapt", adapt_steps), ("distil", distil_steps)):
        if steps is not None:
            chosen[key] = {**chosen[key], "steps": steps, "epochs": None}
    return chosen
