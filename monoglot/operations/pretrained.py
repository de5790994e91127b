"""A checkpoint from the Hub or a local folder, in the four-file form of this project."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.files import whole_folder
from monoglot.keys import FilePath, HubId, Parameters, Revision
from monoglot.operations import Operation

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


class Pretrained(Parameters):
    """Parameters of `pretrained`, where they are not the model's: where a checkpoint comes from."""

    beside: ClassVar[Mapping[str, str]] = {"hub": "revision"}

    hub: HubId | None = None
    """Hub id of the checkpoint that `pretrained` variants start from: OWNER/NAME."""
    revision: Revision | None = None
    """Commit on the Hub, 40 hexadecimal digits; required with `hub`."""
    folder: FilePath | None = None
    """Local checkpoint folder, instead of `hub`."""


def _check_origin(where: str, settings: Mapping[str, Any], name: str, model: Mapping) -> None:
    for about, key in ((settings, where), (model, f"models.{name}")):
        if {"hub", "folder"} <= about.keys():
            raise UserError(f"{key}: has hub and folder; a checkpoint comes from one of them")
    if not {"hub", "folder"} & (model.keys() | settings.keys()):
        variant = where.removeprefix("variants.")
        raise UserError(
            f"models.{name}: the variant '{variant}' is pretrained, but "
            "the model has neither 'hub' and 'revision' nor 'folder'; add them"
        )
    folder = (settings or model).get("folder")
    # One that is not there yet may come before the run, which looks for it.
    if folder and Path(folder, "config.json").is_file():
        from monoglot.checkpoints import check_family

        key = where if settings else f"models.{name}"
        check_family(folder, model["family"], f"{key}.folder: {folder}")


OPERATION = Operation(
    name="pretrained",
    parameters=Pretrained,
    done="as it was published",
    summary="taken as it was published",
    check=_check_origin,
    local=True,
    order=0,
)


def pretrained(
    source: str | Path,
    out: str | Path,
    family: str,
    revision: str | None = None,
    tokenizer: str | Path | None = None,
    head: str = "trained",
) -> None:
    """Write the masked language model of `source` as a checkpoint: decoder tied, no pooler, fp32.

    Weights are read from safetensors alone, never from pickle. Embeddings beyond the last piece
    (padding, see `is_padded`), which no text can reach, are dropped, and the padding id becomes the
    tokenizer's.

    Args:
        source: a Hub id if `revision` is given, else a folder as `save_pretrained` writes it.
        out: folder of the checkpoint.
        family: a key of `FAMILIES`; the model must be of it.
        revision: commit on the Hub, 40 hexadecimal digits.
        tokenizer: a tokenizer to take instead of the one in `source`, see `read_tokenizer`.
        head: "trained", or "fresh" for an encoder that has none, see `load_with_head`.

    Raises:
        UserError: if the source cannot be had, is incomplete, broken or of another family, has only
            pickled weights, or its tokenizer does not fit its embeddings.
    """
    where = f"{source} at revision {revision}" if revision else str(source)
    # In here, as planning imports this module.
    from monoglot.checkpoints import save_weights
    from monoglot.data.hub import download
    from monoglot.operations.surgery import load_with_head, longest_input
    from monoglot.tokenizer_json import write_tokenizer

    folder = download(str(source), revision) if revision else Path(source)
    _check(folder, family, where)
    # Dense layers of a sentence encoder stay where they are: scores read them there.
    kept = [file.relative_to(folder).as_posix() for file in folder.glob("*_Dense*/*.safetensors")]
    model = load_with_head(folder, where, head, kept)
    if tokenizer is None:
        tokenizer_json, names, longest = _own_tokenizer(folder, family, where)
    else:
        tokenizer_json, names, longest = _as_it_is(tokenizer, family)
    model = _fitted(model, tokenizer_json, names, where)
    positions = longest_input(model.config)
    with whole_folder(out) as aside:
        save_weights(model, aside)
        longest = min(longest or positions, positions)
        write_tokenizer(aside, tokenizer_json, family, longest, names)


def _check(folder: Path, family: str, where: str) -> None:
    """Refuse what is no complete checkpoint of the family, in words that say what is missing."""
    from monoglot.checkpoints import check_family, check_safetensors
    from monoglot.tokenizer_json import try_out

    if not folder.is_dir():
        raise UserError(f"{where}: there is no such folder; give a checkpoint's folder")
    check_family(folder, family, where)
    check_safetensors(folder, where)
    try_out(folder, where)


def _own_tokenizer(folder: Path, family: str, where: str) -> tuple[str, dict[str, str], int]:
    """Contents of tokenizer.json, special tokens by role, and the longest input."""
    from monoglot.tokenizer_json import SPECIAL_TOKENS, own_tokenizer, read_tokenizer

    usual = FAMILIES[family].tokenizers[0]
    if (folder / "tokenizer.json").is_file():
        kind = read_tokenizer(folder, family)["model"]["type"]
        # transformers chooses the tokenizer's class by the architecture.
        if kind != usual:
            return _as_it_is(folder, family)
    fast = own_tokenizer(folder, where)
    backend = fast.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    longest = fast.model_max_length
    if not isinstance(longest, int | float) or not longest > 2:
        raise UserError(
            f"{where}: model_max_length in tokenizer_config.json is {longest!r}; it must be the "
            "longest input in tokens, a whole number"
        )
    known = SPECIAL_TOKENS[usual]
    names = {role: token for role, token in fast.special_tokens_map.items() if role in known}
    return _same_or_new(folder / "tokenizer.json", backend), names, int(longest)


def _as_it_is(path: str | Path, family: str) -> tuple[str, dict[str, str], int | None]:
    """A tokenizer as `_own_tokenizer` returns it, taken by its file alone."""
    from tokenizers import Tokenizer

    from monoglot.tokenizer_json import read_tokenizer, special_names, to_json

    contents = to_json(read_tokenizer(path, family))
    return contents, special_names(Tokenizer.from_str(contents)), None


def _fitted(
    model: "PreTrainedModel", tokenizer_json: str, names: dict[str, str], where: str
) -> "PreTrainedModel":
    """The model with the tokenizer's vocabulary and padding, if it is that tokenizer's at all."""
    from tokenizers import Tokenizer

    from monoglot.operations.surgery import gather_rows
    from monoglot.tokenizer_json import check_size, is_padded

    tokenizer = Tokenizer.from_str(tokenizer_json)
    pieces, rows = tokenizer.get_vocab_size(), model.config.vocab_size
    fits = is_padded(rows, pieces)
    check_size(json.loads(tokenizer_json), pieces if fits else rows, where)
    if fits:
        log.info("%s: the last %d embeddings belong to no piece; dropped", where, rows - pieces)
        model = gather_rows(model, range(pieces))
    # Who counts positions from the padding's id must keep the one it was trained with.
    if not FAMILIES[model.config.model_type].after_padding:
        model.config.pad_token_id = tokenizer.token_to_id(names["pad_token"])
    return model


def _same_or_new(file: Path, backend: "Tokenizer") -> str:
    """The source's own bytes if they say what its tokenizer does.

    They may not: the tokenizer's configuration can overrule them, as in lower-casing.
    """
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        if json.loads(text) == json.loads(backend.to_str()):
            return text
    return backend.to_str()
