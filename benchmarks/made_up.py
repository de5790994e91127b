"""A made-up language: text in which few words are frequent and many rare, and its tokenizers."""

import json
import random
from collections.abc import Iterator
from itertools import accumulate, islice, product

CONSONANTS, VOWELS = "bdfghjklmnprstvz", "aeiou"
SYLLABLES = ["".join(pair) for pair in product(CONSONANTS, VOWELS)]
WORDS = 100_000
MARKS = (".", ",", "!", "?")


def words(number: int) -> Iterator[str]:
    """Yield different words, short ones first."""
    made = (syllables for length in range(1, 9) for syllables in product(SYLLABLES, repeat=length))
    return map("".join, islice(made, number))


def documents(megabytes: float) -> Iterator[str]:
    """Yield documents of one to eighty words; the nth word is as frequent as 1/n."""
    generator = random.Random(0)
    known = list(words(WORDS))
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    left = megabytes * 1e6
    while left > 0:
        chosen = generator.choices(known, cum_weights=weights, k=generator.randint(1, 80))
        text = "".join(
            word + (generator.choice(MARKS) if generator.random() < 0.1 else "") + " "
            for word in chosen
        )
        left -= len(text)
        yield text


def tokenizer(kind: str, pieces: int) -> dict:
    """Return a parsed tokenizer.json with so many pieces: marks, syllables, and words."""
    from monoglot.tokenizer_json import SPECIAL_TOKENS, unigram, wordpiece

    special = list(dict.fromkeys(SPECIAL_TOKENS[kind].values()))
    if kind == "WordPiece":
        names = [*special, *MARKS, *(f"##{syllable}" for syllable in SYLLABLES)]
        names += words(pieces - len(names))
        return json.loads(wordpiece(names).to_str())
    *first, mask = special
    names = ["▁", *MARKS, *SYLLABLES]
    names += (f"▁{word}" for word in words(pieces - len(names) - len(special)))
    scored = [(name, -5 - rank / pieces) for rank, name in enumerate(names)]
    return json.loads(unigram([(t, 0.0) for t in first] + scored + [(mask, 0.0)]).to_str())
