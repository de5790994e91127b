"""Examples as tensors: encoded once, for all seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from monoglot.checkpoint_files import load_tokenizer as load_plain_tokenizer
from monoglot.data.examples import TaggedExample, TextExample
from monoglot.errors import UserError

IGNORED = -100
"""Label of positions without one; the loss leaves them out."""


@dataclass(frozen=True)
class Encoded:
    """One split, [examples, length], cut at the longest example.

    `ids` are padded token ids, `lengths` [examples] the number of real ones. `labels` are class
    indices, [examples] for classification and [examples, length] for tagging (`IGNORED` where
    there is none). `words` [examples, length] is the index of each sub-token's word, -1 for
    special tokens and padding; None for classification.
    """

    ids: Tensor
    lengths: Tensor
    labels: Tensor
    words: Tensor | None = None


def load_tokenizer(checkpoint: str | Path, max_length: int) -> Tokenizer:
    """Load a checkpoint's tokenizer, set to cut at `max_length` tokens and not to pad."""
    tokenizer = load_plain_tokenizer(checkpoint)
    tokenizer.enable_truncation(max_length)
    return tokenizer


def encode_texts(
    examples: Sequence[TextExample], tokenizer: Tokenizer, classes: Sequence[str], pad: int
) -> Encoded:
    """Encode texts with one label each; `classes` must hold every label."""
    encodings = tokenizer.encode_batch([example.text for example in examples])
    ids, lengths = _padded([encoding.ids for encoding in encodings], pad)
    index = {label: number for number, label in enumerate(classes)}
    return Encoded(ids, lengths, torch.tensor([index[example.label] for example in examples]))


def encode_sentences(
    examples: Sequence[TaggedExample],
    tokenizer: Tokenizer,
    classes: Sequence[str],
    pad: int,
    label_subtokens: str,
) -> Encoded:
    """Encode sentences given as words; `classes` must hold every tag.

    Labels follow the tokenizer's word ids, so a word that vanishes or is cut off shifts no other.
    With `label_subtokens` "all" each sub-token carries its word's tag (as the paper does; a `B-`
    is repeated), with "first" only the first one does.
    """
    encodings = tokenizer.encode_batch(
        [list(example.tokens) for example in examples], is_pretokenized=True
    )
    ids, lengths = _padded([encoding.ids for encoding in encodings], pad)
    words, _ = _padded([_word_indices(encoding) for encoding in encodings], -1)
    index = {tag: number for number, tag in enumerate(classes)}
    tags, _ = _padded([[index[tag] for tag in example.tags] for example in examples], IGNORED)
    labelled = words >= 0 if label_subtokens == "all" else first_subtokens(words)
    labels = tags.gather(1, words.clamp(min=0)).masked_fill(~labelled, IGNORED)
    return Encoded(ids, lengths, labels, words)


def first_subtokens(words: Tensor) -> Tensor:
    """Mark the first sub-token of each word; `words` and the result are [examples, length]."""
    before = torch.nn.functional.pad(words[:, :-1], (1, 0), value=-1)
    return (words >= 0) & (words != before)


def check_ids(splits: Iterable[Encoded], vocabulary: int, checkpoint: str | Path) -> None:
    """Raise `UserError` if a token id has no row among the `vocabulary` embeddings."""
    highest = max(int(split.ids.max()) for split in splits)
    if highest >= vocabulary:
        raise UserError(
            f"{checkpoint}/tokenizer.json: makes token id {highest}, but the model has "
            f"{vocabulary} embeddings; tokenizer and model must belong together"
        )


def _word_indices(encoding: Encoding) -> list[int]:
    return [-1 if word is None else word for word in encoding.word_ids]


def _padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    lengths = np.array([len(row) for row in rows])
    table = np.full((len(rows), max(lengths.max(), 1)), fill, dtype=np.int64)
    table[np.arange(table.shape[1]) < lengths[:, None]] = np.concatenate(
        [np.asarray(row, dtype=np.int64) for row in rows]
    )
    return torch.from_numpy(table), torch.from_numpy(lengths)
