"""What a model is worth on text, and how large it is."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from monoglot.api.arguments import check_masked_lm, sequence_length
from monoglot.api.modes import in_plain_modes
from monoglot.api.tokenizers import encoded
from monoglot.checkpoints import count_parameters
from monoglot.errors import UserError
from monoglot.operations.objective import Objective
from monoglot.operations.training_batches import Batches
from monoglot.operations.training_settings import Settings
from monoglot.parameters import plain
from monoglot.tokens.batches import Sequences
from monoglot.tokens.memory import Documents


class Evaluation(NamedTuple):
    """A masked language model on text.

    Attributes:
        loss: mean cross-entropy of masked tokens, in nats.
        accuracy: share of masked tokens that the model finds, 0 to 1.
        masked: masked tokens.
    """

    loss: float
    accuracy: float
    masked: int


@in_plain_modes
def evaluate_mlm(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    *,
    max_length: int | None = None,
    mlm_probability: float = Settings.default("mlm_probability"),
    seed: int = Settings.default("seed"),
) -> Evaluation:
    """Mask tokens of texts and count how many of them a model finds.

    Models with other tokenizers have other tokens to find, so that only those with one tokenizer
    compare exactly.

    Examples:
        >>> found = monoglot.evaluate_mlm(model, tokenizer, texts)
        >>> found.masked > 0, 0 <= found.accuracy <= 1
        (True, True)

    Args:
        model: a masked language model.
        tokenizer: its fast tokenizer.
        texts: documents, of each the first `max_length` tokens; held in memory as token ids.
        max_length: longest sequence in tokens, special ones included; by default 512 or what the
            model has positions for.
        mlm_probability: share of the tokens to mask: 80 % become the mask, 10 % another piece.
        seed: of the masks.

    Raises:
        UserError: the model is no masked language model of a known architecture, the tokenizer is
            slow or not the model's, a text is no str, or no token is masked.
    """
    check_masked_lm(model)
    settings = _settings(sequence_length(model, max_length), mlm_probability, seed)
    return _evaluation(model, encoded(texts, tokenizer, model), settings)


def on_tokens(
    model: PreTrainedModel, tokens: Documents, length: int, mlm_probability: float, seed: int
) -> Evaluation:
    """Evaluate a model on encoded documents, of each the first `length` tokens."""
    return _evaluation(model, tokens, _settings(length, mlm_probability, seed))


def _settings(length: int, mlm_probability: float, seed: int) -> Settings:
    how = {"max_length": length, "mlm_probability": mlm_probability, "seed": seed}
    return Settings.checked({"steps": 1} | {key: plain(value) for key, value in how.items()})


@torch.no_grad()
def _evaluation(model: PreTrainedModel, tokens: Documents, settings: Settings) -> Evaluation:
    sequences = Sequences(tokens, settings.max_length - 2, "truncate")
    batches = list(Batches(tokens.meta, settings).of_validation(sequences, 0))
    size = reduce(add, (batch.size("masked") for batch in batches))
    if not size.masked:
        raise UserError("no token of the texts was masked; give more text")
    with _evaluated(model) as own:
        losses = Objective(own, None, settings, nullcontext).over(size, training=False)
        for batch in batches:
            losses.add(batch.to(own.device), None)
    return Evaluation(losses.mlm.item(), losses.hits.item() / size.masked, size.masked)


@contextmanager
def _evaluated(model: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """Lend a model in evaluation mode and fp32, without a change to it that lasts."""
    if any(parameter.dtype != torch.float32 for parameter in model.parameters()):
        yield copy.deepcopy(model).float().eval()
        return
    modes = {module: module.training for module in model.modules()}
    try:
        yield model.eval()
    finally:
        for module, training in modes.items():
            module.training = training


def parameters(model: torch.nn.Module) -> int:
    """Count a model's parameters, each shared tensor once.

    Examples:
        >>> monoglot.parameters(model)
        24768

    Tables of this project count those of a masked language model with tied decoder.
    """
    if not isinstance(model, torch.nn.Module):
        raise UserError(f"the model is a {type(model).__name__}; give a model of torch")
    return count_parameters(model)
