"""Examples as tensors: encoded once, for all seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PretrainedConfig

from monoglot.checkpoints import load_tokenizer as load_plain_tokenizer
from monoglot.data.readers import Example
from monoglot.errors import UserError
from monoglot.evaluate.task import TrainedTask

IGNORED = -100
"""Label of positions without one; the loss leaves them out."""


@dataclass(frozen=True)
class Encoded:
    """One split, [examples, length], cut at the longest example.

    `ids` are padded token ids, `lengths` [examples] the number of real ones. `labels` are class
    indices, [examples] for classification and [examples, length] for tagging (`IGNORED` where
    there is none). `words` [examples, length] is the index of each sub-token's word, -1 for
    special tokens and padding; None for classification. `cut` is how many words stand beyond the
    last token that was kept, in all examples together.
    """

    ids: Tensor
    lengths: Tensor
    labels: Tensor
    words: Tensor | None = None
    cut: int = 0


def load_tokenizer(checkpoint: str | Path, max_length: int) -> Tokenizer:
    """Load a checkpoint's tokenizer, set to cut at `max_length` tokens and not to pad."""
    tokenizer = load_plain_tokenizer(checkpoint)
    tokenizer.enable_truncation(max_length)
    return tokenizer


def lead_of(tokenizer: Tokenizer) -> str:
    """Return what words given one by one need before them, to have the pieces they have in a text.

    The first word of a sentence needs nothing. It is a space for a tokenizer whose pieces begin
    with one, and that puts none there by itself; else nothing.
    """
    apart = tokenizer.encode(["a", "a"], is_pretokenized=True, add_special_tokens=False)
    running = tokenizer.encode("a a", add_special_tokens=False)
    return "" if apart.ids == running.ids else " "


def encode_splits(
    splits: Mapping[str, Sequence[Example]],
    checkpoint: str | Path,
    config: PretrainedConfig,
    task: TrainedTask,
    max_length: int,
    label_subtokens: str,
) -> dict[str, Encoded]:
    """Encode splits by a checkpoint's tokenizer; `config` is its model's.

    Raises `UserError` if tokenizer and model do not belong together.
    """
    tokenizer = load_tokenizer(checkpoint, max_length)
    encoded = {
        split: task.encode(rows, tokenizer, config.pad_token_id, label_subtokens)
        for split, rows in splits.items()
    }
    check_ids(encoded.values(), config.vocab_size, checkpoint)
    return encoded


def check_ids(splits: Iterable[Encoded], vocabulary: int, checkpoint: str | Path) -> None:
    """Raise `UserError` if a token id has no row among the `vocabulary` embeddings."""
    highest = max(int(split.ids.max()) for split in splits)
    if highest >= vocabulary:
        raise UserError(
            f"{checkpoint}/tokenizer.json: makes token id {highest}, but the model has "
            f"{vocabulary} embeddings; tokenizer and model must belong together"
        )


def padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Return rows filled up to the longest one, [rows, length], and their lengths, [rows]."""
    lengths = np.array([len(row) for row in rows])
    table = np.full((len(rows), max(lengths.max(), 1)), fill, dtype=np.int64)
    table[np.arange(table.shape[1]) < lengths[:, None]] = np.concatenate(
        [np.asarray(row, dtype=np.int64) for row in rows]
    )
    return torch.from_numpy(table), torch.from_numpy(lengths)
