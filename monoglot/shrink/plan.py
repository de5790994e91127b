"""The paper's chain of steps for one model, and what each makes of its size.

Adaptation to the language, fewer layers, distillation, fewer feed-forward neurons, a smaller hidden
size, distillation again, a smaller vocabulary (Gurgurov et al. 2025, section 2).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel

from monoglot.checkpoints import count_parameters
from monoglot.errors import UserError
from monoglot.operations.anatomy import anatomy, emptied, ffn_size
from monoglot.shrink.presets import PRESETS, VOCAB

BASE = "model"
"""The name of what a chain starts from."""
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """What a model is to be: layers, feed-forward neurons, hidden size, and pieces of vocabulary
    besides the special tokens."""

    layers: int
    ffn: int
    hidden: int
    vocab: int


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        name: of the step and of what it makes.
        operation: one of the project's.
        settings: its parameters; of training, the fields of `Settings`.
        teacher: name of the step whose result is the teacher, if there is one.
    """

    name: str
    operation: str
    settings: Settings
    teacher: str | None = None


def shape_of(config: PretrainedConfig, pieces: int) -> Shape:
    """Return the shape of a model with so many pieces besides the special tokens."""
    return Shape(config.num_hidden_layers, ffn_size(config), config.hidden_size, pieces)


def target(config: PretrainedConfig, pieces: int, preset: str, given: Mapping[str, int]) -> Shape:
    """Return the shape to make: what is `given`, else the preset's share of the model's.

    Args:
        preset: one of `PRESETS`.
        given: any of `layers`, `ffn`, `hidden` and `vocab`.

    Raises:
        UserError: a number is larger than the model's, or heads do not divide the hidden size.
    """
    whole, heads = shape_of(config, pieces), config.num_attention_heads
    layers, ffn, hidden = (
        round(all_ * share)
        for all_, share in zip(
            (whole.layers, whole.ffn, whole.hidden / heads), PRESETS[preset], strict=True
        )
    )
    wanted = {"layers": layers, "ffn": ffn, "hidden": hidden * heads, "vocab": min(VOCAB, pieces)}
    wanted = {name: max(1, number) for name, number in wanted.items()} | dict(given)
    for name, number in wanted.items():
        if not 1 <= number <= getattr(whole, name):
            raise UserError(
                f"--{name} is {number}; the model has {getattr(whole, name)}, give a number from 1 "
                "to that"
            )
    if wanted["hidden"] % heads:
        raise UserError(
            f"--hidden is {wanted['hidden']}; it must be a multiple of the model's {heads} "
            "attention heads"
        )
    return Shape(**wanted)


def chain(
    config: PretrainedConfig, before: Shape, after: Shape, budget: Mapping[str, Settings]
) -> list[Step]:
    """Return the steps from one shape to another; what stays as it is needs none.

    Args:
        budget: settings of the training `adapt` (without `steps` 0) and `distil`.
    """
    steps, strategy = [], "last_k" if config.model_type == "bert" else "stride"
    distil = {"loss": "mse", "alpha": 0.5, **budget["distil"]}
    teacher = BASE
    if budget["adapt"].get("steps") != 0:
        steps.append(Step("adapted", "train", {"loss": "none", **budget["adapt"]}))
        teacher = "adapted"
    if after.layers < before.layers:
        steps.append(Step("layers", "select_layers", {"count": after.layers, "strategy": strategy}))
        steps.append(Step("distilled", "train", distil, teacher))
        teacher = "distilled"
    if after.ffn < before.ffn:
        steps.append(Step("ffn", "prune_ffn", {"size": after.ffn}))
        teacher = "ffn"
    if after.hidden < before.hidden:
        steps.append(Step("hidden", "reduce_hidden", {"size": after.hidden}))
        steps.append(Step("distilled-again", "train", distil, teacher))
    if after.vocab < before.vocab:
        steps.append(Step("vocab", "trim_vocab", {"size": after.vocab}))
    return steps


def configurations(
    model: PreTrainedModel, steps: Sequence[Step], special: int
) -> dict[str, PretrainedConfig]:
    """Return the configuration of what each step makes, but for ids of `special` tokens."""
    config = copy.deepcopy(model.config)
    found = {BASE: config}
    keys = {
        "select_layers": ("num_hidden_layers", "count"),
        "prune_ffn": (anatomy(config).ffn_size, "size"),
        "reduce_hidden": ("hidden_size", "size"),
    }
    for step in steps:
        config = copy.deepcopy(config)
        if step.operation in keys:
            key, setting = keys[step.operation]
            setattr(config, key, step.settings[setting])
        elif step.operation == "trim_vocab":
            config.vocab_size = step.settings["size"] + special
        found[step.name] = config
    return found


def sizes(model: PreTrainedModel, configs: Mapping[str, PretrainedConfig]) -> dict[str, int]:
    """Return the exact parameters of each configuration, without making a weight."""
    with torch.device("meta"):
        return {name: count_parameters(emptied(model, config)) for name, config in configs.items()}
