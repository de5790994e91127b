"""A model and its tokenizer over the most frequent pieces of a text (paper, section 2.4)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.operations.surgery import config_ids, gather_rows
from monoglot.operations.trim_tokenizer import (
    candidate_pieces,
    choose_pieces,
    number_pieces,
    pieces_of_scripts,
    pieces_of_texts,
    special_ids,
    trim_tokenizer,
    unknown_id,
    vocabulary,
)
from monoglot.tokenizer_json import to_json
from monoglot.tokens.encode import TokenBatch, encode

# How often the pieces of a vocabulary occur in text.


@dataclass(frozen=True)
class Counts:
    """Counts by piece id, int64, shape [vocab].

    Attributes:
        tokens: occurrences of each piece.
        documents: documents in which it occurs.
        texts: number of documents that have a token.
    """

    tokens: np.ndarray
    documents: np.ndarray
    texts: int


def count_pieces(batches: Iterable[TokenBatch], vocab_size: int) -> Counts:
    """Count the pieces of documents in one pass; a document without a token counts for nothing."""
    tokens = np.zeros(vocab_size, dtype=np.int64)
    documents = np.zeros(vocab_size, dtype=np.int64)
    texts = 0
    for ids, lengths in batches:
        ids = ids.astype(np.int64)
        tokens += np.bincount(ids, minlength=vocab_size)
        # Each piece of each document once, as one number for the two.
        pairs = np.repeat(np.arange(len(lengths)) * vocab_size, lengths) + ids
        pairs.sort()
        once = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
        documents += np.bincount(pairs[once] % vocab_size, minlength=vocab_size)
        texts += int(np.count_nonzero(lengths))
    return Counts(tokens, documents, texts)


# What trimming a vocabulary did to a text that its pieces were not counted on.


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


COUNTS = {"WordPiece": "documents", "Unigram": "tokens", "BPE": "tokens"}


@dataclass(frozen=True)
class Trimmed:
    """A model and its tokenizer over fewer pieces.

    Attributes:
        model: its unchanged weights are shared with the old one.
        tokenizer: parsed `tokenizer.json`.
        kept: old id of every new id.
        report: what became of the vocabulary; see `coverage` and `compare`.
    """

    model: PreTrainedModel
    tokenizer: dict
    kept: list[int]
    report: dict[str, object]


def trim(
    model: PreTrainedModel,
    tokenizer: dict,
    names: dict,
    batches: Iterable[TokenBatch],
    heldout: Iterable[str] | None,
    size: int,
    count: str | None = None,
    keep_characters: bool = False,
    keep_scripts: bool = False,
    keep: Sequence[str] = (),
    pad_to_multiple_of: int = 1,
) -> Trimmed:
    """Keep the `size` most frequent pieces of some documents, and the special tokens.

    Args:
        model: any model on top of an encoder; it stays as it is.
        tokenizer: parsed `tokenizer.json` of its tokenizer.
        names: special tokens by role, as in a `tokenizer_config.json`.
        batches: ids of the documents to count pieces in, under this tokenizer.
        heldout: other documents, to report on, if there are any.
        size, count, keep_characters, keep_scripts, keep, pad_to_multiple_of: see `trim_vocab`.

    Raises:
        UserError: if there are no words, or `size` is not one the model can be trimmed to.
    """
    kind = tokenizer["model"]["type"]
    special = special_ids(tokenizer, names, config_ids(model.config))
    if beyond := sorted(set(special) - set(vocabulary(tokenizer).values())):
        raise UserError(
            f"the model's configuration names the token id {beyond[0]}, which the tokenizer does "
            "not have; correct the settings of config.json that end with _token_id"
        )
    size += -(size + len(special)) % pad_to_multiple_of
    candidate_pieces(tokenizer, size, special)  # refuses before it takes long
    counts = count_pieces(batches, model.config.vocab_size)
    if not counts.texts:
        raise UserError("the text holds no words; give some to count pieces in")
    count = count or COUNTS[kind]
    before = Tokenizer.from_str(to_json(tokenizer))
    needed = pieces_of_texts(before, keep)
    if keep_scripts:
        needed |= pieces_of_scripts(vocabulary(tokenizer), counts.tokens)
    by = getattr(counts, count)
    chosen = choose_pieces(tokenizer, by, size, special, keep_characters, needed)
    kept = number_pieces(chosen, special)
    trimmed = trim_tokenizer(tokenizer, kept)
    report = {
        "count": count,
        "keep_characters": keep_characters,
        "keep_scripts": keep_scripts,
        "keep": list(keep),
        "size": size,
        "special": len(special),
        "vocab": {"before": model.config.vocab_size, "after": len(kept)},
        "text": coverage(counts, kept),
    }
    if heldout is not None:
        after = Tokenizer.from_str(to_json(trimmed))
        lead = " " if kind == "BPE" else ""
        report["heldout"] = compare(before, after, kept, unknown_id(tokenizer), heldout, lead)
    return Trimmed(gather_rows(model, kept), trimmed, kept, report)
