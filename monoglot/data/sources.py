"""From a source block of the configuration to texts and examples.

A source says where the data lies and in what form:

    {format: F, files: ...}                           files below the root folder
    {hub: ID, revision: HASH, format: F, files: ...}  files of a data set's repository on the Hub
    {url: ADDRESS, format: F, files: ...}             files of a folder on the web

Text: `files` is a list, of names or of {path, limit_megabytes, sha256}; on the Hub a name may have
wildcards; `field` names the column or JSON field of the text; `limit` is the largest number of
documents; `part` leaves out the documents that are held out, or all others. Tasks: `files` names
train, dev and test, as does `sha256` for the web; `fields` and `names` say which columns hold text
and label (or tokens and tags), and what their numbers mean; `drop_labels` leaves examples out. With
the format `parallel`, `files` names source and target, of which each line translates the other's.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import yaml

from monoglot.data import hub
from monoglot.data import readers as rows
from monoglot.data.readers import (
    CLASSIFICATION_FORMATS,
    SPLITS,
    TAGGING_FORMATS,
    TEXT_FORMATS,
    Example,
    ParallelExample,
    TextExample,
)
from monoglot.errors import UserError

Source = Mapping[str, Any]

BYTES_PER_MEGABYTE = 1_000_000
HELD_OUT_EVERY, MOST_HELD_OUT = 50, 500
"""One document in so many is held out of a source with `part`, up to so many documents."""
PARQUET, PARALLEL = "parquet", "parallel"
SIDES = ("source", "target")
FILE_KEYS = ("path", "limit_megabytes", "sha256")
PLACES = {"hub", "revision", "url", "format", "files", "license"}
TEXT_KEYS = PLACES | {"field", "limit", "part"}
TAGGED_KEYS = PLACES | {"sha256", "fields", "names"}
PARALLEL_KEYS = PLACES | {"sha256"}
LABELLED_KEYS = TAGGED_KEYS | {"drop_labels"}


def parse_source(text: str) -> Source:
    """Return the source block that `text` holds as YAML or JSON."""
    try:
        source = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"source: is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(source, Mapping):
        raise UserError(
            f"source: is '{text}'; it must be a block such as {{format: ..., files: ...}}"
        )
    return source


def files_of(source: Source) -> Iterator[tuple[str, str | None]]:
    """Yield the name or pattern, and the SHA-256 or None, of each file that a source names."""
    files = source.get("files", [])
    if isinstance(files, Mapping):
        for split, names in files.items():
            for name in [names] if isinstance(names, str) else names:
                yield name, source.get("sha256", {}).get(split)
        return
    for file in files:
        yield (file, None) if isinstance(file, str) else (file["path"], file.get("sha256"))


def local_files(source: Source, root: Path) -> list[Path]:
    """Return where the files of a source lie on this machine; none if they are on the Hub."""
    return [] if "hub" in source else [root / name for name, _ in files_of(source)]


def texts(source: Source, root: Path) -> Iterator[str]:
    """Yield the documents of a text source, at most `limit`; raise `UserError` for bad input."""
    _check_keys(source, TEXT_KEYS)
    found = islice(_texts_of_files(source, root), source.get("limit"))
    if source.get("part") is None:
        return found
    wanted = source["part"] == "heldout"
    return (text for number, text in enumerate(found) if is_held_out(number) == wanted)


def is_held_out(number: int) -> bool:
    """Whether a document, counted from 0, is one of the few that nothing is trained on."""
    return number % HELD_OUT_EVERY == 0 and number < HELD_OUT_EVERY * MOST_HELD_OUT


def text_examples(
    source: Source, split: str, labels: Sequence[str], root: Path
) -> Iterator[TextExample]:
    """Yield the examples of one split of a classification source."""
    _check_keys(source, LABELLED_KEYS)
    dropped = source.get("drop_labels", [])
    fields, names = source.get("fields", {}), source.get("names")
    found = (
        rows.labelled(part, fields, names)
        if isinstance(part, rows.RawTable)
        else _reader(source, CLASSIFICATION_FORMATS)(part)
        for part in _parts(source, split, root)
    )
    for where, text, label in chain.from_iterable(found):
        if label in dropped:
            continue
        if label not in labels:
            raise UserError(
                f"{where}: the label is '{label}'; it must be one of {', '.join(labels)}"
            )
        if not text.strip():
            raise UserError(f"{where}: there is a label but no text")
        yield TextExample(text, label)


def tagged_examples(
    source: Source, split: str, tags: Sequence[str], root: Path
) -> Iterator[Example]:
    """Yield the sentences of one split of a tagging source."""
    _check_keys(source, TAGGED_KEYS)
    for part in _parts(source, split, root):
        if isinstance(part, rows.RawTable):
            yield from rows.tagged(part, source.get("fields", {}), source.get("names"), tags)
        else:
            yield from _reader(source, TAGGING_FORMATS)(part, tags)


def parallel_examples(source: Source, root: Path) -> Iterator[ParallelExample]:
    """Yield the sentences of a parallel source with their translations."""
    _check_keys(source, PARALLEL_KEYS)
    if source["format"] != PARALLEL:
        raise UserError(
            f"format: is '{source['format']}'; for sentences and their translations it must be "
            f"{PARALLEL}"
        )
    return rows.read_parallel(*([*_named_paths(source, side, SIDES, root)] for side in SIDES))


def _texts_of_files(source: Source, root: Path) -> Iterator[str]:
    if not isinstance(source["files"], list):
        raise UserError(f"files: is '{source['files']}'; it must be a list of text files")
    for entry in source["files"]:
        entry = entry if isinstance(entry, Mapping) else {"path": entry}
        if "path" not in entry or not set(entry) <= set(FILE_KEYS):
            raise UserError(f"files: has {dict(entry)}; it must have {' and '.join(FILE_KEYS)}")
        paths = _paths(source, entry["path"], entry.get("sha256"), root)
        # Whole documents, while their UTF-8 stays within the limit.
        left = (entry.get("limit_megabytes") or math.inf) * BYTES_PER_MEGABYTE
        for document in chain.from_iterable(_texts_of_file(source, path) for path in paths):
            left -= len(document.encode("utf-8"))
            if left < 0:
                break
            yield document


def _texts_of_file(source: Source, path: Path) -> Iterator[str]:
    field = source.get("field", "content")
    if source["format"] == PARQUET:
        return rows.texts(rows.parquet_table(path), field)
    return _reader(source, TEXT_FORMATS)(path, field)


def _parts(source: Source, split: str, root: Path) -> Iterator[rows.RawTable | Path]:
    """Yield what one split is read from: tables, or files in one of the published formats."""
    for path in _named_paths(source, split, SPLITS, root):
        yield rows.parquet_table(path) if source["format"] == PARQUET else path


def _named_paths(source: Source, part: str, parts: Sequence[str], root: Path) -> Iterator[Path]:
    """Yield the files of a source's part, a split or a side; `files` must name all `parts`."""
    files = source["files"]
    if not isinstance(files, Mapping) or set(files) != set(parts):
        raise UserError(f"files: must name {', '.join(parts)}; the source has {files}")
    names, sha256 = files[part], source.get("sha256", {}).get(part)
    for name in [names] if isinstance(names, str) else names:
        yield from _paths(source, name, sha256, root)


def _paths(source: Source, name: str, sha256: str | None, root: Path) -> Iterator[Path]:
    """Yield where the files lie that a name stands for; each is fetched when its turn comes."""
    if "hub" in source:
        repository = hub.Repository("datasets", source["hub"], source.get("revision"))
        for path in hub.names(repository, name):
            yield hub.fetch(repository, path)
    elif "url" in source:
        yield hub.fetch_url(hub.address(source["url"], name, sha256), root / name, sha256)
    else:
        yield root / name


def _reader(source: Source, readers: Mapping[str, Any]) -> Any:
    if source["format"] not in readers:
        raise UserError(
            f"format: '{source['format']}' is not known here; "
            f"it must be one of {', '.join([*readers, PARQUET])}"
        )
    return readers[source["format"]]


def _check_keys(source: Source, keys: set[str]) -> None:
    unknown = sorted(set(source) - keys)
    if unknown:
        raise UserError(
            f"source: the key '{unknown[0]}' is not known; it may have {', '.join(sorted(keys))}"
        )
    if not {"format", "files"} <= set(source) or {"hub", "url"} <= set(source):
        raise UserError(
            f"source: has {', '.join(source) or 'nothing'}; it must have either format and "
            "files, or hub and revision with them, or url with them"
        )
