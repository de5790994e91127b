"""The operations of a chain, from one model in memory to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.api.arguments import sequence_length
from monoglot.api.tokenizers import parsed, rebuilt, special_tokens
from monoglot.operations.anatomy import longest_input
from monoglot.operations.processes import Processes
from monoglot.operations.prune_ffn import prune_ffn
from monoglot.operations.reduce_hidden import reduce_hidden
from monoglot.operations.select_layers import select_layers
from monoglot.operations.training_loop import train
from monoglot.operations.training_settings import Settings
from monoglot.operations.training_state import TrainingState
from monoglot.operations.trim import trim
from monoglot.shrink.material import Material
from monoglot.shrink.plan import Step
from monoglot.tokens.batches import Sequences

SEED = 42


class Watcher(Protocol):
    """Hears how far a training is."""

    def write(self, step: int, values: Mapping[str, float | None]) -> None: ...


@dataclass(frozen=True)
class Made:
    """What a step made.

    Attributes:
        tokens: that it was trained on, without padding; 0 if it trains nothing.
        report: of trimming, see `trim_vocab`.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    tokens: int = 0
    report: dict[str, Any] | None = None


def perform(
    step: Step,
    parent: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    teacher: PreTrainedModel | None,
    material: Material,
    state: TrainingState,
    watcher: Watcher,
) -> Made:
    """Make what a step makes out of its parent, which is used up.

    A training goes on from `state`, if one of it is there.
    """
    how = step.settings
    if step.operation == "train":
        return _train(step, parent, tokenizer, teacher, material, state, watcher)
    if step.operation == "trim_vocab":
        names, texts = special_tokens(tokenizer), material.heldout_texts()
        batches, contents = material.training.batches(), parsed(tokenizer, parent)
        made = trim(parent, contents, names, batches, texts, how["size"])
        return Made(made.model, rebuilt(tokenizer, made.tokenizer), report=made.report)
    if step.operation == "select_layers":
        return Made(select_layers(parent, how["count"], how["strategy"], SEED), tokenizer)
    if step.operation == "reduce_hidden":
        return Made(reduce_hidden(parent, how["size"], "truncate", "cut"), tokenizer)
    # As in the paper's code, see config.yaml.
    about = "gradient_weight", sequence_length(parent, None), SEED, "cumulative_importance"
    parent = parent.to(Processes().device)
    return Made(prune_ffn(parent, material.scored(), how["size"], *about), tokenizer)


def settings_of(step: Step, model: PreTrainedModel) -> Settings:
    """Return the settings of a training, with sequences no longer than the model takes.

    Evaluations are a fifth of the training apart, but for trainings of many thousand steps.
    """
    given = dict(step.settings)
    given["max_length"] = min(given["max_length"], longest_input(model.config))
    settings = Settings.checked(given)
    if settings.steps is not None:
        given["evaluate_every"] = min(500, max(1, settings.steps // 5))
    return Settings.checked(given)


def sequences_of(material: Material, settings: Settings) -> tuple[Sequences, Sequences]:
    """Return the sequences that a training trains and validates on."""
    body = settings.max_length - 2
    training = Sequences(material.training, body, settings.documents)
    return training, Sequences(material.heldout, body, "truncate")


def _train(
    step: Step,
    parent: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    teacher: PreTrainedModel | None,
    material: Material,
    state: TrainingState,
    watcher: Watcher,
) -> Made:
    settings = settings_of(step, parent)
    training, heldout = sequences_of(material, settings)
    student = parent.requires_grad_(True)
    about = student, training, material.training.meta, heldout, settings, teacher, state
    with torch.random.fork_rng():
        history = train(*about, scalars=watcher)
    state.forget()
    return Made(student, tokenizer, history[-1]["tokens"])
