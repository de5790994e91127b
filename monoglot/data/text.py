"""Formats of running text; each reader yields one document (or sentence) at a time."""

import json
from collections.abc import Iterator
from pathlib import Path

from monoglot.advice import AdvisedError
from monoglot.data.lines import numbered_lines
from monoglot.errors import UserError

OTHER_FIELD = "name the one of the text as `field` of the source"


class FieldError(AdvisedError):
    """The field or column that the text was to be in is not there."""


def read_lines(path: Path, field: str) -> Iterator[str]:
    """Yield each line that is not empty; `field` plays no part."""
    return (line for _, line in numbered_lines(path) if line.strip())


def read_jsonl(path: Path, field: str) -> Iterator[str]:
    """Yield the text in `field` of each line's JSON object; empty texts are left out.

    Raises `UserError` for a line that is not a JSON object, `FieldError` for one that has no text
    in `field`.
    """
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        text = _field(line, field, f"{path}, line {number}")
        if text.strip():
            yield text


def _field(line: str, field: str, where: str) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError(f"{where}: is not valid JSON; each line must be one object") from None
    if not isinstance(record, dict):
        raise UserError(f"{where}: must be a JSON object with the field '{field}'")
    if not isinstance(record.get(field), str):
        raise FieldError(
            f"{where}: has no text in the field '{field}'; its fields are "
            f"{', '.join(record) or 'none'}",
            OTHER_FIELD,
        )
    return valid_text(record[field], where)


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
