"""Real text cut to given lengths in tokens: what latency is measured on."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from monoglot.errors import UserError


def windows(
    tokenizer: Tokenizer, sentences: Sequence[str], length: int, count: int, where: str
) -> np.ndarray:
    """Return token ids, [count, length], of running text, special tokens included.

    Each window begins with a sentence of its own, evenly spread over the text, and runs on over
    those that follow it, from the first one again after the last. Nothing is padded.

    Args:
        tokenizer: set neither to cut nor to pad.
        length: no more than the model can read.
        where: what errors call the text.

    Raises:
        UserError: there is not enough text for one window.
    """
    tokenizer.enable_truncation(length)
    try:
        starts = [len(sentences) * number // count for number in range(count)]
        found = [_window(tokenizer, sentences, start, length) for start in starts]
    finally:
        tokenizer.no_truncation()
    if any(len(ids) < length for ids in found):
        raise UserError(f"{where}: is too little text for {length} tokens; give more sentences")
    return np.array(found, dtype=np.int64)


def _window(tokenizer: Tokenizer, sentences: Sequence[str], start: int, length: int) -> list[int]:
    """Return the ids of as many sentences as it takes; of fewer than `length` if none suffice."""
    taken, most = 1, max(2 * length, len(sentences))
    while True:
        running = (sentences[(start + i) % len(sentences)] for i in range(min(taken, most)))
        ids = tokenizer.encode(" ".join(running)).ids
        if len(ids) >= length or taken >= most:
            return ids
        taken *= 2
