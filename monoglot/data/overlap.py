"""Test sentences in training text: what a model has read before it is tested on it.

Public text often holds the sentences of evaluation sets, which were taken from it. A sentence
counts as part of a document if, but for case, punctuation and white space, it is all of it, or if
it has six words and seven tenths of its runs of four words stand in it. So a corrected word or a
lost one hides nothing, and a sentence of three words that is part of a longer one does not count.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

RUN, SHARE = 4, 0.7
"""Words that follow one another, and which share of a sentence's runs must be found."""
FEWEST = 6
"""Words of a sentence that is looked for within documents; shorter ones may be there by chance."""
WORD = re.compile(r"\w+")

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """Return the words of a text, in one form of Unicode and in lower case."""
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def found_in(documents: Iterable[str], sets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Count, by set, the sentences that occur in documents, which are read once.

    Args:
        documents: the text.
        sets: sentences, by the name of their set.
    """
    whole: dict[Words, set[tuple[str, int]]] = defaultdict(set)
    by_run: dict[Words, list[tuple[str, int]]] = defaultdict(list)
    needed: dict[tuple[str, int], int] = {}
    for name, sentences in sets.items():
        for number, sentence in enumerate(sentences):
            if words := words_of(sentence):
                whole[words].add((name, number))
                runs = _runs(words) if len(words) >= FEWEST else set()
                needed[name, number] = math.ceil(SHARE * len(runs))
                for run in runs:
                    by_run[run].append((name, number))
    found: set[tuple[str, int]] = set()
    for document in documents:
        words = words_of(document)
        found |= whole.get(words, set())
        hits: dict[tuple[str, int], int] = defaultdict(int)
        for run in _runs(words):
            for sentence in by_run.get(run, ()):
                hits[sentence] += 1
        found |= {sentence for sentence, count in hits.items() if count >= needed[sentence]}
    return {name: sum(one == name for one, _ in found) for name in sets}


def repeated(train: Iterable[str], test: Sequence[str]) -> int:
    """Count the test sentences that are among those of training, but for case and punctuation."""
    known = set(map(words_of, train))
    return sum(words_of(sentence) in known for sentence in test)


def _runs(words: Words) -> set[Words]:
    return {words[start : start + RUN] for start in range(len(words) - RUN + 1)}
