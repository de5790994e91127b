"""The parent with a smaller vocabulary and tokenizer (paper, section 2.4)."""

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from monoglot.errors import UserError
from monoglot.files import whole_file, whole_folder
from monoglot.keys import NO_FLAG, Count, Parameters
from monoglot.operations import OfParent, Operation, Settings, TextOf

if TYPE_CHECKING:
    from monoglot.tokens.store import TokenStore

SPECIAL_PIECES = 5
BYTES_PER_PIECE = {".json": 100, ".gz": 40, ".txt": 20}
"""Of a tokenizer's file, by the end of its name; most pieces take less."""
Frequency = Literal["documents", "tokens"]
KeptText = Annotated[str, Field(max_length=1000, pattern=r"^[^-\x00-\x1f][^\x00-\x1f]*$")]


class Trimming(Parameters):
    """Which pieces of a vocabulary stay."""

    size: Count
    """Pieces to keep, special tokens not counted."""
    count: Frequency | None = None
    """What makes a piece frequent: the documents it occurs in, or its occurrences; by default as \
in the paper's code, documents for WordPiece and tokens for Unigram."""
    keep_characters: bool = False
    """Keep every piece of one character that occurs, so that no word turns unknown."""
    keep_scripts: bool = False
    """Keep all letters of the scripts that the text is written in, and all digits, punctuation \
and signs but those of other scripts, so that words of no other text in the language turn unknown \
either; a script counts from 1 % of the letters on."""
    keep: list[KeptText] = []
    """Texts, such as prompts, that stay segmented as they are: `["query: ", "passage: "]`."""
    pad_to_multiple_of: Count = 1
    """Keep as many more pieces as make the vocabulary, special tokens counted, a multiple of \
this."""


class TrimVocab(Trimming, OfParent):
    """Parameters of `trim_vocab`."""

    text: Annotated[TextOf, NO_FLAG] = "language"
    """Whose text: `language` (the one at hand), or languages with the share of each."""


def _vocabulary(settings: Settings) -> int:
    """The size of a vocabulary with the special tokens, as the number of these usually is."""
    multiple = settings["pad_to_multiple_of"]
    return -(-(settings["size"] + SPECIAL_PIECES) // multiple) * multiple


OPERATION = Operation(
    name="trim_vocab",
    parameters=TrimVocab,
    done="a smaller vocabulary",
    summary="word pieces that the language does not need dropped from the vocabulary",
    reads=("text", "heldout"),
    encoded=("text",),
    new_tokenizer=True,
    vocabulary=_vocabulary,
    shrinks=True,
    memory=16,
    hours=4,
    order=6,
)


@cache
def usable_pieces(path: str, family: str, wanted: int) -> int | None:
    """Return how many pieces a tokenizer has besides its special tokens.

    For planning, which has no time to read a large file: None if the tokenizer has far more than
    are `wanted`, as its size says, and if it is not there or broken, which its reader will refuse.

    Args:
        path: folder of a checkpoint, or a file that `read_tokenizer` reads.
    """
    from monoglot.operations.trimming import special_ids, vocabulary
    from monoglot.tokenizer_json import read_settings, read_tokenizer

    is_folder = os.path.isdir(path)
    file = os.path.join(path, "tokenizer.json") if is_folder else path
    try:
        if os.path.getsize(file) > wanted * BYTES_PER_PIECE.get(Path(file).suffix, 0):
            return None
        tokenizer = read_tokenizer(path, family)
        names = read_settings(path) if is_folder else {}
        return len(set(vocabulary(tokenizer).values()).difference(special_ids(tokenizer, names)))
    except (UserError, OSError):
        return None


def trim_vocab(
    parent: str | Path,
    out: str | Path,
    texts: "Iterable[str] | Sequence[TokenStore]",
    heldout: Iterable[str],
    how: Trimming,
    report_out: str | Path,
    shares: Sequence[float] | None = None,
) -> None:
    """Write `parent` with the most frequent pieces of `texts` and its special tokens.

    Embeddings, decoder and the decoder's bias are gathered, ids in the configuration updated;
    nothing is trained. The tokenizer changes as `trim_tokenizer` says. 40,000 pieces give the
    40,005 of the paper's tables.

    Args:
        parent: folder of a checkpoint.
        out: folder of the new one.
        texts: documents to count pieces in, read once, in constant memory; or stores of them under
            the parent's tokenizer, which say the same in a moment.
        heldout: other documents, to report on.
        report_out: JSON file to write with what `coverage` and `compare` find.
        shares: of stores the share of each to count in, its first documents and at least one, as in
            training; all of it by default.

    Raises:
        UserError: if a text is empty, a store is of another tokenizer, or `how` is not one the
            parent can be trimmed by.
    """
    # In here, as planning imports this module.
    from tokenizers import Tokenizer

    from monoglot.checkpoints import load_model, save_weights
    from monoglot.operations.trimming import trim
    from monoglot.tokenizer_json import (
        check_size,
        read_settings,
        read_tokenizer,
        to_json,
        write_files,
    )
    from monoglot.tokens.encode import encode_batches
    from monoglot.tokens.store import TokenStore

    model = load_model(parent)
    tokenizer = read_tokenizer(parent, model.config.model_type)
    settings = read_settings(parent)
    check_size(tokenizer, model.config.vocab_size, parent)
    if isinstance(texts, Sequence) and all(isinstance(one, TokenStore) for one in texts):
        for store in texts:
            store.check_tokenizer(parent)
        parts = zip(texts, shares or [1.0] * len(texts), strict=True)
        batches = chain.from_iterable(
            store.batches(max(1, round(len(store) * share))) for store, share in parts
        )
    else:
        batches = encode_batches(Tokenizer.from_str(to_json(tokenizer)), texts)
    made = trim(model, tokenizer, settings, batches, heldout, how)
    with whole_folder(out) as aside:
        save_weights(made.model, aside)
        write_files(aside, to_json(made.tokenizer), _renumbered(settings, made.kept))
    with whole_file(report_out) as aside:
        aside.write_text(json.dumps(made.report, indent=2) + "\n")


def _renumbered(settings: dict, kept: Sequence[int]) -> dict:
    """A tokenizer configuration with the new ids of its added tokens, if it lists them."""
    if "added_tokens_decoder" not in settings:
        return settings
    new = {str(old): str(i) for i, old in enumerate(kept)}
    added = {new[i]: token for i, token in settings["added_tokens_decoder"].items()}
    return {**settings, "added_tokens_decoder": added}
