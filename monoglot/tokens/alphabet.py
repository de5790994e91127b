"""Characters that a tokenizer takes for what they are, and words made up of these.

Of such a word it is known how many pre-tokens it has, whatever stands beside it.
"""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import chain, starmap

import numpy as np

# Scripts whose characters join no neighbour (marks are left out): Latin, Greek and Cyrillic;
# punctuation and currencies.
BLOCKS = ((0x21, 0x530), (0x2010, 0x2028), (0x2030, 0x205F), (0x20A0, 0x20C1))
CATEGORIES = "LNPS"
LETTER = "a"
OTHER, SPACE, PART, CUT = range(4)


class Alphabet:
    """The ordinary characters of a tokenizer that `splits_at_white_space`.

    Each is either a part of the pre-token around it, or cut out of it as one of its own.

    Args:
        count: gives the number of pre-tokens of each of some texts.
    """

    def __init__(self, count: Callable[[Sequence[str]], Sequence[int]]) -> None:
        characters = list(map(chr, chain.from_iterable(starmap(range, BLOCKS))))
        characters = [c for c in characters if unicodedata.category(c)[0] in CATEGORIES]
        alone, within = count(characters), count([LETTER + c + LETTER for c in characters])
        kinds = {(1, 1): PART, (1, 3): CUT}
        # By code point; the last entry stands for all from there on.
        self._kinds = np.full(BLOCKS[-1][1] + 1, OTHER, dtype=np.uint8)
        self._kinds[ord(" ")] = SPACE
        for character, *counts in zip(characters, alone, within, strict=True):
            self._kinds[ord(character)] = kinds.get(tuple(counts), OTHER)

    def describe(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return whether all characters of a word are ordinary, and its number of pre-tokens.

        Both by word; a word has no white space in it, and the number counts if it is ordinary.
        """
        codes = np.frombuffer(" ".join(words).encode("utf-32-le"), np.uint32)
        kinds = self._kinds[np.minimum(codes, len(self._kinds) - 1)]
        words_of = np.cumsum(kinds == SPACE)
        parts = kinds == PART
        starts = (kinds == CUT) | (parts & ~np.append(False, parts[:-1]))
        counts = np.bincount(words_of[starts], minlength=len(words))
        strange = np.bincount(words_of[kinds == OTHER], minlength=len(words))
        return (strange == 0) & (counts > 0), counts
