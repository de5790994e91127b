"""One corpus under one tokenizer, encoded once and read through a memory map.

A store is a folder: `tokens.bin` (uint32, all documents one after the other, no special tokens),
`offsets.bin` (int64, n_documents + 1 positions in it) and `meta.json`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monoglot.checkpoints import load_tokenizer
from monoglot.errors import UserError
from monoglot.files import sha256, whole_folder
from monoglot.tokens.encode import Documents, TokenBatch, encode_batches

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH_TOKENS = 1_000_000
ROLES = ("cls", "sep", "pad", "mask")
COUNTS = ("documents", "tokens", "vocab")
ARRAYS = ("tokens.bin", "offsets.bin")
FILES = (*ARRAYS, "meta.json")


def build_store(texts: Iterable[str], tokenizer_folder: str | Path, out: str | Path) -> None:
    """Encode `texts` (one document each) into a store at `out`, in constant memory.

    Documents without a single token are left out. Raises `UserError` if none is left.
    """
    from monoglot.tokenizer_json import read_settings

    tokenizer_folder = Path(tokenizer_folder)
    tokenizer = load_tokenizer(tokenizer_folder)
    documents = n_tokens = 0
    with whole_folder(out) as aside:
        with open(aside / "tokens.bin", "wb") as tokens, open(aside / "offsets.bin", "wb") as ends:
            ends.write(np.int64(0).tobytes())
            for ids, lengths in encode_batches(tokenizer, texts):
                tokens.write(ids.tobytes())
                lengths = lengths[lengths > 0]
                ends.write((n_tokens + lengths.cumsum()).tobytes())
                n_tokens += len(ids)
                documents += len(lengths)
        if not documents:
            raise UserError(f"{out}: the text holds no document with a token; give it some text")
        meta = {
            "documents": documents,
            "tokens": n_tokens,
            "tokenizer": sha256(tokenizer_folder / "tokenizer.json"),
            "sha256": {name: sha256(aside / name) for name in ARRAYS},
            **ids_of_roles(
                tokenizer,
                read_settings(tokenizer_folder),
                f"{tokenizer_folder}/tokenizer_config.json",
            ),
        }
        (aside / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")


def ids_of_roles(
    tokenizer: "Tokenizer", names: Mapping[str, Any], where: str
) -> dict[str, int | list[int]]:
    """Return the ids `cls`, `sep`, `pad` and `mask`, all four as `special`, and the `vocab` size.

    The unknown piece is not among `special`: it stands for text, and may be masked and predicted
    as in the paper's code.

    Args:
        names: special tokens by role, as in a `tokenizer_config.json`.

    Raises:
        UserError: one that masked-LM training needs is missing, or stands for two roles.
    """
    ids, roles = {}, ", ".join(f"{role}_token" for role in ROLES)
    for role in ROLES:
        token = names.get(f"{role}_token")
        token = token.get("content") if isinstance(token, dict) else token
        ids[role] = tokenizer.token_to_id(token) if isinstance(token, str) else None
        if ids[role] is None:
            raise UserError(f"{where} has no {role}_token; masked-LM training needs {roles}")
    if len(set(ids.values())) < len(ROLES):
        raise UserError(f"{where} has one piece as two of {roles}; each needs its own")
    ids["special"] = sorted(ids.values())
    ids["vocab"] = tokenizer.get_vocab_size()
    return ids


def _read_meta(folder: Path) -> dict:
    """Return what `build_store` wrote to `meta.json`; raise `UserError` for anything else."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        whole = all(type(meta[key]) is int and meta[key] >= 0 for key in COUNTS)
        ids = [meta[key] for key in ROLES]
        whole &= meta["special"] == sorted(ids) and all(type(i) is int for i in ids)
        whole &= all(0 <= i < meta["vocab"] for i in ids)
        whole &= isinstance(meta["tokenizer"], str) and set(meta["sha256"]) == set(ARRAYS)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise UserError(f"{folder}/meta.json: is not that of a token store; build the store anew")
    return meta


class TokenStore(Documents):
    """Documents in a folder, read through a memory map; `meta` is what `meta.json` holds.

    Raises `UserError` if a file is missing, or is not what `build_store` wrote.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder = Path(folder)
        for name in FILES:
            if not (folder / name).is_file():
                raise UserError(f"{folder}: there is no {name}; it is not a token store")
        self.meta = _read_meta(folder)
        for name, expected in self.meta["sha256"].items():
            if sha256(folder / name) != expected:
                raise UserError(f"{folder}: {name} is not what was written; build the store anew")
        self.tokens = np.memmap(folder / "tokens.bin", dtype=np.uint32, mode="r")
        self.offsets = np.memmap(folder / "offsets.bin", dtype=np.int64, mode="r")
        if len(self.offsets) != self.meta["documents"] + 1 or self.offsets[-1] != len(self.tokens):
            raise UserError(f"{folder}: tokens.bin and offsets.bin do not fit; build it anew")

    def check_tokenizer(self, checkpoint: str | Path) -> None:
        """Raise `UserError` unless the store was made with the tokenizer of a checkpoint."""
        if sha256(Path(checkpoint) / "tokenizer.json") != self.meta["tokenizer"]:
            raise UserError(
                f"{self.folder}: was made by another tokenizer than that of {checkpoint}; build "
                "the store with it"
            )

    def batches(self, documents: int | None = None) -> Iterator[TokenBatch]:
        """Yield all documents or the first ones, about `BATCH_TOKENS` tokens at a time."""
        start, total = 0, len(self) if documents is None else documents
        while start < total:
            room = self.offsets[start] + BATCH_TOKENS
            end = max(start + 1, int(np.searchsorted(self.offsets, room, side="right")) - 1)
            end = min(end, total)
            offsets = np.asarray(self.offsets[start : end + 1])
            yield TokenBatch(np.asarray(self.tokens[offsets[0] : offsets[-1]]), np.diff(offsets))
            start = end
