"""Encoding text by its words, each different one once.

The ids are exactly those of the tokenizer, at a fraction of its time: running text repeats its
words. What counts as a word here is anything between plain white space.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np

from monoglot.tokens.alone import AloneEncoder
from monoglot.tokens.batch import Batch, encode_plainly, take
from monoglot.tokens.boundaries import added_tokens, written_forms

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MEMORY = 400_000_000  # bytes for remembered words, roughly
BYTES_PER_WORD = 150  # beyond its characters: entries of a table and of three arrays
BEYOND = -1  # the length of a word that reaches beyond its ends


class WordEncoder:
    """Encodes documents with a tokenizer that `splits_at_white_space`, without special tokens.

    A document with a word that reaches beyond its ends (a combining mark at its start, an added
    token in it) is encoded as a whole. New words are remembered until they take `MEMORY`.

    Args:
        tokenizer: see above.
        separator: an added token, as `boundaries.separator` finds it.

    Attributes:
        encoded: number of characters that the tokenizer had to encode so far.
    """

    def __init__(self, tokenizer: "Tokenizer", separator: str) -> None:
        self.encoded = 0
        self._tokenizer = tokenizer
        self._alone = AloneEncoder(tokenizer, separator)
        self._added = re.compile("|".join(map(re.escape, written_forms(tokenizer))))
        self._normalizer = None
        if any(token.normalized for token in added_tokens(tokenizer)):
            self._normalizer = tokenizer.normalizer
        self._numbers: defaultdict[bytes, int] = defaultdict(count().__next__)
        self._bytes = 0
        # By number: where the ids of a word begin in `_ids`, and how many it has.
        self._starts, self._lengths, self._ids = array("q"), array("q"), array("I")

    def encode(self, texts: Sequence[str]) -> Batch:
        """Return the ids of documents."""
        known, end = len(self._numbers), len(self._ids)
        documents = [self._look_up(text) for text in texts]
        new = list(islice(reversed(self._numbers), len(self._numbers) - known))[::-1]
        if new:
            self._learn(b" ".join(new).decode().split(" "))
        learnt, learnt_end = len(self._numbers), len(self._ids)
        self._encode_whole(texts, documents)
        batch = self._gather(documents)
        if self._has_room(new):
            self._cut(learnt, learnt_end)
        else:
            for word in new:
                del self._numbers[word]
            self._cut(known, end)
        return batch

    def _look_up(self, text: str) -> np.ndarray | None:
        """The numbers of a document's words; None if it must be encoded as a whole."""
        data = text.encode()
        # `split` splits at these two as well, but mBERT's normaliser deletes them.
        if b"\v" in data or b"\f" in data:
            return None
        words = data.split()
        return np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))

    def _learn(self, words: list[str]) -> None:
        """Encode new words, and mark those that reach beyond their ends."""
        self.encoded += sum(map(len, words))
        holds = self._hold_added_tokens(words)
        if holds.any():
            words = ["" if held else word for word, held in zip(words, holds, strict=True)]
        found, differs = self._alone.encode(words)
        self._append(found)
        beyond = len(self._lengths) - len(words) + np.flatnonzero(holds | differs)
        np.frombuffer(self._lengths, np.int64)[beyond] = BEYOND

    def _hold_added_tokens(self, words: list[str]) -> np.ndarray:
        """Whether there is an added token in each word, as it is or normalised."""
        text = " ".join(words)
        if self._normalizer:
            text += " " + self._normalizer.normalize_str(text)
        if not self._added.search(text):
            return np.zeros(len(words), dtype=bool)
        normalize = self._normalizer.normalize_str if self._normalizer else str
        found = (self._added.search(w) or self._added.search(normalize(w)) for w in words)
        return np.array([bool(match) for match in found])

    def _encode_whole(self, texts: Sequence[str], documents: list[np.ndarray | None]) -> None:
        """Encode the documents that words do not make up, each as if it were a word."""
        beyond = np.frombuffer(self._lengths, np.int64) == BEYOND
        if beyond.any():
            whole = [i for i, d in enumerate(documents) if d is None or beyond[d].any()]
        else:
            whole = [i for i, d in enumerate(documents) if d is None]
        if not whole:
            return
        for number, index in enumerate(whole, len(self._lengths)):
            documents[index] = np.array([number])
        self.encoded += sum(len(texts[i]) for i in whole)
        self._append(encode_plainly(self._tokenizer, [texts[i] for i in whole]))

    def _append(self, batch: Batch) -> None:
        starts = len(self._ids) + batch.lengths.cumsum() - batch.lengths
        self._starts.frombytes(starts.tobytes())
        self._lengths.frombytes(batch.lengths.tobytes())
        self._ids.frombytes(batch.ids.tobytes())

    def _gather(self, documents: Sequence[np.ndarray]) -> Batch:
        """Put the ids of all words of all documents one after the other."""
        numbers = np.concatenate(documents)
        lengths = np.frombuffer(self._lengths, np.int64)[numbers]
        starts = np.frombuffer(self._starts, np.int64)[numbers]
        ids = take(np.frombuffer(self._ids, np.uint32), starts, lengths)
        ends = np.append(0, lengths.cumsum())[np.cumsum([len(d) for d in documents])]
        return Batch(ids, np.diff(ends, prepend=0))

    def _has_room(self, words: Sequence[bytes]) -> bool:
        """Whether new words can be remembered; if so, count them in."""
        needed = sum(map(len, words)) + BYTES_PER_WORD * len(words)
        if self._bytes + needed > MEMORY:
            return False
        self._bytes += needed
        return True

    def _cut(self, words: int, end: int) -> None:
        """Forget all but the first `words`, whose ids end at `end`."""
        del self._starts[words:], self._lengths[words:], self._ids[end:]
        self._numbers.default_factory = count(words).__next__
