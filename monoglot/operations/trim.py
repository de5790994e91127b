"""A model and its tokenizer over the most frequent pieces of a text (paper, section 2.4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Tokenizer
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.operations.embedding_rows import config_ids, gather_rows
from monoglot.operations.token_counts import count_pieces
from monoglot.operations.trim_report import compare, coverage
from monoglot.operations.trim_tokenizer import (
    candidate_pieces,
    choose_pieces,
    number_pieces,
    special_ids,
    trim_tokenizer,
    unknown_id,
)
from monoglot.tokenizer_files import to_json
from monoglot.tokens.batch import Batch

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
    batches: Iterable[Batch],
    heldout: Iterable[str] | None,
    size: int,
    count: str | None = None,
    keep_characters: bool = False,
) -> Trimmed:
    """Keep the `size` most frequent pieces of some documents, and the special tokens.

    Args:
        model: any model on top of an encoder; it stays as it is.
        tokenizer: parsed `tokenizer.json` of its tokenizer.
        names: special tokens by role, as in a `tokenizer_config.json`.
        batches: ids of the documents to count pieces in, under this tokenizer.
        heldout: other documents, to report on, if there are any.
        size, count, keep_characters: see `trim_vocab`.

    Raises:
        UserError: if there are no words, or `size` is not one the model can be trimmed to.
    """
    kind = tokenizer["model"]["type"]
    special = special_ids(tokenizer, names, config_ids(model.config))
    candidate_pieces(tokenizer, size, special)  # refuses before it takes long
    counts = count_pieces(batches, model.config.vocab_size)
    if not counts.texts:
        raise UserError("the text holds no words; give some to count pieces in")
    count = count or COUNTS[kind]
    chosen = choose_pieces(tokenizer, getattr(counts, count), size, special, keep_characters)
    kept = number_pieces(chosen, special)
    trimmed = trim_tokenizer(tokenizer, kept)
    report = {
        "count": count,
        "keep_characters": keep_characters,
        "size": size,
        "special": len(special),
        "vocab": {"before": model.config.vocab_size, "after": len(kept)},
        "text": coverage(counts, kept),
    }
    if heldout is not None:
        before, after = (Tokenizer.from_str(to_json(one)) for one in (tokenizer, trimmed))
        lead = " " if kind == "BPE" else ""
        report["heldout"] = compare(before, after, kept, unknown_id(tokenizer), heldout, lead)
    return Trimmed(gather_rows(model, kept), trimmed, kept, report)
