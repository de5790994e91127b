"""Token ids of texts, without special tokens, in constant memory."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from monoglot.tokens.batch import Batch, encode_plainly
from monoglot.tokens.boundaries import separator, splits_at_white_space
from monoglot.tokens.words import WordEncoder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH = 1024
GAIN = 0.8  # encoding words pays if fewer characters than this share need to be encoded
LONGEST_PAUSE = 64  # batches


def encode_batches(tokenizer: "Tokenizer", texts: Iterable[str]) -> Iterator[Batch]:
    """Yield the ids of `BATCH` texts at a time, exactly as the tokenizer gives them.

    With a tokenizer that takes words one by one, each different word is encoded once. Where words
    do not repeat, that is left alone for a while, longer each time.
    """
    texts = iter(texts)
    ending = separator(tokenizer) if splits_at_white_space(tokenizer) else None
    words = WordEncoder(tokenizer, ending) if ending else None
    plain, pause = 0, 1
    while batch := list(islice(texts, BATCH)):
        if words is None or plain:
            plain -= 1
            yield encode_plainly(tokenizer, batch)
            continue
        encoded = words.encoded
        yield words.encode(batch)
        if words.encoded - encoded < GAIN * sum(map(len, batch)):
            pause = 1
        else:
            plain, pause = pause, min(2 * pause, LONGEST_PAUSE)


def encode(tokenizer: "Tokenizer", texts: Iterable[str]) -> Iterator[list[int]]:
    """Yield the token ids of each text."""
    for batch in encode_batches(tokenizer, texts):
        yield from batch.split()
