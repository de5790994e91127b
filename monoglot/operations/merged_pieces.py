"""Pieces of a BPE tokenizer, each merged from two others.

A text whose pieces are all kept is segmented as before if every kept piece comes with what it is
merged from: then each merge of its segmentation is still there, and no merge comes first that did
not before.
"""

from collections.abc import Iterable, Mapping, Sequence


def parts_of(model: dict) -> dict[int, set[int]]:
    """Return the ids of the pieces that each merged piece is directly made of."""
    ids, parts = model["vocab"], {}
    for left, right in _pairs(model):
        merged = ids.get(_merged(model, left, right))
        if merged is not None and left in ids and right in ids:
            parts.setdefault(merged, set()).update((ids[left], ids[right]))
    return parts


def with_parts(
    order: Sequence[int], size: int, special: Iterable[int], parts: Mapping[int, set[int]]
) -> list[int]:
    """Return `size` pieces, the first of `order` that come with all they are made of, ascending.

    A piece that needs more others than there is room for is passed over.

    Args:
        order: ids from the most wanted on.
        special: ids that are kept anyhow.
        parts: as `parts_of` returns them.
    """
    always, kept = set(special), set()
    before = None
    while before != len(kept) < size:
        before = len(kept)
        for piece in order:
            needed = _closed(piece, parts) - always - kept
            if len(kept) + len(needed) <= size:
                kept |= needed
    return sorted(kept)


def kept_merges(model: dict) -> list:
    """Return the merges, in their order, whose two parts and result are in the vocabulary."""
    ids = model["vocab"]
    return [
        merge
        for merge, (left, right) in zip(model["merges"], _pairs(model), strict=True)
        if left in ids and right in ids and _merged(model, left, right) in ids
    ]


def _pairs(model: dict) -> list[Sequence[str]]:
    """The merges as pairs; older files have them as one text with a space."""
    return [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]


def _merged(model: dict, left: str, right: str) -> str:
    return left + right.removeprefix(model.get("continuing_subword_prefix") or "")


def _closed(piece: int, parts: Mapping[int, set[int]]) -> set[int]:
    """A piece and all that it is made of, directly or not."""
    found, waiting = set(), [piece]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(parts.get(one, ()))
    return found
