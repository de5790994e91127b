"""Training sequences out of token stores, and batches out of sequences."""

from collections.abc import Sequence

import numpy as np
import torch

from monoglot.tokens.store import TokenStore

DOCUMENTS = ("truncate", "chunk", "pack")


class Sequences:
    """The sequences of at most `length` tokens (special tokens not counted) of one store.

    `documents` says what becomes of a long document:

    - `truncate`: one sequence a document, the rest dropped (the paper's code);
    - `chunk`: every document cut into consecutive sequences, nothing dropped;
    - `pack`: documents run on into each other and are cut every `length` tokens, so that no
      sequence needs padding; only the last, shorter one is dropped if there are others.
    """

    def __init__(self, store: TokenStore, length: int, documents: str) -> None:
        self._tokens = store.tokens
        offsets = np.asarray(store.offsets)
        if documents == "pack":
            offsets = np.array([0, len(store.tokens)])
        lengths = np.diff(offsets)
        if documents == "truncate":
            self._starts = offsets[:-1]
        else:
            counts = -(-lengths // length)
            within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
            self._starts = np.repeat(offsets[:-1], counts) + within * length
        ends = np.repeat(offsets[1:], 1 if documents == "truncate" else counts)
        self._ends = np.minimum(self._starts + length, ends)
        if documents == "pack" and len(self._starts) > 1 and len(store.tokens) % length:
            self._starts, self._ends = self._starts[:-1], self._ends[:-1]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._tokens[self._starts[index] : self._ends[index]].astype(np.int64)


class Mixture:
    """Several `Sequences` as one, each with a share: 0.1 takes the first tenth of its sequences."""

    def __init__(self, parts: Sequence[Sequences], shares: Sequence[float]) -> None:
        self._parts = parts
        taken = [max(1, round(len(p) * s)) for p, s in zip(parts, shares, strict=True)]
        self._ends = np.cumsum(taken)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[part - 1]) if part else 0
        return self._parts[part][index - before]


def collate(
    documents: Sequence[np.ndarray], special: dict, max_length: int, pad_to: int | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put special tokens around documents and pad them to one length.

    Args:
        documents: arrays of token ids without special tokens; longer ones are cut.
        special: ids of `cls`, `sep`, `pad` and all `special` tokens, as in a store's `meta`.
        max_length: length of the longest sequence, its two special tokens included.
        pad_to: pad to this length; by default to the longest of the batch.

    Returns:
        `ids`, `attention_mask` and `special_mask` (true where a token must not be masked: special
        tokens and padding), int64, int64 and bool, each of shape [batch, length].
    """
    documents = [document[: max_length - 2] for document in documents]
    length = pad_to or max(len(document) for document in documents) + 2
    ids = np.full((len(documents), length), special["pad"], dtype=np.int64)
    attention = np.zeros_like(ids)
    for row, document in enumerate(documents):
        end = len(document) + 2
        ids[row, 0] = special["cls"]
        ids[row, 1 : end - 1] = document
        ids[row, end - 1] = special["sep"]
        attention[row, :end] = 1
    special_mask = np.isin(ids, special["special"])
    return torch.from_numpy(ids), torch.from_numpy(attention), torch.from_numpy(special_mask)
