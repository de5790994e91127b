"""Whether a tokenizer puts around a text the pieces that its own vocabulary means.

A post-processor names special tokens and repeats their ids. The library takes the ids as they are,
and aborts in the middle of a text where a name is missing.
"""

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from monoglot.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def check_special_tokens(tokenizer: "Tokenizer", where: object) -> None:
    """Raise `UserError`, which begins with `where`, unless names and ids fit the vocabulary."""
    processor = tokenizer.post_processor
    if processor is None:
        return
    for name, number in _named(json.loads(processor.__getstate__())):
        known = tokenizer.token_to_id(name or "")
        if known is None or known != number:
            raise UserError(
                f"{where}: the post_processor takes '{name}' for piece {number}, the vocabulary "
                f"has it as {known}; make or fetch the tokenizer again"
            )


def _named(part: dict[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Yield names and ids of special tokens in a part of a post-processor; None for no id."""
    for below in part.get("processors", ()):
        yield from _named(below)
    for key in ("cls", "sep"):
        if isinstance(part.get(key), list):
            yield tuple(part[key])
    tokens = part.get("special_tokens", {})
    for about in tokens.values():
        yield from zip_longest(about["tokens"], about["ids"])
    for template in ("single", "pair"):
        for piece in part.get(template) or ():
            if name := piece.get("SpecialToken", {}).get("id"):
                yield name, (tokens[name]["ids"] or [None])[0] if name in tokens else None
