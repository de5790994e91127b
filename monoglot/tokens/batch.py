"""Token ids of several texts in one array."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Batch(NamedTuple):
    """The token ids of texts one after the other, uint32, and how many each text has, int64."""

    ids: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> "Batch":
        """Return the batch of texts given as their ids."""
        arrays = [np.array(ids, dtype=np.uint32) for ids in texts]
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        return cls(np.concatenate(arrays or [np.zeros(0, np.uint32)]), lengths)

    @classmethod
    def join(cls, batches: Iterable["Batch"]) -> "Batch":
        """Return the texts of all batches, at least one, as one batch."""
        ids, lengths = zip(*batches, strict=True)
        return cls(np.concatenate(ids), np.concatenate(lengths))

    def split(self) -> list[list[int]]:
        """Return the ids of each text."""
        ids, ends = self.ids.tolist(), self.lengths.cumsum().tolist()
        return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def take(self, order: Sequence[int]) -> "Batch":
        """Return the batch of the texts with these numbers."""
        order = np.array(order, dtype=np.int64)
        lengths = self.lengths[order]
        starts = (self.lengths.cumsum() - self.lengths)[order]
        return Batch(take(self.ids, starts, lengths), lengths)


def take(ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the slices of `ids` with these starts and lengths one after the other."""
    ends = lengths.cumsum()
    shifts = starts - (ends - lengths)
    return ids[np.arange(lengths.sum()) + np.repeat(shifts, lengths)]


def encode_plainly(tokenizer: "Tokenizer", texts: Sequence[str]) -> Batch:
    """Return the ids of texts, without special tokens, as the tokenizer gives them."""
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return Batch.of([encoding.ids for encoding in encodings])
