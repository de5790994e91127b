"""Data that lies in named columns: parquet files."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monoglot.data.examples import TaggedExample
from monoglot.data.tagging import check_tag
from monoglot.data.text import OTHER_FIELD, FieldError, valid_text
from monoglot.errors import UserError

BATCH_ROWS = 1024


@dataclass(frozen=True)
class Table:
    """Rows with, by column, the names that stand for numbers (none where text is stored).

    `rows` yields the rows with the given columns alone, in constant memory; what it is not asked
    for is not read from the disk.
    """

    where: str
    columns: Mapping[str, Sequence[str] | None]
    rows: Callable[[Sequence[str]], Iterator[dict[str, Any]]]


def parquet_table(path: Path) -> Table:
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
        raise UserError(
            f"{path}: is not a parquet file, or it is damaged; fetch it again"
        ) from None

    def rows(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{path}: the parquet file is broken ({reason})") from None

    return Table(str(path), _columns(features), rows)


def texts(table: Table, field: str) -> Iterator[str]:
    """Yield the texts of column `field`; missing and empty ones are left out.

    Raises `UserError` for what is no text, `FieldError` if there is no such column.
    """
    if field not in table.columns:
        raise FieldError(_no_column(table, field), OTHER_FIELD)
    for number, row in enumerate(table.rows([field]), start=1):
        where = f"{table.where}, row {number}"
        text = row[field]
        if text is not None and not isinstance(text, str):
            raise UserError(f"{where}: the column '{field}' holds no text")
        if text and text.strip():
            yield valid_text(text, where)


def labelled(
    table: Table, fields: Mapping[str, str], names: Sequence[str] | None
) -> Iterator[tuple[str, str, str]]:
    """Yield (where, text, label) from the columns that `fields` gives for `text` and `label`."""
    text, label = fields.get("text", "text"), fields.get("label", "label")
    _check_column(table, text)
    stored = _check_column(table, label)
    names = names or stored
    for number, row in enumerate(table.rows([text, label]), start=1):
        where = f"{table.where}, row {number}"
        content = row[text]
        if content is not None and not isinstance(content, str):
            raise UserError(f"{where}: the column '{text}' holds no text")
        yield where, content or "", _name(row[label], names, where)


def tagged(
    table: Table, fields: Mapping[str, str], names: Sequence[str] | None, tags: Collection[str]
) -> Iterator[TaggedExample]:
    """Yield sentences from the columns that `fields` gives for `tokens` and `tags`."""
    word_field, tag_field = fields.get("tokens", "tokens"), fields.get("tags", "tags")
    _check_column(table, word_field)
    stored = _check_column(table, tag_field)
    names = names or stored
    for number, row in enumerate(table.rows([word_field, tag_field]), start=1):
        where = f"{table.where}, row {number}"
        words = _list(row[word_field], word_field, where)
        if not all(isinstance(word, str) and word for word in words):
            raise UserError(f"{where}: the column '{word_field}' holds a word that is no text")
        gold = [_name(value, names, where) for value in _list(row[tag_field], tag_field, where)]
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


def _columns(features: Mapping[str, Any]) -> dict[str, Sequence[str] | None]:
    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    return {name: getattr(feature, "names", None) for name, feature in inner.items()}


def _check_column(table: Table, column: str) -> Sequence[str] | None:
    if column not in table.columns:
        raise UserError(f"{_no_column(table, column)}; name others as `fields` of the source")
    return table.columns[column]


def _no_column(table: Table, column: str) -> str:
    return f"{table.where}: has no column '{column}'; it has {', '.join(table.columns)}"


def _name(value: Any, names: Sequence[str] | None, where: str) -> str:
    """Return a label as text: itself, or the one of `names` that its number stands for."""
    if isinstance(value, str):
        return value
    if type(value) is not int or not 0 <= value < len(names or []):
        raise UserError(
            f"{where}: the label is {value}, which has no name; "
            "give the names of 0, 1, ... as `names` in the source"
        )
    return names[value]
