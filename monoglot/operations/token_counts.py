"""How often the pieces of a vocabulary occur in text."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Counts by piece id, int64, shape [vocab].

    Attributes:
        tokens: occurrences of each piece.
        documents: documents in which it occurs.
        texts: number of documents, those without a token included.
    """

    tokens: np.ndarray
    documents: np.ndarray
    texts: int


def count_pieces(documents: Iterable[list[int]], vocab_size: int) -> Counts:
    """Count the pieces of documents, each given as its token ids, in one pass."""
    tokens = np.zeros(vocab_size, dtype=np.int64)
    present = np.zeros(vocab_size, dtype=np.int64)
    texts = 0
    for ids in documents:
        pieces, times = np.unique(np.asarray(ids, dtype=np.int64), return_counts=True)
        tokens[pieces] += times
        present[pieces] += 1
        texts += 1
    return Counts(tokens, present, texts)
