"""Test sentences in training text: what a model has read before it is tested on it.

Public text often holds the sentences of evaluation sets, which were taken from it. A sentence
counts as part of a document if, but for case, punctuation and white space, it is all of it, or if
it has six words and seven tenths of its runs of four words stand in it. So a corrected word or a
lost one hides nothing, and a sentence of three words that is part of a longer one does not count.
"""

import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from monoglot.errors import UserError

RUN, SHARE = 4, 0.7
"""Words that follow one another, and which share of a sentence's runs must be found."""
FEWEST = 6
"""Words of a sentence that is looked for within documents; shorter ones may be there by chance."""
WORD = re.compile(r"\w+")

Words = tuple[str, ...]


class Sentence(NamedTuple):
    """One of a set of sentences, by its number."""

    set: str
    number: int


class Sentences:
    """Sentences that are looked for in documents, each of which is read once.

    Args:
        sets: sentences, by the name of their set.
    """

    def __init__(self, sets: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[Words, set[Sentence]] = defaultdict(set)
        self._by_run: dict[Words, list[Sentence]] = defaultdict(list)
        self._needed: dict[Sentence, int] = {}
        for name, sentences in sets.items():
            for number, sentence in enumerate(sentences):
                if words := words_of(sentence):
                    self._add(Sentence(name, number), words)

    def held_by(self, document: str) -> set[Sentence]:
        """Return the sentences that are part of a document."""
        words = words_of(document)
        hits: dict[Sentence, int] = defaultdict(int)
        for run in _runs(words):
            for sentence in self._by_run.get(run, ()):
                hits[sentence] += 1
        parts = {sentence for sentence, count in hits.items() if count >= self._needed[sentence]}
        return parts | self._whole.get(words, set())

    def _add(self, sentence: Sentence, words: Words) -> None:
        self._whole[words].add(sentence)
        if len(words) >= FEWEST:
            runs = _runs(words)
            self._needed[sentence] = math.ceil(SHARE * len(runs))
            for run in runs:
                self._by_run[run].append(sentence)


def words_of(text: str) -> Words:
    """Return the words of a text, in one form of Unicode and in lower case."""
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def found_in(documents: Iterable[str], sets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Count, by set, the sentences that occur in documents, which are read once."""
    sentences = Sentences(sets)
    found = {one for document in documents for one in sentences.held_by(document)}
    return {name: sum(one.set == name for one in found) for name in sets}


def repeated(train: Iterable[str], test: Sequence[str]) -> int:
    """Count the test sentences that are among those of training, but for case and punctuation."""
    known = set(map(words_of, train))
    return sum(words_of(sentence) in known for sentence in test)


def _runs(words: Words) -> set[Words]:
    return {words[start : start + RUN] for start in range(len(words) - RUN + 1)}


# What is known of a language's sets


class Overlap(BaseModel):
    """How many sentences of a set a model may have read before it is tested on them.

    Args:
        task: whose sentences they are, or `validation` for those of the masked-LM loss.
        split: which of the task's; `""` of validation.
        within: where they were looked for.
        found: how many of them are there.
        sentences: how many there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    split: Literal["dev", "test", ""]
    within: Literal["text", "train"]
    found: int
    sentences: int

    def __str__(self) -> str:
        which = f"{self.split} sentences of {self.task}" if self.split else "validation sentences"
        where = "are in its train" if self.within == "train" else "are in the text"
        return f"{self.found:,} of {self.sentences:,} {which} {where}"


OVERLAPS = TypeAdapter(list[Overlap])


def overlaps(
    tasks: Mapping[str, Mapping[str, Sequence[str]]],
    text: Iterable[str],
    validation: Sequence[str] = (),
) -> list[Overlap]:
    """Count what a language's text and training examples hold of what is tested and validated.

    Args:
        tasks: by task, and within by split, its sentences.
        text: the documents that models are trained on; read once.
        validation: the documents of the masked-LM validation loss.
    """
    sets = {(task, split): s[split] for task, s in tasks.items() for split in ("dev", "test")}
    if validation:
        sets["validation", ""] = validation
    found = {
        (task, "test", "train"): repeated(splits["train"], splits["test"])
        for task, splits in tasks.items()
    }
    counts = found_in(text, {" ".join(key): said for key, said in sets.items()})
    found |= {(*key, "text"): counts[" ".join(key)] for key in sets}
    return [
        Overlap(task=task, split=split, within=within, found=n, sentences=len(sets[task, split]))
        for (task, split, within), n in found.items()
    ]


def said_of(language: str, rows: Iterable[Overlap]) -> list[str]:
    """Say what was found of a language, a sentence a row; nothing of rows without any."""
    return [f"{language}: {row}" for row in rows if row.found]


def write_overlaps(path: Path, rows: Iterable[Overlap]) -> None:
    """Write rows as JSON."""
    lines = [row.model_dump() for row in rows]
    path.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def read_overlaps(path: Path) -> list[Overlap]:
    """Read what `write_overlaps` wrote; raise `UserError` if it is not that."""
    try:
        return OVERLAPS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        said = str(error).splitlines()[0]
        raise UserError(f"{path}: holds no counts of sentences ({said}); count again") from None
