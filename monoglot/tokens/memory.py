"""Documents as token ids in memory, with the interface of a token store."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from monoglot.errors import UserError
from monoglot.tokens.batch import Batch
from monoglot.tokens.encoding import encode_batches

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Documents(Protocol):
    """What operations read of a `TokenStore`, or of a `TokenMemory`.

    Attributes:
        meta: the special ids, the `vocab` size, and numbers of `documents` and `tokens`.
        tokens: all ids one after the other, uint32, without special tokens.
        offsets: where documents begin, and the end, int64, shape [documents + 1].
    """

    meta: dict
    tokens: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...

    def batches(self) -> Iterator[Batch]: ...


class TokenMemory:
    """Documents in memory, four bytes a token; those without a token are left out.

    Args:
        batches: the documents.
        special: the special ids and the `vocab` size, as in a token store's `meta`.

    Raises `UserError` if no document is left.
    """

    def __init__(self, batches: Iterable[Batch], special: dict) -> None:
        together = Batch.join([Batch.of([]), *batches])
        lengths = together.lengths[together.lengths > 0]
        self.tokens, self.offsets = together.ids, np.append(0, lengths.cumsum())
        if not len(self):
            raise UserError("the texts hold no document with a token; give some text")
        self.meta = {**special, "documents": len(self), "tokens": len(self.tokens)}

    @classmethod
    def of_texts(cls, texts: Iterable[str], tokenizer: "Tokenizer", special: dict) -> "TokenMemory":
        """Encode texts with a tokenizer."""
        return cls(encode_batches(tokenizer, texts), special)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.tokens[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)

    def batches(self) -> Iterator[Batch]:
        """Yield all documents, as one batch."""
        yield Batch(self.tokens, np.diff(self.offsets))

    def split(self, share: float, most: int) -> tuple["TokenMemory", "TokenMemory"]:
        """Return the documents in two: the rest, and a share of them, evenly spread.

        Args:
            share: of the documents, 0 to 1; at least one is taken.
            most: documents to take at most.

        Raises `UserError` if there is but one document.
        """
        if len(self) < 2:
            raise UserError("there is but one document; give more, or give texts to validate on")
        taken = min(most, max(1, int(len(self) * share)))
        second = [number * len(self) // taken for number in range(taken)]
        first = np.setdiff1d(np.arange(len(self)), second)
        (all_of_it,) = self.batches()
        return tuple(TokenMemory([all_of_it.take(part)], self.meta) for part in (first, second))
