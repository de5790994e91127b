"""What trimming a vocabulary did to a text that its pieces were not counted on."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from tokenizers import Tokenizer

from monoglot.errors import UserError
from monoglot.operations.token_counts import Counts
from monoglot.tokens.encoding import encode


def coverage(counts: Counts, kept: Sequence[int]) -> dict[str, float | int]:
    """Return how much of the counting text the kept pieces are.

    `coverage` is the share of its tokens; `pieces` are the different ones that occur in it, and
    `pieces_kept` those that are kept.
    """
    occurs = counts.tokens > 0
    return {
        "documents": counts.texts,
        "tokens": int(counts.tokens.sum()),
        "coverage": float(counts.tokens[kept].sum() / counts.tokens.sum()),
        "pieces": int(occurs.sum()),
        "pieces_kept": int(occurs[kept].sum()),
    }


def compare(
    before: Tokenizer,
    after: Tokenizer,
    kept: Sequence[int],
    unknown: int | None,
    texts: Iterable[str],
    lead: str = "",
) -> dict[str, object]:
    """Compare the segmentation of the words (between white space) of `texts`.

    Args:
        before, after: the tokenizers.
        kept: old id of every new id.
        unknown: old id of the unknown piece, if there is one.
        texts: documents.
        lead: what stands before each word; a space for tokenizers that have it in their pieces.

    Returns:
        `words`; `unknown_rate` (unknown tokens / tokens) and `fertility` (tokens / words), each
        `before` and `after`; `changed_words`, the share of words with another segmentation.

    Raises:
        UserError: if there is no word.
    """
    words = Counter(lead + word for text in texts for word in text.split())
    if not words:
        raise UserError("the held-out text holds no words; the report needs some")
    old_ids = np.asarray(kept)
    totals = {"before": Counter(), "after": Counter()}
    changed = 0
    pairs = zip(encode(before, words), encode(after, words), strict=True)
    for times, (old, new) in zip(words.values(), pairs, strict=True):
        new = old_ids[new].tolist()
        changed += times * (old != new)
        for name, ids in (("before", old), ("after", new)):
            totals[name]["tokens"] += times * len(ids)
            totals[name]["unknown"] += times * ids.count(unknown)
    total = words.total()
    return {
        "words": total,
        "unknown_rate": {n: t["unknown"] / max(1, t["tokens"]) for n, t in totals.items()},
        "fertility": {n: t["tokens"] / total for n, t in totals.items()},
        "changed_words": changed / total,
    }
