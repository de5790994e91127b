"""Tokenizers on disk: `tokenizer.json` and `tokenizer_config.json`, read alike by every library.

The configuration names the generic class `PreTrainedTokenizerFast`. transformers 5 rebuilds
`BertTokenizer` and `XLMRobertaTokenizer` from the vocabulary alone (lower-casing by default, and
taking `<unk>` to be id 3), but takes `tokenizer.json` as it is for the generic class, as
transformers 4 and `tokenizers` do.
"""

import gzip
import io
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

from monoglot.errors import UserError, first_line, panic
from monoglot.families import FAMILIES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Whether a file is a tokenizer that the library can read and use, in a time that has an end.


@contextmanager
def valid(said: str, advice: str = "") -> Iterator[None]:
    """Turn whatever the library raises within this into a `UserError` that begins with `said`.

    Where a file breaks the library's own Rust code, what comes is no `Exception`.
    """
    try:
        yield
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"{said} ({first_line(error)}){advice}") from None
    except BaseException as error:
        if not panic(error):
            raise
        raise UserError(f"{said} ({first_line(error)}){advice}") from None


SECONDS_TO_TRY = 60
TRIAL = """
import sys
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.encode_batch(sys.stdin.read().splitlines())
"""
TRIED = (
    "The quick brown fox, 3.14 km/h: naïve coöperation?! il-Kelb u d-dar ta' żgħażagħ",
    "Όλοι οι άνθρωποι все люди 人人生而自由 すべての人間 모든 인간 सभी मनुष्य ทุกคน כל בני אדם ﬁ ①",
    *(one * 64 + "!" for one in ("a", "aB ", "1", " ", "é", "a-", "\u0301", "😀", "ㄱ", "\u200d")),
)
"""Texts of several scripts, and repetitive ones, in which a regular expression can lose its way."""


def try_out(folder: Path, where: str) -> None:
    """Raise `UserError` if a folder's tokenizer.json cannot be read and used within a minute.

    In a process of its own, which can be ended: a regular expression may run for hours, and a
    broken map of characters ends the process that reads it.
    """
    file = folder / "tokenizer.json"
    if not file.is_file():
        return
    said = f"{where}: tokenizer.json is not a valid tokenizer.json"
    try:
        run = subprocess.run(
            [sys.executable, "-c", TRIAL, str(file)],
            input="\n".join(TRIED),
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_TRY,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{said}: it takes more than {SECONDS_TO_TRY} seconds to read it and to encode "
            f"{len(TRIED)} lines; make or fetch the checkpoint again"
        ) from None
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["the library breaks off"])[-1]
        raise UserError(f"{said} ({first_line(ValueError(last))}); fetch the checkpoint again")


def own_tokenizer(folder: Path, where: str) -> "PreTrainedTokenizerFast":
    """Load the fast tokenizer of a model's folder, with nothing in it that its files do not say.

    Without its configuration, or where that does not say, the library takes a BERT's tokenizer for
    a lower-casing one.

    Raises:
        UserError: there is none, its files do not say enough, or it is broken.
    """
    from transformers import AutoTokenizer

    whole = folder / "tokenizer.json"
    settings = read_settings(folder) if (folder / "tokenizer_config.json").is_file() else {}
    if not whole.is_file():
        _check_parts(folder, settings, where)
    with valid(f"{where}: the tokenizer cannot be read"):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, use_fast=True, local_files_only=True, trust_remote_code=False
        )
    if not getattr(tokenizer, "is_fast", False):
        raise UserError(
            f"{where}: its tokenizer has no fast form; save it with a tokenizer.json, as "
            "AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(...) does"
        )
    if whole.is_file():
        backend, own = tokenizer.backend_tokenizer, Tokenizer.from_file(str(whole))
        if "do_lower_case" not in settings:
            backend.normalizer = own.normalizer
        if "add_prefix_space" not in settings:
            backend.pre_tokenizer = own.pre_tokenizer
    # Decoders' tokenizers, which mmBERT has one of, have other names for what stands around a text.
    for role, other in (("cls_token", "bos_token"), ("sep_token", "eos_token")):
        if getattr(tokenizer, role) is None and getattr(tokenizer, other) is not None:
            setattr(tokenizer, role, getattr(tokenizer, other))
    return tokenizer


def _check_parts(folder: Path, settings: dict, where: str) -> None:
    """Raise `UserError` unless a folder without tokenizer.json says all about its tokenizer."""
    has = {name for name in VOCABULARIES if (folder / name).is_file()}
    if "vocab.txt" in has and "do_lower_case" in settings:
        return
    if {"vocab.json", "merges.txt"} <= has:
        return
    if found := sorted(has - {"vocab.txt", "vocab.json", "merges.txt"}):
        if find_spec("sentencepiece"):
            return
        raise UserError(
            f"{where}: has {found[0]} and no tokenizer.json, which only the library sentencepiece "
            "turns into one; take a copy of the model with a tokenizer.json"
        )
    raise UserError(
        f"{where}: has no tokenizer (tokenizer.json, or vocab.txt with a tokenizer_config.json "
        "that says do_lower_case); name one, or put its files there"
    )


VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt")
VOCABULARIES += ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model")
"""Files that tokenizers are made from, where there is no tokenizer.json."""


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


# The kinds of tokenizers, mBERT's WordPiece, XLM-R's Unigram and BPE, and who reads them.
#
# The kind belongs to the tokenizer and not to the architecture of the encoder: Multilingual-MiniLM
# is a BERT encoder over XLM-R's pieces.

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
GEMMA = {
    "bos_token": "<bos>",
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "unk_token": "<unk>",
    "cls_token": "<bos>",
    "sep_token": "<eos>",
    "mask_token": "<mask>",
}
"""The special tokens of mmBERT, which has Gemma's tokenizer."""


def input_names(family: str) -> list[str]:
    """Return what a family's models take of a tokenizer."""
    types = ["token_type_ids"] if FAMILIES[family].token_types else []
    return ["input_ids", *types, "attention_mask"]


def special_names(tokenizer: Tokenizer) -> dict[str, str]:
    """Return the special tokens by role: the usual ones of its kind, or others that it has."""
    kind = type(tokenizer.model).__name__
    sets = [SPECIAL_TOKENS[kind], SPECIAL_TOKENS["WordPiece"], GEMMA]
    has = (
        names
        for names in sets
        if all(tokenizer.token_to_id(name) is not None for name in names.values())
    )
    return next(has, sets[0])


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
    unknown = [piece for piece, _ in pieces].index("<unk>")
    tokenizer = split_at_spaces(Tokenizer(models.Unigram(list(pieces), unk_id=unknown)))
    tokenizer.decoder = decoders.Metaspace()
    return with_ends(tokenizer)


def with_ends(tokenizer: Tokenizer) -> Tokenizer:
    """Let `tokenizer` put XLM-R's special tokens around texts; return it."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
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
    known = FAMILIES[family].tokenizers
    if kind not in known:
        raise UserError(
            f"{path}: is a {kind} tokenizer; the family {family} needs a {' or '.join(known)} one"
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


def is_padded(rows: int, pieces: int) -> bool:
    """Whether a model has embeddings beyond the last piece, as few as padding makes.

    Up to 63 at any number of rows (Multilingual-MiniLM has 35), more where the rows are a multiple
    of 128, 256 or 512, or a round number: 251,000 of mDeBERTa-v3, 128,100 of DeBERTa-v3.
    """
    beyond = rows - pieces
    return 0 < beyond < 64 or any(
        rows % unit == 0 and 0 < beyond < unit for unit in (100, 128, 256, 512, 1000)
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
        family: architecture, a key of `FAMILIES`; it says which inputs the model takes.
        max_length: longest input in tokens, special ones included.
        names: special tokens by role (`pad_token`, ...); by default those of its kind.

    Raises:
        UserError: if the tokenizer has no piece of one of these names.
    """
    known = Tokenizer.from_str(tokenizer_json)
    names = names or special_names(known)
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
        "model_input_names": input_names(family),
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
        **prefix_space(json.loads(tokenizer_json)),
    }
    write_files(folder, tokenizer_json, settings)


def prefix_space(tokenizer: dict) -> dict[str, bool]:
    """Return what a parsed tokenizer says of a space before the text, for the generic class.

    Unless it is told, that class sets it to False, whatever `tokenizer.json` says.
    """
    splits = tokenizer["pre_tokenizer"] or {}
    return {key: splits[key] for key in ("add_prefix_space",) if key in splits}


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
    with valid(f"{path}: is not a valid tokenizer.json"):
        tokenizer = Tokenizer.from_str(text)
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
