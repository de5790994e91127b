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
from pathlib import Path

from tokenizers import Tokenizer

from monoglot.errors import UserError
from monoglot.tokenizer_checks import check_special_tokens
from monoglot.tokenizer_families import INPUT_NAMES, KINDS, SPECIAL_TOKENS, wordpiece

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
