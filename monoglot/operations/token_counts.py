"""How often the pieces of a vocabulary occur in text."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from monoglot.tokens.batch import Batch


@dataclass(frozen=True)
class Counts:
    """Counts by piece id, int64, shape [vocab].

    Attributes:
        tokens: occurrences of each piece.
        documents: documents in which it occurs.
        texts: number of documents that have a token.
    """

    tokens: np.ndarray
    documents: np.ndarray
    texts: int


def count_pieces(batches: Iterable[Batch], vocab_size: int) -> Counts:
    """Count the pieces of documents in one pass; a document without a token counts for nothing."""
    tokens = np.zeros(vocab_size, dtype=np.int64)
    documents = np.zeros(vocab_size, dtype=np.int64)
    texts = 0
    for ids, lengths in batches:
        ids = ids.astype(np.int64)
        tokens += np.bincount(ids, minlength=vocab_size)
        # Each piece of each document once, as one number for the two.
        pairs = np.repeat(np.arange(len(lengths)) * vocab_size, lengths) + ids
        pairs.sort()
        once = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
        documents += np.bincount(pairs[once] % vocab_size, minlength=vocab_size)
        texts += int(np.count_nonzero(lengths))
    return Counts(tokens, documents, texts)
