"""A tokenizer of any kind trained on text, the same bytes on every run.

The trainers of `tokenizers` walk through hash maps with a random order, which decides ties
(WordPiece) and rounding (Unigram). What is taken from them here does not depend on that order.
"""

import math
from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.operations.trimming import count_pieces
from monoglot.tokenizer_json import (
    SPECIAL_TOKENS,
    split_at_spaces,
    split_into_words,
    unigram,
    with_ends,
    wordpiece,
)
from monoglot.tokens.encode import encode_batches

ROUNDS = 3  # of re-estimating scores; later ones hardly change them


def train_tokenizer(texts: Sequence[str], family: str, vocab_size: int) -> Tokenizer:
    """Return a tokenizer of at most `vocab_size` pieces, special tokens included.

    It has fewer if the text does not yield as many. Raises `UserError` if the text has no words,
    or more different characters than there is room for.
    """
    kind = FAMILIES[family].tokenizers[0]
    train = {"WordPiece": train_wordpiece, "Unigram": train_unigram, "BPE": train_bpe}[kind]
    tokenizer = train(texts, vocab_size)
    special = len(set(SPECIAL_TOKENS[kind].values()))
    if tokenizer.get_vocab_size() <= special or not any(map(str.strip, texts)):
        raise UserError("the text holds no words; a tokenizer cannot be trained on it")
    if tokenizer.get_vocab_size() > vocab_size:
        raise UserError(
            f"vocab_size is {vocab_size}, but the characters of the text and the special tokens "
            f"alone are {tokenizer.get_vocab_size()} pieces; make it larger"
        )
    return tokenizer


def train_wordpiece(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Return a cased WordPiece tokenizer, special tokens first (ids 0 to 4)."""
    special = list(SPECIAL_TOKENS["WordPiece"].values())
    # Characters inside words get their ids in the order of the hash map, and ids break ties: a
    # first run finds these characters, the second one is given them in a fixed order.
    characters = _wordpieces(texts, 0, special)
    fixed = special + sorted(set(characters) - set(special))
    return wordpiece(_wordpieces(texts, vocab_size, fixed))


def train_unigram(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Return a Unigram tokenizer: `<s>`, `<pad>`, `</s>`, `<unk>`, pieces by score, `<mask>`.

    Pieces are found by byte-pair merges; each score is the logarithm of the piece's frequency in
    the best segmentation of the text, re-estimated a few times (hard EM on whole numbers, which
    unlike the expected counts of Kudo 2018 are the same in every order of addition).
    """
    *first, mask = dict.fromkeys(SPECIAL_TOKENS["Unigram"].values())
    merges = split_at_spaces(Tokenizer(models.BPE()))
    # Marks stay apart from letters, as in XLM-R: a word's pieces do not depend on what follows it.
    apart = pre_tokenizers.Punctuation()
    merges.pre_tokenizer = pre_tokenizers.Sequence([merges.pre_tokenizer, apart])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(first) - 1, special_tokens=[], show_progress=False
    )
    merges.train_from_iterator(texts, trainer)
    tokenizer, pieces = merges, list(merges.get_vocab())
    for _ in range(ROUNDS):
        counts = count_pieces(encode_batches(tokenizer, texts), tokenizer.get_vocab_size()).tokens
        total = math.log(max(1, counts.sum()))
        frequency = {piece: int(counts[tokenizer.token_to_id(piece)]) for piece in pieces}
        pieces.sort(key=lambda piece: (-frequency[piece], piece))
        # A piece that no segmentation uses gets a score below all others.
        scored = [(p, math.log(frequency[p] or 0.5) - total) for p in pieces]
        tokenizer = unigram([(t, 0.0) for t in first] + scored + [(mask, 0.0)])
    return tokenizer


def train_bpe(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer: special tokens, a piece for each byte, merged pieces.

    Every word begins with a space, the first one and words given one by one too.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(dict.fromkeys(SPECIAL_TOKENS["BPE"].values())),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return with_ends(tokenizer)


def _wordpieces(texts: Sequence[str], vocab_size: int, fixed: list[str]) -> list[str]:
    """Pieces in the order of their ids; those of `fixed` come first, as they stand."""
    tokenizer = split_into_words(Tokenizer(models.WordPiece(unk_token="[UNK]")))
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=fixed, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.get)
