"""What a linear tagger sees of a word: its spelling, its shape, and the words around it."""

import re
from collections.abc import Iterator, Sequence

NGRAM_SIZES = range(1, 6)
WINDOW = (-2, -1, 1, 2)
BEFORE, AFTER = "<s>", "</s>"


def word_features(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the features of each word of a sentence, as texts.

    They are the word as written and in lower case, its shape, its character n-grams (1 to 5, with
    the word's edges marked by `<` and `>`), the two words before and after it, and of its direct
    neighbours also the shape, the last three letters, and the pair with the word itself.
    """
    margin = max(WINDOW)
    padded = [*[BEFORE] * margin, *words, *[AFTER] * margin]
    lower = [word.lower() for word in padded]
    shapes = [shape(word) for word in padded]
    for at in range(margin, margin + len(words)):
        features = [f"word={padded[at]}", f"lower={lower[at]}", f"shape={shapes[at]}"]
        features += [f"chars={ngram}" for ngram in _ngrams(f"<{lower[at]}>")]
        features += [f"lower{by:+d}={lower[at + by]}" for by in WINDOW]
        for by in (-1, 1):
            features.append(f"shape{by:+d}={shapes[at + by]}")
            features.append(f"end{by:+d}={lower[at + by][-3:]}")
        features.append(f"pair-1={lower[at - 1]} {lower[at]}")
        features.append(f"pair+1={lower[at]} {lower[at + 1]}")
        yield features


def shape(word: str) -> str:
    """Return a word with `X` for capitals, `x` for other letters and `0` for digits.

    Runs of more than two are cut to two: `Valletta` is `Xxx`, `2025` is `00`.
    """
    letters = re.sub(r"[^\W\d_]", lambda match: "X" if match[0].isupper() else "x", word)
    return re.sub(r"(.)\1+", r"\1\1", re.sub(r"\d", "0", letters))


def _ngrams(word: str) -> list[str]:
    starts = range(len(word))
    return [word[at : at + size] for size in NGRAM_SIZES for at in starts[: len(word) - size + 1]]
