"""A checkpoint from the Hub or a local folder, in the four-file form of this project."""

import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedModel

from monoglot.checkpoints import ARCHITECTURES, first_line, load_weights, save_weights
from monoglot.errors import UserError
from monoglot.files import whole_folder
from monoglot.operations.hub_model import download
from monoglot.tokenizer_families import SPECIAL_TOKENS
from monoglot.tokenizer_files import check_size, read_tokenizer, to_json, write_tokenizer


def pretrained(
    source: str | Path,
    out: str | Path,
    family: str,
    revision: str | None = None,
    tokenizer: str | Path | None = None,
) -> None:
    """Write the masked language model of `source` as a checkpoint: decoder tied, no pooler, fp32.

    Weights are read from safetensors alone, never from pickle.

    Args:
        source: a Hub id if `revision` is given, else a folder as `save_pretrained` writes it.
        out: folder of the checkpoint.
        family: "bert" or "xlm-roberta"; the model must be of it.
        revision: commit on the Hub, 40 hexadecimal digits.
        tokenizer: a tokenizer to take instead of the one in `source`, see `read_tokenizer`.

    Raises:
        UserError: if the source cannot be had, is incomplete, broken or of another family, has only
            pickled weights, or its tokenizer does not fit its embeddings.
    """
    where = f"{source} at revision {revision}" if revision else str(source)
    folder = download(str(source), revision) if revision else Path(source)
    _check(folder, family, where)
    model = load_weights(folder, where)
    if tokenizer is None:
        tokenizer_json, names, longest = _own_tokenizer(folder, family, where)
    else:
        tokenizer_json = to_json(read_tokenizer(tokenizer, family))
        names, longest = SPECIAL_TOKENS[family], None
    check_size(json.loads(tokenizer_json), model.config.vocab_size, where)
    positions = _positions(model)
    with whole_folder(out) as aside:
        save_weights(model, aside)
        longest = min(longest or positions, positions)
        write_tokenizer(aside, tokenizer_json, family, longest, names)


def _check(folder: Path, family: str, where: str) -> None:
    """Refuse what is no complete checkpoint of the family, in words that say what is missing."""
    if not folder.is_dir():
        raise UserError(f"{where}: there is no such folder; give a checkpoint's folder")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{where}: has no config.json; it is not a checkpoint") from None
    except ValueError as error:
        raise UserError(f"{where}: config.json is not valid JSON ({error})") from None
    if not isinstance(config, dict) or config.get("model_type") != family:
        found = config.get("model_type") if isinstance(config, dict) else None
        raise UserError(
            f"{where}: config.json has the model_type '{found}'; it must be '{family}', the "
            f"family of the model (families are {', '.join(ARCHITECTURES)})"
        )
    if not any((folder / f"model.safetensors{end}").is_file() for end in ("", ".index.json")):
        raise UserError(
            f"{where}: has no model.safetensors; weights in pickle files such as "
            "pytorch_model.bin are not read, because they can run code: save the model as "
            "safetensors, or name a revision that has them"
        )


def _own_tokenizer(folder: Path, family: str, where: str) -> tuple[str, dict[str, str], int]:
    """Contents of tokenizer.json, special tokens by role, and the longest input."""
    if (folder / "tokenizer.json").is_file():
        read_tokenizer(folder, family)  # a broken file gets its own sentence
    # Without its configuration, transformers takes a vocabulary for a lower-casing one.
    elif not all((folder / name).is_file() for name in ("vocab.txt", "tokenizer_config.json")):
        raise UserError(
            f"{where}: has no tokenizer (tokenizer.json, or vocab.txt with "
            "tokenizer_config.json); name one"
        )
    try:
        fast = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        backend = fast.backend_tokenizer
    except Exception as error:
        raise UserError(f"{where}: the tokenizer cannot be read ({first_line(error)})") from None
    backend.no_truncation()
    backend.no_padding()
    names = {
        role: token
        for role, token in fast.special_tokens_map.items()
        if role in SPECIAL_TOKENS[family]
    }
    return _same_or_new(folder / "tokenizer.json", backend), names, fast.model_max_length


def _same_or_new(file: Path, backend: Tokenizer) -> str:
    """The source's own bytes if they say what its tokenizer does.

    They may not: the tokenizer's configuration can overrule them, as in lower-casing.
    """
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        if json.loads(text) == json.loads(backend.to_str()):
            return text
    return backend.to_str()


def _positions(model: PreTrainedModel) -> int:
    """Longest input in tokens. XLM-R counts positions from the padding's id + 1."""
    config = model.config
    unused = config.pad_token_id + 1 if config.model_type == "xlm-roberta" else 0
    return config.max_position_embeddings - unused
