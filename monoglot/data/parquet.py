"""Text and examples as parquet files: written once from their source, then read by every stage."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from monoglot.data import sources
from monoglot.data.readers import SPLITS, Example
from monoglot.errors import UserError, first_line
from monoglot.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


GROUP_ROWS = 8192
GROUP_CHARACTERS = 8_000_000
BATCH_ROWS = 1024
AnyExample = TypeVar("AnyExample", bound=Example)


def prepare_text(
    source: sources.Source,
    out: Path,
    root: Path,
    limit: int | None = None,
    wanted: Callable[[str], bool] | None = None,
) -> None:
    """Write the documents of a text source, at most `limit`, to the column `text` of `out`.

    Those that are not `wanted` are left out. Constant memory. Raises `UserError`, and writes
    nothing, for bad or empty input.
    """
    import pyarrow as pa

    documents = islice(sources.texts(source, root), limit)
    if wanted:
        documents = filter(wanted, documents)
    schema = pa.schema([("text", pa.string())])
    tables = ({"text": group} for group in _groups(documents))
    if not _write(out, schema, tables):
        raise UserError(f"{_name(source)}: it holds no text; it must have one document")


def read_texts(path: str | Path) -> Iterator[str]:
    """Yield the documents that `prepare_text` wrote, in constant memory."""
    file, row = _open(path, ("text",)), 0
    batches = file.iter_batches(batch_size=BATCH_ROWS, columns=["text"])
    while True:
        with _sound(path):
            batch = next(batches, None)
            texts = [] if batch is None else batch.column(0).to_pylist()
        if batch is None:
            return
        for text in texts:
            row += 1
            if not isinstance(text, str):
                raise UserError(f"{path}, row {row}: holds no text; read the raw files again")
            yield text


class Readable(Protocol):
    """What of a task says how its examples are read from a source; `Task` does."""

    example: type[Example]
    splits: tuple[str, ...]

    def read(self, source: sources.Source, split: str, root: Path) -> Iterator[Example]:
        """Yield the examples of a split."""


def prepare_task(
    source: sources.Source,
    task: Readable,
    out: Path,
    root: Path,
    caps: Mapping[str, int | None] | None = None,
) -> None:
    """Write the splits of a task's source to `out`.

    The columns are `split` and the attributes of the task's examples. `caps` keeps so many examples
    of a split, evenly spread over it: published files may be sorted by label or topic.
    Raises `UserError`, and writes nothing, for bad input or an empty split.
    """
    import pyarrow as pa

    columns = names_of(task.example)
    texts = pa.list_(pa.string())
    cells = [(f.name, pa.string() if f.type is str else texts) for f in fields(task.example)]
    schema = pa.schema([("split", pa.string()), *cells])
    tables = []
    for split in task.splits:
        examples, cap = list(task.read(source, split, root)), (caps or {}).get(split)
        if cap is not None and cap < len(examples):
            examples = [examples[number * len(examples) // cap] for number in range(cap)]
        if not examples:
            raise UserError(f"{_name(source)}: there is no example in {split}")
        cells = {name: [getattr(example, name) for example in examples] for name in columns}
        tables.append({"split": [split] * len(examples), **cells})
    _write(out, schema, tables)


def read_examples(path: str | Path, split: str, example: type[AnyExample]) -> list[AnyExample]:
    """Return the examples of one split that `prepare_task` wrote, in their order.

    Args:
        example: the class of examples that the file holds.

    Raises:
        UserError: the file is damaged (pages have checksums) or holds something else.
    """
    if split not in SPLITS:
        raise UserError(f"{path}: the split is '{split}'; it must be one of {', '.join(SPLITS)}")
    columns = names_of(example)
    file = _open(path, ("split", *columns))
    with _sound(path):
        rows = file.read(columns=["split", *columns]).to_pylist()
    return [
        _example(row, example, f"{path}, row {number}")
        for number, row in enumerate(rows, start=1)
        if row["split"] == split
    ]


def read_sentences(path: str | Path) -> dict[str, list[str]]:
    """Return what each example of each split says, of whatever kind of task.

    That is its first attribute: its text, or its words, between which there are spaces then.
    Raises `UserError` if the file is damaged or holds something else.
    """
    file = _open(path, ("split",))
    said = next((name for name in file.schema_arrow.names if name != "split"), "split")
    found: dict[str, list[str]] = {split: [] for split in SPLITS}
    with _sound(path):
        rows = file.read(columns=["split", said]).to_pylist()
    for number, row in enumerate(rows, start=1):
        words = [row[said]] if isinstance(row[said], str) else row[said]
        if row["split"] not in found or said == "split" or not _are_texts(words):
            raise UserError(f"{path}, row {number}: holds no example; read the raw files again")
        found[row["split"]].append(" ".join(words))
    return found


def count_examples(path: str | Path) -> dict[str, int]:
    """Return how many examples of each split a file has that `prepare_task` wrote."""
    file = _open(path, ("split",))
    with _sound(path):
        splits = Counter(file.read(columns=["split"]).column(0).to_pylist())
    return {split: splits[split] for split in SPLITS}


def columns_of(path: str | Path) -> list[str]:
    """Return the names of a file's columns."""
    return _open(path, ()).schema_arrow.names


def names_of(example: type[Example]) -> list[str]:
    """Return the columns that examples of a class have on disk."""
    return [field.name for field in fields(example)]


def _example(row: Mapping[str, Any], example: type[AnyExample], where: str) -> AnyExample:
    """Return a row as an example, whose lists must be equally long: a tag for each word."""
    cells: dict[str, str | tuple[str, ...]] = {}
    for field in fields(example):
        cell = row[field.name]
        if field.type is str and isinstance(cell, str):
            cells[field.name] = cell
        elif field.type is not str and _are_texts(cell):
            cells[field.name] = tuple(cell)
    lists = {len(cell) for cell in cells.values() if isinstance(cell, tuple)}
    if len(cells) < len(fields(example)) or len(lists) > 1:
        wanted = " with ".join(names_of(example))
        raise UserError(f"{where}: holds no {wanted}; read the raw files again")
    return example(**cells)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _groups(documents: Iterable[str]) -> Iterator[list[str]]:
    """Split the documents into row groups that are small in rows and in text."""
    group: list[str] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document)
        if len(group) == GROUP_ROWS or characters >= GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _write(out: Path, schema: "pa.Schema", tables: Iterable[dict[str, list[Any]]]) -> bool:
    """Write each table as a row group; if there is none, write no file and return False."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = iter(tables)
    first = next(tables, None)
    if first is None:
        return False
    options = {"compression": "zstd", "write_page_checksum": True}
    with whole_file(out) as aside, pq.ParquetWriter(aside, schema, **options) as writer:
        for table in chain([first], tables):
            writer.write_table(pa.table(table, schema=schema))
    return True


@contextmanager
def _sound(path: str | Path) -> Iterator[None]:
    """Turn what a damaged file raises while it is read into one sentence."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = first_line(error)
        raise UserError(f"{path}: is damaged ({reason}); read the raw files again") from None


def _open(path: str | Path, columns: tuple[str, ...]) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UserError(f"{path}: is not a parquet file, or it is damaged") from None
    for column in columns:
        if column not in file.schema_arrow.names:
            raise UserError(f"{path}: has no column '{column}'")
    return file


def _name(source: sources.Source) -> str:
    return json.dumps(dict(source), ensure_ascii=False)
