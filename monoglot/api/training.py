"""Masked-LM training of a model, alone or under a teacher."""

import copy
import threading
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from monoglot.api.arguments import check_masked_lm, check_texts, sequence_length
from monoglot.api.modes import in_plain_modes
from monoglot.api.tokenizers import encoded
from monoglot.errors import UserError
from monoglot.operations.processes import Processes
from monoglot.operations.training_loop import train
from monoglot.operations.training_settings import Settings
from monoglot.parameters import plain
from monoglot.tokens.batches import Sequences

Model = TypeVar("Model", bound=PreTrainedModel)
History = list[dict[str, Any]]
HELD_OUT, MOST_HELD_OUT = 0.02, 1000
OF_TEACHERS = ("loss", "alpha", "positions", "temperature", "kl_mean")
"""Settings that only a training under a teacher has."""
NOT_OFFERED = ("attention_weight", "attention_projection")
"""Settings that need models loaded with another implementation of attention."""


@in_plain_modes
def adapt(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    *,
    validation: Iterable[str] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = Settings.default("batch_size"),
    learning_rate: float = Settings.default("learning_rate"),
    max_length: int | None = None,
    seed: int = Settings.default("seed"),
    **more: Any,
) -> tuple[Model, History]:
    """Train a masked language model on some texts: language adaptation, or training after pruning.

    Examples:
        >>> adapted, history = monoglot.adapt(model, tokenizer, texts, steps=2, batch_size=4)
        >>> [row["step"] for row in history]
        [0, 2]

    Args:
        model: a masked language model; its training runs where it is, on CPU or GPU, in fp32.
        tokenizer: its fast tokenizer.
        texts: documents of the language; held in memory as token ids.
        validation: other documents, to validate on; by default one in fifty of `texts`, at most
            1,000, is held out.
        steps: optimiser steps; give this or `epochs`.
        epochs: passes over the texts.
        batch_size: sequences a step.
        learning_rate: the highest, of AdamW.
        max_length: longest sequence in tokens, special ones included; by default 512 or what the
            model has positions for.
        seed: of data order, masks and dropout.
        more: of the other parameters of the operation `train`, with the same defaults: `warmup`,
            `weight_decay`, `micro_batch`, `documents`, `padding`, `mlm_probability`,
            `evaluate_every`, `validation_masks`, `keep` and `precision`.

    Returns:
        The trained model; and the history, a row for each evaluation: `step`, `tokens`,
        `learning_rate`, `loss`, `mlm_loss`, `distillation_loss`, `validation_loss` and
        `validation_accuracy`.

    Raises:
        UserError: the model is no masked language model of a known architecture, the tokenizer is
            slow or not the model's, a text is no str, a setting does not fit, or the loss becomes
            infinite.
    """
    check_masked_lm(model)
    settings = _settings(
        more,
        (*OF_TEACHERS, *NOT_OFFERED),
        steps=steps,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=sequence_length(model, max_length),
        seed=seed,
    )
    return _trained(model, None, tokenizer, texts, validation, settings)


@in_plain_modes
def distill(
    student: Model,
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    loss: Literal["mse", "kl"] = "mse",
    alpha: float = Settings.default("alpha"),
    *,
    validation: Iterable[str] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = Settings.default("batch_size"),
    learning_rate: float = Settings.default("learning_rate"),
    positions: Literal["all", "unpadded", "masked"] = Settings.default("positions"),
    temperature: float = Settings.default("temperature"),
    max_length: int | None = None,
    seed: int = Settings.default("seed"),
    **more: Any,
) -> tuple[Model, History]:
    """Train a student to predict what its teacher does. Gurgurov et al. 2025, sections 2.1 and 2.3.

    The loss is alpha · masked LM + (1 - alpha) · distance of the student's logits to the teacher's.

    Examples:
        >>> student = monoglot.select_layers(model, layers=2)
        >>> budget = {"steps": 2, "batch_size": 4}
        >>> student, history = monoglot.distill(student, model, tokenizer, texts, **budget)
        >>> student.config.num_hidden_layers
        2

    Args:
        student: a masked language model; its training runs where it is, on CPU or GPU, in fp32.
        teacher: another one, of any size, with the same vocabulary.
        tokenizer: the fast tokenizer of both.
        texts: documents of the language; held in memory as token ids.
        loss: the distance: mean squared difference of logits (`mse`), or `kl` divergence.
        alpha: weight of the masked-LM loss, 0 to 1.
        validation: other documents, to validate on; by default one in fifty of `texts`, at most
            1,000, is held out.
        steps: optimiser steps; give this or `epochs`.
        epochs: passes over the texts.
        batch_size: sequences a step.
        learning_rate: the highest, of AdamW.
        positions: where logits are compared: everywhere, padding too (`all`, the paper's code), on
            tokens (`unpadded`), or on `masked` ones.
        temperature: of both sides, for `kl`; at most 100.
        max_length: longest sequence in tokens, special ones included; by default 512 or what both
            models have positions for.
        seed: of data order, masks and dropout.
        more: as those of `adapt`, and `kl_mean`.

    Returns:
        The trained student and the history, as `adapt`.

    Raises:
        UserError: as `adapt`, or the teacher has another vocabulary.
    """
    check_masked_lm(student, "the student")
    check_masked_lm(teacher, "the teacher")
    if teacher.config.vocab_size != student.config.vocab_size:
        raise UserError(
            f"the teacher has {teacher.config.vocab_size} embeddings and the student "
            f"{student.config.vocab_size}; both must have the same vocabulary"
        )
    lengths = (sequence_length(one, max_length) for one in (student, teacher))
    settings = _settings(
        more,
        NOT_OFFERED,
        steps=steps,
        epochs=epochs,
        loss=loss,
        alpha=alpha,
        positions=positions,
        temperature=temperature,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=min(lengths),
        seed=seed,
    )
    return _trained(student, teacher, tokenizer, texts, validation, settings)


def _settings(more: dict[str, Any], without: tuple[str, ...], **named: Any) -> Settings:
    """Return settings of a training; raise `UserError` for one that is unknown or does not fit."""
    offered = [name for name in Settings.model_fields if name not in (*without, *named)]
    for name in more:
        if name not in offered:
            raise UserError(f"setting '{name}' is not known; use one of {', '.join(offered)}")
    return Settings.checked({name: plain(value) for name, value in (named | more).items()})


def _trained(
    student: Model,
    teacher: PreTrainedModel | None,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    validation: Iterable[str] | None,
    settings: Settings,
) -> tuple[Model, History]:
    if threading.current_thread() is not threading.main_thread():
        raise UserError("training listens to signals; call it from the main thread")
    if validation is not None:
        check_texts(validation)
    tokens = encoded(texts, tokenizer, student)
    if validation is None:
        tokens, held_out = tokens.split(HELD_OUT, MOST_HELD_OUT)
    else:
        held_out = encoded(validation, tokenizer, student)
    own = copy.deepcopy(student).float().requires_grad_(True)
    others = copy.deepcopy(teacher).float() if teacher else None
    device = own.device
    body = settings.max_length - 2
    # Each step seeds generators of torch; the caller's stay as they are.
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        history = train(
            own,
            Sequences(tokens, body, settings.documents),
            tokens.meta,
            Sequences(held_out, body, "truncate"),
            settings,
            others,
            processes=Processes(device=device),
        )
    own.zero_grad(set_to_none=True)
    return own, history
