"""A model and its tokenizer over the most frequent pieces of a text (paper, section 2.4).

The tokenizer stays the same but for its pieces, exact at the level of `tokenizer.json`: normaliser,
pre-tokeniser, post-processor, decoder and every flag stay. A text whose pieces are all kept is
segmented as before; only a word that WordPiece could not segment may turn known.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from monoglot.errors import AdvisedError, UserError
from monoglot.operations.trim_vocab import Trimming
from monoglot.tokenizer_json import to_json
from monoglot.tokens.encode import TokenBatch, encode

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Pieces of a BPE tokenizer, each merged from two others, down to characters or bytes.
#
# Within a text, a piece comes about as it does alone: merges are made in the order of their ranks,
# and none reached beyond it. So a text whose pieces are all kept is segmented as before if every
# kept piece comes with those on its way: then each merge of the segmentation is still there, and
# none comes first that did not before.


def derivation(model: dict) -> Callable[[int], set[int]]:
    """Return a function from the id of a piece to the ids of all on the way to it, its own too.

    SentencePiece's tokenizers list every two pieces that make up a third as a merge; most of these
    are never made. A piece that its characters do not lead to (one of bytes that stand for no
    character) comes with all that it could be merged from.
    """
    ids, parts = model["vocab"], {}
    pieces = {i: piece for piece, i in ids.items()}
    ranks: dict[tuple[int, int], tuple[int, int]] = {}
    for rank, (left, right) in enumerate(_pairs(model)):
        merged = ids.get(_merged(model, left, right))
        if merged is not None and left in ids and right in ids:
            ranks[ids[left], ids[right]] = rank, merged
            parts.setdefault(merged, set()).update((ids[left], ids[right]))

    def way(piece: int) -> set[int]:
        symbols = [ids.get(symbol) for symbol in _symbols(model, pieces.get(piece, ""))]
        found = set(symbols)
        while len(symbols) > 1:
            waiting = [
                (*ranks[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in ranks
            ]
            if not waiting:
                break
            _, merged, at = min(waiting, key=lambda one: (one[0], one[2]))
            symbols[at : at + 2] = [merged]
            found.add(merged)
        if symbols == [piece]:
            return found
        found, waiting = set(), [piece]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(parts.get(one, ()))
        return found

    return way


def _symbols(model: dict, piece: str) -> list[str]:
    """What the characters of a piece are before the first merge."""
    prefix = model.get("continuing_subword_prefix") or ""
    suffix = model.get("end_of_word_suffix") or ""
    inner = bool(prefix) and piece.startswith(prefix)
    ends = bool(suffix) and piece.endswith(suffix)
    symbols = list(piece.removeprefix(prefix).removesuffix(suffix))
    symbols = [prefix + one if at or inner else one for at, one in enumerate(symbols)]
    if symbols and ends:
        symbols[-1] += suffix
    return symbols


def with_parts(
    order: Sequence[int], size: int, special: Iterable[int], way: Callable[[int], set[int]]
) -> list[int]:
    """Return `size` pieces, the first of `order` that come with all they are made of, ascending.

    A piece that needs more others than there is room for is passed over.

    Args:
        order: ids from the most wanted on.
        special: ids that are kept anyhow.
        way: as `derivation` returns it.
    """
    always, kept = set(special), set()
    for piece in order:
        if len(kept) == size:
            break
        needed = way(piece) - always - kept
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


WORD_START = "▁"
BYTE = re.compile("<0x[0-9A-F]{2}>")
BYTES = 256


class TooFewPiecesError(AdvisedError):
    """More pieces are to be kept than there are."""


def special_ids(tokenizer: dict, names: dict, more: Iterable[int] = ()) -> list[int]:
    """Return the ids that trimming must not drop, in ascending order.

    These are all added tokens, the unknown piece, what the post-processor inserts, the special
    tokens that `names` (a `tokenizer_config.json`) mentions, and `more`.
    """
    ids = vocabulary(tokenizer)
    unknown = unknown_id(tokenizer)
    found = {*more, *([] if unknown is None else [unknown])}
    for role, token in names.items():
        content = token.get("content") if isinstance(token, dict) else token
        if role.endswith("_token") and content in ids:
            found.add(ids[content])
    found.update(token["id"] for token in tokenizer["added_tokens"])
    _renumber(tokenizer["post_processor"], lambda i: found.add(i) or i)
    return sorted(found)


def unknown_id(tokenizer: dict) -> int | None:
    """Return the id of the piece that stands for what cannot be segmented; None if all can."""
    model = tokenizer["model"]
    if model["type"] == "Unigram":
        return model["unk_id"]
    return vocabulary(tokenizer).get(model["unk_token"])


def vocabulary(tokenizer: dict) -> dict[str, int]:
    """Return all pieces with their ids, added tokens included."""
    pieces = tokenizer["model"]["vocab"]
    if tokenizer["model"]["type"] == "Unigram":
        pieces = {piece: i for i, (piece, _) in enumerate(pieces)}
    return {**pieces, **{token["content"]: token["id"] for token in tokenizer["added_tokens"]}}


def choose_pieces(
    tokenizer: dict,
    counts: np.ndarray,
    size: int,
    special: Sequence[int],
    keep_characters: bool = False,
    needed: Iterable[int] = (),
) -> list[int]:
    """Return the ids of the `size` most frequent pieces that are not special, in ascending order.

    Ties, and pieces that do not occur, go in the order of ids. These kinds of pieces come first:

    - Unigram: the piece with the lowest score, since an unknown character costs 10 more than it and
      without it other texts would be segmented in another way; and the bare word start `▁`, which
      running text may never need, but words given one by one do (punctuation in NER and POS data);
    - BPE, and whatever turns text into bytes first: pieces of one character (all bytes), since any
      text is made of them; but where a character without a piece falls apart into bytes, only these
      and the bare word start. Of BPE, any other piece comes with those that it is merged from, or
      not at all;
    - with `keep_characters`: every piece of one character (`c` and `##c`) that occurs in the text,
      as a piece or within one;
    - those that are `needed`.

    Args:
        tokenizer: a parsed `tokenizer.json`.
        counts: how often each piece occurs, shape [vocab].
        size: number of pieces to keep.
        special: ids of the special tokens, which are kept beside these.
        keep_characters: see above.
        needed: ids of pieces that stay, special ones or others.

    Raises:
        TooFewPiecesError: if there are not as many pieces.
        UserError: if there are more that must stay than that.
    """
    ids = vocabulary(tokenizer)
    candidates = candidate_pieces(tokenizer, size, special)
    must = _indispensable(tokenizer, ids, candidates)
    if keep_characters:
        seen = {letter for piece, i in ids.items() if counts[i] for letter in bare(piece)}
        must |= {i for piece, i in ids.items() if bare(piece) in seen}
    must |= set(needed)
    way = derivation(tokenizer["model"]) if tokenizer["model"]["type"] == "BPE" else None
    if way:
        must = must.union(*map(way, must))
    must -= set(special)
    first = np.isin(candidates, list(must))
    if first.sum() > size:
        raise UserError(
            f"size is {size}, but {first.sum()} pieces must stay; give a larger number"
            + (", or do not keep all characters" if keep_characters else "")
            + (", or ask for fewer to be kept" if needed else "")
        )
    order = np.lexsort((candidates, -counts[candidates].astype(np.int64), ~first))
    if way:
        return with_parts(candidates[order].tolist(), size, special, way)
    return np.sort(candidates[order[:size]]).tolist()


def candidate_pieces(tokenizer: dict, size: int, special: Sequence[int]) -> np.ndarray:
    """Return the ids that are not special; `TooFewPiecesError` if there are fewer than `size`."""
    ids = np.fromiter(vocabulary(tokenizer).values(), np.int64)
    candidates = np.setdiff1d(ids, special)
    if size > len(candidates):
        raise TooFewPiecesError(
            f"size is {size}, but the model has {len(candidates)} pieces besides the special "
            "tokens",
            "give a smaller number as `size`",
        )
    return candidates


def number_pieces(chosen: Sequence[int], special: Sequence[int]) -> list[int]:
    """Return the old id of every new id.

    A special token keeps its id if there still is such an id; the other special tokens come last.
    (`<unk>` stays 3 and `<pad>` 1, which readers of XLM-R rely on; `<mask>` stays last.) All other
    pieces fill the ids between in their old order.
    """
    total = len(chosen) + len(special)
    fixed = {i for i in special if i < total}
    others = iter([*sorted(chosen), *(i for i in sorted(special) if i not in fixed)])
    return [i if i in fixed else next(others) for i in range(total)]


def trim_tokenizer(tokenizer: dict, kept: Sequence[int]) -> dict:
    """Return a copy of a parsed `tokenizer.json` with the pieces `kept`, old ids by new id."""
    new = {old: i for i, old in enumerate(kept)}
    model = dict(tokenizer["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][i] for i in kept if i < len(model["vocab"])]
        model["unk_id"] = new[model["unk_id"]]
    else:
        pieces = sorted(model["vocab"].items(), key=lambda piece: new.get(piece[1], -1))
        model["vocab"] = {piece: new[i] for piece, i in pieces if i in new}
    if model["type"] == "BPE":
        model["merges"] = kept_merges(model)
    added = [{**token, "id": new[token["id"]]} for token in tokenizer["added_tokens"]]
    return {
        **tokenizer,
        "added_tokens": sorted(added, key=lambda token: token["id"]),
        "post_processor": _renumber(tokenizer["post_processor"], new.__getitem__),
        "model": model,
    }


def _indispensable(tokenizer: dict, ids: dict[str, int], candidates: np.ndarray) -> set[int]:
    kind = tokenizer["model"]["type"]
    fallback = tokenizer["model"].get("byte_fallback")
    must = {i for piece, i in ids.items() if fallback and BYTE.fullmatch(piece)}
    if kind == "BPE" and len(must) == BYTES:
        must |= {i for piece, i in ids.items() if piece == WORD_START}
    elif kind == "BPE" or _in_bytes(tokenizer):
        must |= {i for piece, i in ids.items() if len(bare(piece)) == 1}
    must &= set(candidates.tolist())
    if kind != "Unigram":
        return must
    scores = np.asarray([score for _, score in tokenizer["model"]["vocab"]])
    lowest = int(candidates[scores[candidates].argmin()])
    return must | {lowest, ids.get(WORD_START, lowest)}


def _in_bytes(tokenizer: dict) -> bool:
    """Whether a parsed tokenizer turns text into bytes before it looks for pieces."""
    return any("'ByteLevel'" in str(tokenizer.get(key)) for key in ("normalizer", "pre_tokenizer"))


def bare(piece: str) -> str:
    """Return a piece without the mark of WordPiece that it goes on within a word."""
    return piece.removeprefix("##") or piece


def _renumber(node: object, number: Callable[[int], int]) -> object:
    """Apply `number` to the ids in a post-processor: lists `ids`, and pairs of token and id."""
    if isinstance(node, dict):
        return {
            key: list(map(number, value)) if key == "ids" else _renumber(value, number)
            for key, value in node.items()
        }
    if isinstance(node, list) and list(map(type, node)) == [str, int]:
        return [node[0], number(node[1])]
    return [_renumber(value, number) for value in node] if isinstance(node, list) else node


# Pieces that stay however rare they are: characters of a text's scripts, and what prompts need.

SCRIPT_SHARE = 0.01
"""Of all letters, which those of a script must be to count as one that the text is written in; a
quotation in another script is less."""


def pieces_of_scripts(ids: Mapping[str, int], counts: np.ndarray) -> set[int]:
    """Return the pieces of one character that a text in the scripts of some text may need.

    Those are the letters of each script that `SCRIPT_SHARE` of the text's letters belong to, and
    everything else (marks, digits, punctuation, signs of mathematics and of currencies) but that of
    other scripts, and pictures. Then no word of these scripts turns unknown, though the text that
    pieces are counted in may lack some of its characters. Unicode names begin with the script.

    Args:
        ids: pieces with their ids.
        counts: how often each occurs in the text, shape [vocab].
    """
    letters: Counter[str] = Counter()
    for piece, i in ids.items():
        for letter in filter(_is_letter, bare(piece)):
            letters[_script(letter)] += int(counts[i])
    least = max(1, SCRIPT_SHARE * letters.total())
    used = {script for script, number in letters.items() if number >= least}
    others = letters.keys() - used

    def may_be_needed(character: str) -> bool:
        script = _script(character)
        if _is_letter(character):
            return script in used
        picture = unicodedata.category(character) == "So"
        return script != "" and script not in others and not picture

    return {i for piece, i in ids.items() if len(bare(piece)) == 1 and may_be_needed(bare(piece))}


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")


def _script(character: str) -> str:
    """The first word of a character's name, such as LATIN; empty if it has no name."""
    return re.split("[ -]", unicodedata.name(character, ""))[0]


def pieces_of_texts(tokenizer: Tokenizer, texts: Iterable[str]) -> set[int]:
    """Return the pieces that some short texts need, alone and before a word.

    With them among the pieces, a prompt (`query: `) is segmented as before, whatever follows it.
    """
    found: set[int] = set()
    for text in texts:
        found.update(tokenizer.encode(text, add_special_tokens=False).ids)
        before = tokenizer.encode(f"{text}a", add_special_tokens=False)
        within = (end <= len(text) for _, end in before.offsets)
        found.update(i for i, whole in zip(before.ids, within, strict=True) if whole)
    return found


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

    model: "PreTrainedModel"
    tokenizer: dict
    kept: list[int]
    report: dict[str, object]


def trim(
    model: "PreTrainedModel",
    tokenizer: dict,
    names: dict,
    batches: Iterable[TokenBatch],
    heldout: Iterable[str] | None,
    how: Trimming,
) -> Trimmed:
    """Keep the most frequent pieces of some documents, and the special tokens.

    Args:
        model: any model on top of an encoder; it stays as it is.
        tokenizer: parsed `tokenizer.json` of its tokenizer.
        names: special tokens by role, as in a `tokenizer_config.json`.
        batches: ids of the documents to count pieces in, under this tokenizer.
        heldout: other documents, to report on, if there are any.

    Raises:
        UserError: if there are no words, or `how.size` is not one the model can be trimmed to.
    """
    # In here, as planning reads a vocabulary with this module.
    from monoglot.operations.surgery import config_ids, gather_rows

    kind = tokenizer["model"]["type"]
    special = special_ids(tokenizer, names, config_ids(model.config))
    if beyond := sorted(set(special) - set(vocabulary(tokenizer).values())):
        raise UserError(
            f"the model's configuration names the token id {beyond[0]}, which the tokenizer does "
            "not have; correct the settings of config.json that end with _token_id"
        )
    size = how.size + -(how.size + len(special)) % how.pad_to_multiple_of
    candidate_pieces(tokenizer, size, special)  # refuses before it takes long
    counts = count_pieces(batches, model.config.vocab_size)
    if not counts.texts:
        raise UserError("the text holds no words; give some to count pieces in")
    count = how.count or COUNTS[kind]
    before = Tokenizer.from_str(to_json(tokenizer))
    needed = pieces_of_texts(before, how.keep)
    if how.keep_scripts:
        needed |= pieces_of_scripts(vocabulary(tokenizer), counts.tokens)
    by = getattr(counts, count)
    chosen = choose_pieces(tokenizer, by, size, special, how.keep_characters, needed)
    kept = number_pieces(chosen, special)
    trimmed = trim_tokenizer(tokenizer, kept)
    report = {
        "count": count,
        "keep_characters": how.keep_characters,
        "keep_scripts": how.keep_scripts,
        "keep": how.keep,
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
