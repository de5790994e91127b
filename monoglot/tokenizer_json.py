"""Tokenizers on disk: `tokenizer.json` and `tokenizer_config.json`, read alike by every library.

The configuration names the generic class `PreTrainedTokenizerFast`. transformers 5 rebuilds
`BertTokenizer` and `XLMRobertaTokenizer` from the vocabulary alone (lower-casing by default, and
taking `<unk>` to be id 3), but takes `tokenizer.json` as it is for the generic class, as
transformers 4 and `tokenizers` do.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

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

from monoglot.errors import UserError

# Whether a tokenizer puts around a text the pieces that its own vocabulary means.
#
# A post-processor names special tokens and repeats their ids. The library takes the ids as they
# are, and aborts in the middle of a text where a name is missing.


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


# The two kinds of tokenizers, mBERT's WordPiece and XLM-R's Unigram, and who reads them.
#
# The kind belongs to the tokenizer and not to the architecture of the encoder: Multilingual-MiniLM
# is a BERT encoder over XLM-R's pieces.

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


LARGEST = 1 << 28
"""Bytes of an unpacked tokenizer.json; that of XLM-R has 9 MB."""


def read_tokenizer(path: str | Path, family: str) -> dict:
    """Return the parsed `tokenizer.json` of a tokenizer for `family`.

    `path` is a folder with a `tokenizer.json`, such a file, the same as `.gz`, or a BERT vocabulary
    (`vocab.txt`, one piece a line, cased). Stored truncation and padding are left out, so that
    every reader encodes whole texts. Raises `UserError` if there is no such file, it is broken, or
    is a tokenizer of another kind.
    """
    path = Path(path)
    path = path / "tokenizer.json" if path.is_dir() else path
    text = _read(path)
    tokenizer = _vocabulary(text, path) if path.suffix == ".txt" else _parse(text, path)
    kind = tokenizer["model"]["type"]
    if kind not in KINDS[family]:
        raise UserError(
            f"{path}: is a {kind} tokenizer; "
            f"the family {family} needs a {' or '.join(KINDS[family])} one"
        )
    return tokenizer


def read_settings(folder: str | Path) -> dict:
    """Return the parsed `tokenizer_config.json` of a checkpoint."""
    path = Path(folder) / "tokenizer_config.json"
    try:
        settings = json.loads(_read(path))
    except ValueError as error:
        raise UserError(f"{path}: is not valid JSON ({error})") from None
    if not isinstance(settings, dict):
        raise UserError(f"{path}: must be a JSON object")
    return settings


def check_size(tokenizer: dict, rows: int, where: str | Path) -> None:
    """Raise `UserError` unless a parsed `tokenizer.json` has the ids 0 to `rows` - 1."""
    pieces = tokenizer["model"]["vocab"]
    ids = set(pieces.values() if isinstance(pieces, dict) else range(len(pieces)))
    ids.update(token["id"] for token in tokenizer["added_tokens"])
    if ids != set(range(rows)):
        raise UserError(
            f"{where}: the tokenizer has {len(ids)} ids up to {max(ids, default=0)}, the model has "
            f"{rows} embeddings; "
            "take the tokenizer that the model was trained with"
        )


def write_tokenizer(
    folder: str | Path,
    tokenizer_json: str,
    family: str,
    max_length: int,
    names: dict[str, str] | None = None,
) -> None:
    """Write both tokenizer files into an existing folder.

    Args:
        folder: where to.
        tokenizer_json: the contents of `tokenizer.json`.
        family: architecture, a key of `KINDS`; it says which inputs the model takes.
        max_length: longest input in tokens, special ones included.
        names: special tokens by role (`pad_token`, ...); by default those of its kind.

    Raises:
        UserError: if the tokenizer has no piece of one of these names.
    """
    names = names or SPECIAL_TOKENS[json.loads(tokenizer_json)["model"]["type"]]
    known = Tokenizer.from_str(tokenizer_json)
    check_special_tokens(known, "the tokenizer")
    for role, token in names.items():
        if known.token_to_id(token) is None:
            raise UserError(
                f"the tokenizer has no piece '{token}', its {role}; "
                f"a tokenizer for {family} needs {', '.join(dict.fromkeys(names.values()))}"
            )
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **names,
        "model_max_length": max_length,
        "model_input_names": INPUT_NAMES[family],
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
    }
    write_files(folder, tokenizer_json, settings)


def write_files(folder: str | Path, tokenizer_json: str, settings: dict) -> None:
    """Write both tokenizer files, the configuration's keys in alphabetical order."""
    folder = Path(folder)
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )


def to_json(tokenizer: dict) -> str:
    """Return the contents of `tokenizer.json` for a parsed tokenizer."""
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (_unpacked(data, path) if path.suffix == ".gz" else data).decode("utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror or error}); give a folder with a "
            "tokenizer.json, a tokenizer.json, a tokenizer.json.gz or a vocab.txt"
        ) from None
    except (EOFError, zlib.error, UnicodeDecodeError):
        raise UserError(f"{path}: is cut off or not UTF-8; fetch it again") from None


def _unpacked(data: bytes, path: Path) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise UserError(f"{path}: unpacks to more than {LARGEST >> 20} MiB; it is no tokenizer")
    return text


def _parse(text: str, path: Path) -> dict:
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"{path}: is not a valid tokenizer.json ({error})") from None
    check_special_tokens(tokenizer, path)
    return json.loads(text) | {"truncation": None, "padding": None}


def _vocabulary(text: str, path: Path) -> dict:
    pieces = text.removesuffix("\n").split("\n")
    pieces = [piece.removesuffix("\r") for piece in pieces]
    if len(set(pieces)) < len(pieces):
        twice = next(i for i, piece in enumerate(pieces) if piece in pieces[:i])
        raise UserError(f"{path}, line {twice + 1}: '{pieces[twice]}' is there twice")
    for token in SPECIAL_TOKENS["WordPiece"].values():
        if token not in pieces:
            raise UserError(f"{path}: has no line {token}; a BERT vocabulary needs it")
    return json.loads(wordpiece(pieces).to_str())
