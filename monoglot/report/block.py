"""Reading a table's block of the configuration: what all kinds of table check."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from monoglot.data.text import valid_text
from monoglot.errors import UserError


def parse_block(source: str) -> Any:
    """Return a table's block from YAML or JSON text, or from the file that `source` names."""
    try:
        block = yaml.safe_load(source)
        if isinstance(block, str):
            block = yaml.safe_load(Path(block).read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the table's spec is neither YAML nor a file of it: {reason}") from None
    return block


def files_in(block: Any) -> Iterator[Path]:
    """Yield the files that a block's texts name, wherever in it they stand."""
    if isinstance(block, Mapping):
        block = block.values()
    if isinstance(block, str):
        # A label may be too long for the name of a file; then it is none.
        with suppress(OSError):
            if Path(block).exists():
                yield Path(block)
    elif isinstance(block, Iterable):
        for one in block:
            yield from files_in(one)


def labelled(entry: object, key: str, *optional: str) -> tuple[str, str]:
    """Return variant and label of an entry of the list `key`; no label means the variant's name.

    The entry may have the keys `optional` besides. Raises `UserError` if it is anything else.
    """
    if not isinstance(entry, Mapping):
        raise UserError(
            f"table key '{key}': {entry!r} must be a mapping with 'variant' and 'label'"
        )
    check_keys(entry, ("variant",), ("label", *optional), f"an entry of a table's '{key}'")
    variant = text(entry["variant"], key)
    return variant, text(entry.get("label", variant), key)


def check_keys(block: Any, required: Sequence[str], optional: Sequence[str], what: str) -> None:
    """Raise `UserError` unless a block is a mapping with these keys and no others."""
    if not isinstance(block, Mapping):
        raise UserError(f"{what} is a mapping with the keys {', '.join(required)}")
    for key in required:
        if key not in block:
            raise UserError(f"{what} lacks the key '{key}'")
    for key in block:
        if key not in (*required, *optional):
            known = ", ".join((*required, *optional))
            raise UserError(f"{what} has the unknown key '{key}'; the keys are {known}")


def entries(value: object, key: str) -> Sequence:
    """Return a list that has something in it; raise `UserError` for anything else."""
    if not isinstance(value, list | tuple) or not value:
        raise UserError(f"table key '{key}': {value!r} must be a list with at least one entry")
    return value


def names(value: object, key: str) -> tuple[str, ...]:
    """Return a list of different names; raise `UserError` for anything else."""
    found = tuple(text(entry, key) for entry in entries(value, key))
    for one in found:
        if found.count(one) > 1:
            raise UserError(f"table key '{key}': '{one}' stands there twice")
    return found


def labels(value: object, key: str) -> dict[str, str]:
    """Return a mapping from names to labels; raise `UserError` for anything else."""
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"table key '{key}': {value!r} must map names to labels")
    return {text(name, key): text(label, key) for name, label in value.items()}


def text(value: object, key: str) -> str:
    """Return a text with its white space made single; raise `UserError` for anything else."""
    # YAML reads a bare `no` (Norwegian) as false, hence the hint.
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"table key '{key}': {value!r} must be text; put it in quotes")
    return " ".join(valid_text(value, f"table key '{key}'").split())
