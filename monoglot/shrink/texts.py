"""Text as a person has it: files of several formats, or standard input."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from monoglot.advice import advising
from monoglot.data.sources import texts
from monoglot.data.text import FieldError, valid_text
from monoglot.errors import UserError

STANDARD_INPUT = "-"
FORMATS = {".jsonl": "jsonl", ".parquet": "parquet", ".txt": "lines"}
EVERY, MOST = 50, 500
"""One document in so many is held out, up to so many documents."""


def check_files(files: Sequence[str]) -> None:
    """Raise `UserError` for a file that is not there or whose name says no known format.

    Of standard input there must be one, and only once.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise UserError("standard input (-) is given twice; it can be read only once")
    for name in files:
        if name == STANDARD_INPUT:
            if sys.stdin is None:
                raise UserError("standard input (-) is closed; give it some text, or name a file")
            continue
        if Path(name).is_dir():
            raise UserError(f"{name}: is a folder; name the files in it")
        _format(name)
        if not Path(name).is_file():
            raise UserError(f"{name}: there is no such file")


def read(files: Iterable[str], field: str, limit: int | None = None) -> Iterator[str]:
    """Yield the documents of text files, at most `limit`.

    A line of a .txt or of standard input is a document; of a .jsonl or .parquet the field `field`
    of an object or row is one. Files may be compressed with gzip. Raises `UserError` for bad input.
    """
    return islice(chain.from_iterable(_documents(name, field) for name in files), limit)


def _documents(name: str, field: str) -> Iterator[str]:
    if name == STANDARD_INPUT:
        yield from _standard_input()
        return
    with advising(FieldError, "name the one of the text with --field"):
        yield from texts({"format": _format(name), "files": [name], "field": field}, Path())


def _format(name: str) -> str:
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in FORMATS:
        raise UserError(
            f"{name}: its format cannot be told from its name; it must end in "
            f"{', '.join(FORMATS)} (with .gz if it is compressed), or be - for standard input"
        )
    return FORMATS[ending]


def _standard_input() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        where = f"standard input, line {number}"
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise UserError(f"{where}: is not UTF-8") from None
        if text.strip():
            yield valid_text(text, where)


def held_out(documents: Iterable[str], aside: list[str]) -> Iterator[str]:
    """Yield documents, but put one in fifty, at most 500 and the first at least, into `aside`.

    Raises `UserError` at the end if there were not two of them.
    """
    number = -1
    for number, document in enumerate(documents):
        if number % EVERY == 0 and len(aside) < MOST:
            aside.append(document)
        else:
            yield document
    if number < 1:
        raise UserError(
            "the text has fewer than two documents, one of which is held out; give more (each line "
            "of a .txt is one)"
        )
