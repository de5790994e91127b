"""Pieces that stay however rare they are: characters of a text's scripts, and what prompts need."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from tokenizers import Tokenizer

from monoglot.operations.trim_tokenizer import bare

SCRIPT_SHARE = 0.01
"""Of all letters, which those of a script must be to count as one that the text is written in; a
quotation in another script is less."""


def of_scripts(ids: Mapping[str, int], counts: np.ndarray) -> set[int]:
    """Return the pieces of one character that a text in the scripts of some text may need.

    Those are the letters of each script that `SCRIPT_SHARE` of the text's letters belong to, and
    everything else (marks, digits, punctuation, signs of mathematics and of currencies) but that of
    other scripts, and pictures. Then no word of these scripts turns unknown, though the text that
    pieces are counted in may lack some of its characters. Unicode names begin with the script.

    Args:
        ids: pieces with their ids.
        counts: how often each occurs in the text, shape [vocab].
    """
    letters: Counter[str] = Counter()
    for piece, i in ids.items():
        for letter in filter(_is_letter, bare(piece)):
            letters[_script(letter)] += int(counts[i])
    least = max(1, SCRIPT_SHARE * letters.total())
    used = {script for script, number in letters.items() if number >= least}
    others = letters.keys() - used

    def may_be_needed(character: str) -> bool:
        script = _script(character)
        if _is_letter(character):
            return script in used
        picture = unicodedata.category(character) == "So"
        return script != "" and script not in others and not picture

    return {i for piece, i in ids.items() if len(bare(piece)) == 1 and may_be_needed(bare(piece))}


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")


def _script(character: str) -> str:
    """The first word of a character's name, such as LATIN; empty if it has no name."""
    return re.split("[ -]", unicodedata.name(character, ""))[0]


def of_texts(tokenizer: Tokenizer, texts: Iterable[str]) -> set[int]:
    """Return the pieces that some short texts need, alone and before a word.

    With them among the pieces, a prompt (`query: `) is segmented as before, whatever follows it.
    """
    found: set[int] = set()
    for text in texts:
        found.update(tokenizer.encode(text, add_special_tokens=False).ids)
        before = tokenizer.encode(f"{text}a", add_special_tokens=False)
        within = (end <= len(text) for _, end in before.offsets)
        found.update(i for i, whole in zip(before.ids, within, strict=True) if whole)
    return found
