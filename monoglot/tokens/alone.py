"""Encoding many words as if each were a text of its own, at the cost of running text.

A text by itself costs the tokenizer more than a word within one. So words go in groups:

- ordinary ones with spaces in between. The pieces that start a pre-token tell where each word
  begins, as it is known how many it has;
- all others with an added token in between, which ends a text for every step of the tokenizer.
"""

from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np

from monoglot.tokens.alphabet import LETTER, Alphabet
from monoglot.tokens.batch import Batch

if TYPE_CHECKING:
    from tokenizers import Tokenizer

GROUP = 256
WORD_START = "▁"
UNSEEN = -1


class AloneEncoder:
    """Encodes words with a tokenizer that `splits_at_white_space`.

    Args:
        tokenizer: see above.
        separator: an added token, as `boundaries.separator` finds it; no word may hold one.
    """

    def __init__(self, tokenizer: "Tokenizer", separator: str) -> None:
        self._tokenizer = tokenizer
        self._separator = separator
        self._separator_id = tokenizer.token_to_id(separator)
        self._continues = getattr(tokenizer.model, "continuing_subword_prefix", None)
        self._starting = np.zeros(0, dtype=np.int8)  # by piece, as far as seen
        self._alphabet = Alphabet(self._count_pre_tokens)

    def encode(self, words: Sequence[str]) -> tuple[Batch, np.ndarray]:
        """Return the ids of each word, and whether it is encoded otherwise between two others.

        There must be no white space in a word.
        """
        is_ordinary, counts = self._alphabet.describe(words)
        ordinary, others = np.flatnonzero(is_ordinary), np.flatnonzero(~is_ordinary)
        found = Batch.join(
            [
                self._encode_ordinary([words[i] for i in ordinary], counts[ordinary]),
                self._encode_texts([words[i] for i in others]),
            ]
        ).take(np.argsort(np.concatenate([ordinary, others])))
        differs = np.zeros(len(words), dtype=bool)
        differs[others] = self._differ([words[i] for i in others], found.take(others))
        return found, differs

    def _differ(self, words: Sequence[str], alone: Batch) -> list[bool]:
        (letter,) = self._encode_texts([LETTER]).split()
        between = self._encode_texts([f"{LETTER} {word} {LETTER}" for word in words])
        pairs = zip(alone.split(), between.split(), strict=True)
        return [letter + ids + letter != found for ids, found in pairs]

    def _encode_ordinary(self, words: Sequence[str], counts: np.ndarray) -> Batch:
        found, first = [Batch.of([])], 0
        for group, ids in self._groups(words, " "):
            found.append(self._split_at_starts(group, ids, counts[first : first + len(group)]))
            first += len(group)
        return Batch.join(found)

    def _encode_texts(self, texts: Sequence[str]) -> Batch:
        """Encode texts, which may hold white space."""
        groups = self._groups(texts, self._separator)
        return Batch.join([Batch.of([]), *starmap(self._split_at_separators, groups)])

    def _groups(self, texts: Sequence[str], between: str) -> Iterator[tuple[Sequence[str], list]]:
        groups = [texts[start : start + GROUP] for start in range(0, len(texts), GROUP)]
        return zip(groups, self._ids([between.join([*g, ""]) for g in groups]), strict=True)

    def _ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.uint32) for encoding in encodings]

    def _split_at_starts(self, words: Sequence[str], ids: np.ndarray, counts: np.ndarray) -> Batch:
        starts = np.flatnonzero(self._start_pre_tokens(ids))
        if len(starts) != counts.sum():
            return self._encode_texts(words)
        # A pre-token has at most one starting piece, so each has exactly one.
        firsts = starts[counts.cumsum() - counts]
        return Batch(ids, np.diff(firsts, append=len(ids)))

    def _split_at_separators(self, words: Sequence[str], ids: np.ndarray) -> Batch:
        ends = np.flatnonzero(ids == self._separator_id)
        if len(ends) != len(words):  # normalised, a word looks like the separator
            return Batch.of(self._ids(words))
        return Batch(ids[ids != self._separator_id], np.diff(ends, prepend=-1) - 1)

    def _count_pre_tokens(self, texts: Sequence[str]) -> list[int]:
        return [int(self._start_pre_tokens(ids).sum()) for ids in self._ids(texts)]

    def _start_pre_tokens(self, ids: np.ndarray) -> np.ndarray:
        """Whether a piece is one that only starts pre-tokens, bool, by position."""
        missing = max(0, int(ids.max(initial=0)) + 1 - len(self._starting))
        if missing:
            self._starting = np.append(self._starting, np.full(missing, UNSEEN, dtype=np.int8))
        found = self._starting[ids]
        if (found == UNSEEN).any():
            for i in np.unique(ids[found == UNSEEN]).tolist():
                self._starting[i] = self._starts(self._tokenizer.id_to_token(i))
            found = self._starting[ids]
        return found == 1

    def _starts(self, piece: str) -> bool:
        """Metaspace puts a mark before every word, WordPiece before all but the first piece."""
        if self._continues is None:
            return piece.startswith(WORD_START)
        return not piece.startswith(self._continues)
