"""The two kinds of tokenizers, mBERT's WordPiece and XLM-R's Unigram, and who reads them.

The kind belongs to the tokenizer and not to the architecture of the encoder: Multilingual-MiniLM is
a BERT encoder over XLM-R's pieces.
"""

from collections.abc import Sequence

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

# What each architecture can have; the first one is what `scratch` trains.
KINDS = {
    "bert": ("WordPiece", "Unigram"),
    "roberta": ("BPE",),
    "xlm-roberta": ("Unigram",),
    "camembert": ("Unigram",),
    "distilbert": ("WordPiece",),
}
SPECIAL_TOKENS = {
    "WordPiece": {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    "Unigram": {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "mask_token": "<mask>",
    },
}
SPECIAL_TOKENS["BPE"] = SPECIAL_TOKENS["Unigram"]
INPUT_NAMES = {family: ["input_ids", "attention_mask"] for family in KINDS}
INPUT_NAMES["bert"].insert(1, "token_type_ids")


def wordpiece(pieces: Sequence[str]) -> Tokenizer:
    """Return a cased BERT tokenizer whose pieces have their positions in `pieces` as ids.

    `pieces` must hold the special tokens of the kind, at any position.
    """
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = split_into_words(Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]")))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.add_special_tokens(_added("WordPiece"))
    return tokenizer


def unigram(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """Return an XLM-R tokenizer of (piece, log-probability) pairs, ids as in `wordpiece`.

    The normaliser is NFKC and whitespace folding, not XLM-R's own precompiled character map.
    """
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    tokenizer = split_at_spaces(Tokenizer(models.Unigram(list(pieces), unk_id=ids["<unk>"])))
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, ids[token]) for token in ("<s>", "</s>")],
    )
    tokenizer.add_special_tokens(_added("Unigram"))
    return tokenizer


def split_into_words(tokenizer: Tokenizer) -> Tokenizer:
    """Give `tokenizer` BERT's normaliser (cased, accents kept) and pre-tokeniser; return it."""
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def split_at_spaces(tokenizer: Tokenizer) -> Tokenizer:
    """Give `tokenizer` XLM-R's normaliser (see `unigram`) and pre-tokeniser; return it."""
    folding = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), folding, normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def _added(kind: str) -> list[AddedToken]:
    """The special tokens; XLM-R's mask takes the space before it along, as the published one."""
    return [
        AddedToken(token, special=True, normalized=False, lstrip=token == "<mask>")
        for token in dict.fromkeys(SPECIAL_TOKENS[kind].values())
    ]
