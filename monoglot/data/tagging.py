"""Published formats of word tagging; each reader yields one sentence at a time."""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from monoglot.data.examples import TaggedExample
from monoglot.data.lines import numbered_lines
from monoglot.errors import UserError

LANGUAGE_PREFIX = re.compile(r"([a-z][a-z-]*:)?")

NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")

# (line number, word, tag); word and tag are empty at the end of a sentence
Row = tuple[int, str, str]


def read_wikiann(path: Path, tags: Collection[str]) -> Iterator[TaggedExample]:
    """Read WikiANN (Pan et al., 2017; Rahimi et al., 2019): `xx:token<TAB>tag` or `token tag`.

    The language prefix goes only if every token of the file has the same one, so that tokens
    which merely look like it stay whole.
    """
    rows = list(_two_columns(path))
    prefixes = {LANGUAGE_PREFIX.match(token).group() for _, token, _ in rows if token}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    return _sentences(path, ((n, word.removeprefix(prefix), tag) for n, word, tag in rows), tags)


def read_token_tag(path: Path, tags: Collection[str]) -> Iterator[TaggedExample]:
    """Read `token tag` lines with a blank line between sentences (MasakhaPOS, MasakhaNER)."""
    return _sentences(path, _two_columns(path), tags)


def read_conllu(path: Path, tags: Collection[str]) -> Iterator[TaggedExample]:
    """Read the words and universal part-of-speech tags (UPOS) of CoNLL-U.

    Multiword tokens (`3-4`) and empty nodes (`3.1`) are no words of the sentence. Words must be
    numbered from 1 within each sentence, so that a lost row or blank line is noticed.
    """
    return _sentences(path, _conllu_rows(path), tags)


def _two_columns(path: Path) -> Iterator[Row]:
    for number, line in numbered_lines(path):
        if not line.strip():
            yield number, "", ""
            continue
        row = line.split("\t" if "\t" in line else " ")
        if len(row) != 2 or not all(row):
            raise UserError(
                f"{path}, line {number}: is '{line}'; it must be a word and its tag, separated by "
                "one tab or one space"
            )
        yield number, row[0], row[1]


def _conllu_rows(path: Path) -> Iterator[Row]:
    expected = 1
    for number, line in numbered_lines(path):
        if not line.strip():
            yield number, "", ""
            expected = 1
        elif not line.startswith("#"):
            row = line.split("\t")
            if len(row) != 10:
                raise UserError(
                    f"{path}, line {number}: has {len(row)} columns; a CoNLL-U row has 10, "
                    "separated by tabs"
                )
            if NO_WORD.fullmatch(row[0]):
                continue
            if row[0] != str(expected):
                raise UserError(
                    f"{path}, line {number}: the word's number is '{row[0]}'; it must be "
                    f"{expected}, so a row or a blank line before it is missing or one too many"
                )
            expected += 1
            yield number, row[1], row[3]


def _sentences(path: Path, rows: Iterable[Row], tags: Collection[str]) -> Iterator[TaggedExample]:
    words: list[str] = []
    gold: list[str] = []
    for number, word, tag in rows:
        if word or tag:
            if not word:
                raise UserError(f"{path}, line {number}: there is a tag but no word")
            check_tag(tag, tags, f"{path}, line {number}")
            words.append(word)
            gold.append(tag)
        elif words:
            yield TaggedExample(tuple(words), tuple(gold))
            words, gold = [], []
    if words:
        yield TaggedExample(tuple(words), tuple(gold))


def check_tag(tag: str, tags: Collection[str], where: str) -> None:
    """Raise `UserError` unless `tag` is one of the task's `tags`."""
    if tag not in tags:
        raise UserError(f"{where}: the tag is '{tag}'; it must be one of {', '.join(tags)}")


TAGGING_FORMATS = {
    "wikiann": read_wikiann,
    "conllu": read_conllu,
    "token_tag": read_token_tag,
}
