"""Labelled examples, and which labels they may carry."""

import csv
import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from monoglot.errors import AdvisedError, UserError, first_line

SPLITS = ("train", "dev", "test")
OUTSIDE = "O"
"""Tag of words outside entities, and the prediction for words that no sub-token stands for."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a task; its attributes, texts or tuples of texts, are columns on disk."""


@dataclass(frozen=True, slots=True)
class TextExample(Example):
    """A text with one label (classification)."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class TaggedExample(Example):
    """The words of a sentence with one tag each (tagging); both tuples have the same length."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParallelExample(Example):
    """A sentence and its translation (retrieval)."""

    source: str
    target: str


def tag_inventory(labels: Sequence[str], scheme: str) -> list[str]:
    """List the tags that `labels` stand for.

    `plain`: the labels themselves. `iob2`: `O`, then `B-` and `I-` of each label; an `I-` without
    its `B-` is a tag like any other.
    """
    if scheme == "plain":
        return list(labels)
    if scheme == "iob2":
        return [OUTSIDE, *(f"{edge}-{label}" for label in labels for edge in "BI")]
    raise UserError(f"scheme: '{scheme}' is not known; it must be plain or iob2")


# Lines of a text file, plain or gzip, as strict UTF-8 and in bounded memory.

GZIP_MAGIC = b"\x1f\x8b"
ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""First bytes of what is not unpacked here; none of them begins a text."""
NO_DATA = {
    re.compile(r"version https://git-lfs\.github\.com/spec/"): (
        "the pointer of Git LFS to a file, not the file; `git lfs pull` fetches it"
    ),
    re.compile(r"(/|\.\./|\.git/)*annex/objects/\S+$"): (
        "the pointer of git-annex to a file, not the file; `git annex get` fetches it"
    ),
    re.compile(r"(?i)<(!--|(!doctype|html|head|body|\?xml|error)\b)"): (
        "a web page or another document of tags, perhaps a server's error, and no data; fetch the "
        "file again"
    ),
    re.compile(
        r"(?i)(([45]\d\d:? )?((page|entry|repository) )?(not found|forbidden|unauthorized)"
        r"|access denied|50\d (internal|bad|service|gateway) [a-z -]+)\.?$"
    ): "a server's error, and no data; fetch the file again",
    re.compile(r"%PDF-|\{\\rtf"): "of a document with its layout, and no data; save it as text",
}
"""How the first line with text begins of what is no data, and what it is."""
LONGEST_LINE = 1 << 28
"""Bytes; no document is longer, but a small gzip file can unpack to a line that fills memory."""
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its LF or CRLF).

    Raises `UserError` if the file is missing, its gzip is broken, it is another archive, or a line
    is not UTF-8 or has more than 256 MiB, and as `lines_of` does.
    """
    for number, line in enumerate(raw_lines(path), start=1):
        yield number, line.removesuffix("\n").removesuffix("\r")


def raw_lines(path: Path) -> Iterator[str]:
    """Yield the lines with their ends. Only LF ends a line, unlike in `str.splitlines`."""
    try:
        with open(path, "rb") as file:
            start = file.read(6)
        for magic, name in ARCHIVES.items():
            if start.startswith(magic):
                raise UserError(
                    f"{path}: is a {name} archive; unpack it, only gzip is read as it is"
                )
        opened = gzip.open if start.startswith(GZIP_MAGIC) else open
        with opened(path, "rb") as file:
            yield from lines_of(file, str(path))
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such file; the source's `files` must name files below `root`"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); it must be a file") from None


def lines_of(file: IO[bytes], name: str) -> Iterator[str]:
    """Yield the lines of an open file with their ends, without a mark of byte order before all.

    Raises `UserError` if a line is too long, not UTF-8 or has a zero byte, as UTF-16 does, if the
    first one with text is that of something else than data (`NO_DATA`), or if gzip breaks off.
    """
    begun, number = False, 0
    lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
    try:
        for number, line in enumerate(lines, start=1):
            where = f"{name}, line {number}"
            if len(line) > LONGEST_LINE:
                raise UserError(
                    f"{where}: has more than {LONGEST_LINE >> 20} MiB; it must be text, one "
                    "document or row a line"
                )
            text = line.decode("utf-8")
            text = text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text
            if "\0" in text:
                raise UserError(f"{where}: holds a zero byte; it must be text, saved as UTF-8")
            if not begun and (begun := bool(text.strip())):
                check_is_data(text, where)
            yield text
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name}, line {number}, byte {error.start + 1}: is not UTF-8; save the file as UTF-8"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UserError(
            f"{name}: the gzip file is broken after line {number}; fetch it again"
        ) from None


def check_is_data(start: str, where: str) -> None:
    """Raise `UserError` if a file that starts like this holds no data."""
    for pattern, what in NO_DATA.items():
        if pattern.match(start.strip()):
            raise UserError(f"{where}: is {what}")


# Published formats of word tagging; each reader yields one sentence at a time.

LANGUAGE_PREFIX = re.compile(r"[a-z][a-z-]*:(?=.)")
MARKS = {
    "-DOCSTART-": "the mark of a new document, which is no word",
    BYTE_ORDER_MARK: "a mark of byte order, as where files were joined",
}

NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")

# (line number, word, tag); word and tag are empty at the end of a sentence
Row = tuple[int, str, str]


def read_wikiann(path: Path, tags: Collection[str]) -> Iterator[TaggedExample]:
    """Read WikiANN (Pan et al., 2017; Rahimi et al., 2019): `xx:token<TAB>tag` or `token tag`.

    If a tenth of the words have the same language prefix (of a few words, half of them), all must
    have it, and it goes. Otherwise those are words that merely look like it, and stay whole.
    """
    rows = list(_two_columns(path))
    words = [word for _, word, _ in rows if word]
    prefixes = Counter(found.group() for found in map(LANGUAGE_PREFIX.match, words) if found)
    prefix, count = next(iter(prefixes.most_common(1)), ("", 0))
    if count < max(len(words) / 10, min(10, len(words) / 2)):
        prefix = ""
    for number, word, _ in rows:
        if word and not word.startswith(prefix):
            raise UserError(
                f"{path}, line {number}: the word '{word}' does not begin with '{prefix}' as "
                f"{count:,} of the file's {len(words):,} words do; it must, or none of them"
            )
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
        for mark, what in MARKS.items():
            if row[0].startswith(mark):
                raise UserError(f"{path}, line {number}: begins with {what}; remove it")
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
            if not row[1].strip():
                raise UserError(f"{path}, line {number}: there is no word in the second column")
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


# Formats of running text; each reader yields one document (or sentence) at a time.

OTHER_FIELD = "name the one of the text as `field` of the source"


class FieldError(AdvisedError):
    """The field or column that the text was to be in is not there."""


def read_lines(path: Path, field: str) -> Iterator[str]:
    """Yield each line that is not empty; `field` plays no part."""
    return (line for _, line in numbered_lines(path) if line.strip())


def read_jsonl(path: Path, field: str) -> Iterator[str]:
    """Yield the text in `field` of each line's JSON object; null and empty texts are left out.

    Raises `UserError` for a line that is not a JSON object, or lacks the text that lines before it
    have; `FieldError` if the first one lacks it.
    """
    known = False
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        record = _object(line, field, where)
        text = record.get(field, 0)  # a null is there, and is a text that is missing
        if isinstance(text, str):
            known = True
            if text.strip():
                yield valid_text(text, where)
        elif text is not None and known:
            found = f"holds {_brief(text)}" if field in record else "is not there"
            raise UserError(
                f"{where}: the field '{field}' {found}; it must hold text, or null for none"
            )
        elif text is not None:
            raise FieldError(
                f"{where}: has no text in the field '{field}'; its fields are "
                f"{', '.join(record) or 'none'}",
                OTHER_FIELD,
            )


def _object(line: str, field: str, where: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            ((name, count),) = Counter(name for name, _ in pairs).most_common(1)
            raise UserError(f"{where}: has the field '{name}' {count} times; it must have it once")
        return found

    def constant(name: str) -> None:
        raise UserError(f"{where}: holds {name}, which JSON does not have; write null")

    try:
        record = json.loads(line, object_pairs_hook=unique, parse_constant=constant)
    except json.JSONDecodeError:
        raise UserError(f"{where}: is not valid JSON; each line must be one object") from None
    except RecursionError:
        raise UserError(
            f"{where}: is not valid JSON, or its brackets are nested too deeply to be read; each "
            "line must be one object"
        ) from None
    except ValueError:  # Python's limit of digits
        raise UserError(
            f"{where}: holds a number of thousands of digits; put it in quotes if it is a text"
        ) from None
    if not isinstance(record, dict):
        raise UserError(f"{where}: must be a JSON object with the field '{field}'")
    return record


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def valid_text(text: str, where: str) -> str:
    """Return `text`; raise `UserError` if it holds half a surrogate pair, as JSON's escapes may."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"{where}: character {error.start + 1} of the text is half a surrogate pair; "
            "it must be valid Unicode"
        ) from None
    return text


TEXT_FORMATS = {"lines": read_lines, "jsonl": read_jsonl}


# Data that lies in named columns: parquet files.

WHOLE = re.compile(r"(0|[1-9][0-9]{0,8})(\.0+)?")

BATCH_ROWS = 1024


@dataclass(frozen=True)
class RawTable:
    """Rows with, by column, the names that stand for numbers (none where text is stored).

    `rows` yields the rows with the given columns alone, in constant memory; what it is not asked
    for is not read from the disk.
    """

    where: str
    columns: Mapping[str, Sequence[str] | None]
    rows: Callable[[Sequence[str]], Iterator[dict[str, Any]]]


def parquet_table(path: Path) -> RawTable:
    """Open a parquet file; raise `UserError` if it is missing or not parquet."""
    import datasets
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
        features = datasets.Features.from_arrow_schema(file.schema_arrow)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    # What the library makes of damaged metadata can be any error.
    except Exception:
        if path.is_file():
            with open(path, "rb") as start:
                check_is_data(start.read(1000).decode("utf-8", "replace").split("\n")[0], str(path))
        raise UserError(
            f"{path}: is not a parquet file, or it is damaged; fetch it again"
        ) from None

    (name, count), *_ = Counter(file.schema_arrow.names).most_common(1) or [("", 0)]
    if count > 1:
        raise UserError(f"{path}: {count} columns are called '{name}'; rename all but one of them")

    def rows(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = first_line(error)
            raise UserError(f"{path}: the parquet file is broken ({reason})") from None

    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    columns = {name: getattr(feature, "names", None) for name, feature in inner.items()}
    return RawTable(str(path), columns, rows)


def texts(table: RawTable, field: str) -> Iterator[str]:
    """Yield the texts of column `field`; missing and empty ones are left out.

    Raises `FieldError` if there is no such column, or it holds something else than text.
    """
    if field not in table.columns:
        raise FieldError(_no_column(table, field), OTHER_FIELD)
    for number, row in enumerate(table.rows([field]), start=1):
        where = f"{table.where}, row {number}"
        text = row[field]
        if text is not None and not isinstance(text, str):
            raise FieldError(f"{where}: the column '{field}' holds no text", OTHER_FIELD)
        if text and text.strip():
            yield valid_text(text, where)


def labelled(
    table: RawTable, fields: Mapping[str, str], names: Sequence[str] | None
) -> Iterator[tuple[str, str, str]]:
    """Yield (where, text, label) from the columns that `fields` gives for `text` and `label`."""
    text, label = fields.get("text", "text"), fields.get("label", "label")
    _check_column(table, text)
    stored = _check_column(table, label)
    name = _naming(names or stored)
    for number, row in enumerate(table.rows([text, label]), start=1):
        where = f"{table.where}, row {number}"
        content = row[text]
        if content is not None and not isinstance(content, str):
            raise UserError(
                f"{where}: the column '{text}' holds {_brief(content)}; it must hold text, name "
                "another as `fields` of the source"
            )
        yield where, content or "", name(row[label], where)


def tagged(
    table: RawTable, fields: Mapping[str, str], names: Sequence[str] | None, tags: Collection[str]
) -> Iterator[TaggedExample]:
    """Yield sentences from the columns that `fields` gives for `tokens` and `tags`."""
    word_field, tag_field = fields.get("tokens", "tokens"), fields.get("tags", "tags")
    _check_column(table, word_field)
    stored = _check_column(table, tag_field)
    name = _naming(names or stored)
    for number, row in enumerate(table.rows([word_field, tag_field]), start=1):
        where = f"{table.where}, row {number}"
        words = _list(row[word_field], word_field, where)
        for place, word in enumerate(words, start=1):
            if not isinstance(word, str) or not word.strip(" \t\r\n"):
                raise UserError(
                    f"{where}: word {place} of the column '{word_field}' is {word!r}; it must be "
                    "text, and not empty"
                )
        gold = [name(value, where) for value in _list(row[tag_field], tag_field, where)]
        if not words or len(words) != len(gold):
            raise UserError(
                f"{where}: has {len(words)} words and {len(gold)} tags; every word needs one tag"
            )
        for tag in gold:
            check_tag(tag, tags, where)
        yield TaggedExample(tuple(words), tuple(gold))


def _list(value: Any, column: str, where: str) -> list:
    if value is not None and not isinstance(value, list):
        raise UserError(f"{where}: the column '{column}' must hold lists; it holds '{value}'")
    return value or []


def _check_column(table: RawTable, column: str) -> Sequence[str] | None:
    if column not in table.columns:
        raise UserError(f"{_no_column(table, column)}; name others as `fields` of the source")
    return table.columns[column]


def _no_column(table: RawTable, column: str) -> str:
    return f"{table.where}: has no column '{column}'; it has {', '.join(table.columns)}"


def _naming(names: Sequence[str] | None) -> Callable[[Any, str], str]:
    """Return what names one label of a table after the other, all numbers or all names."""
    kinds = set()

    def name(value: Any, where: str) -> str:
        found = _name(value, names, where)
        kinds.add(found == value)
        if len(kinds) > 1:
            raise UserError(
                f"{where}: the label is {_brief(value)}; the labels of a table must be all names "
                "or all numbers, and those before are of the other kind"
            )
        return found

    return name


def _name(value: Any, names: Sequence[str] | None, where: str) -> str:
    """Return a label as text: itself, or the one of `names` that its number stands for.

    Libraries make other numbers of whole ones: 1.0 of 1 beside missing ones, `1` as a text.
    """
    if value is None or value != value:
        raise UserError(f"{where}: has no label; give it one, or leave the example out")
    if isinstance(value, str) and (not names or value in names):
        return value
    number = _whole(value)
    if number is not None and 0 <= number < len(names or []):
        return names[number]
    if isinstance(value, str):
        return value  # whoever knows all labels refuses it
    if not names:
        raise UserError(
            f"{where}: the label is {_brief(value)}, which has no name; "
            "give the names of 0, 1, ... as `names` in the source"
        )
    raise UserError(
        f"{where}: the label is {_brief(value)}; it must be a whole number from 0 to "
        f"{len(names) - 1}, as there are {len(names)} names, or one of {', '.join(names)}"
    )


def _whole(value: Any) -> int | None:
    """Return the whole number that a label is, in any type or as a text; None if it is none."""
    text = str(value).lower()
    text = {"false": "0", "true": "1"}.get(text, text)
    return int(float(text)) if WHOLE.fullmatch(text) else None


# Published formats of text classification; each reader yields (where, text, label).

POLARITY = ("negative", "positive")

Labelled = tuple[str, str, str]


def read_sib200(path: Path) -> Iterator[Labelled]:
    """Read SIB-200 (Adelani et al., 2024): TSV `index_id category text`, nothing quoted."""
    for where, row in _tsv(path, [["index_id", "category", "text"]]):
        yield where, row["text"], row["category"]


def read_afrisenti(path: Path) -> Iterator[Labelled]:
    """Read AfriSenti (Muhammad et al., 2023): TSV `tweet label`, with or without `ID` before."""
    for where, row in _tsv(path, [["tweet", "label"], ["ID", "tweet", "label"]]):
        yield where, row["tweet"], row["label"]


def read_sentiment(path: Path) -> Iterator[Labelled]:
    """Read binary sentiment: CSV of label (0 negative, 1 positive) and text.

    Quoted texts may hold line breaks. A first row that names the columns `label` and `text`, in
    either order, is understood.
    """
    label, text = 0, 1
    for number, (where, row) in enumerate(_csv(path)):
        if len(row) != 2:
            raise UserError(f"{where}: has {len(row)} columns; it must have two, label and text")
        if not number and set(row) == {"label", "text"}:
            label, text = row.index("label"), row.index("text")
            continue
        value = _whole(row[label])
        if value not in (0, 1):
            raise UserError(
                f"{where}: the label is '{row[label]}'; it must be 0 (negative) or 1 (positive)"
            )
        yield where, row[text], POLARITY[value]


def _tsv(path: Path, headers: list[list[str]]) -> Iterator[tuple[str, dict[str, str]]]:
    names: list[str] = []
    for number, line in numbered_lines(path):
        row, where = line.split("\t"), f"{path}, line {number}"
        if number == 1:
            names = row
            if names not in headers:
                wanted = " or ".join(" ".join(header) for header in headers)
                raise UserError(
                    f"{where}: the header is '{' '.join(names)}'; it must be '{wanted}', "
                    "separated by tabs"
                )
        elif len(row) != len(names):
            raise UserError(
                f"{where}: has {len(row)} columns; it must have {len(names)}, "
                f"{', '.join(names)}, separated by tabs"
            )
        else:
            yield where, dict(zip(names, row, strict=True))


def _csv(path: Path) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(raw_lines(path), strict=True)
    while True:
        where = f"{path}, line {reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{where}: is not valid CSV ({error}); check its quotes") from None
        if row:
            yield where, row


CLASSIFICATION_FORMATS = {
    "sib200": read_sib200,
    "sentiment": read_sentiment,
    "afrisenti": read_afrisenti,
}


# Sentences and their translations: two files, line by line.


def read_parallel(sources: Sequence[Path], targets: Sequence[Path]) -> Iterator[ParallelExample]:
    """Yield line after line of some files, each with the line of others that translates it.

    Raises `UserError` if a line is empty, or one side has more lines than the other.
    """

    def sentences(files: Iterable[Path]) -> Iterator[str]:
        for file in files:
            for number, line in numbered_lines(file):
                if not (sentence := line.strip()):
                    raise UserError(
                        f"{file}, line {number}: is empty; it must hold a sentence, or the other "
                        "side has one without its translation"
                    )
                yield sentence

    sides = map(sentences, (sources, targets))
    for number, (source, target) in enumerate(zip_longest(*sides), start=1):
        if source is None or target is None:
            short, long = (sources, targets) if source is None else (targets, sources)
            raise UserError(
                f"{short[-1]}: ends after {number - 1:,} sentences, but {long[-1]} goes on; line "
                "by line, one must be the translation of the other"
            )
        yield ParallelExample(source, target)
