"""A randomly initialised encoder; its tokenizer is trained on text, given, or a parent's."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.files import whole_folder
from monoglot.keys import NO_FLAG, Count, Number, Parameters, Seed
from monoglot.operations import Operation, TextOf

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class ScratchShape(Parameters):
    """The shape of an encoder."""

    layers: Count
    """Transformer layers."""
    hidden_size: Count
    """Width of hidden states and embeddings, a multiple of the attention heads."""
    heads: Count
    """Attention heads in a layer; they divide the hidden size."""
    ffn_size: Count
    """Neurons of a feed-forward block."""


class Scratch(Parameters):
    """Parameters of `scratch`."""

    parent: Annotated[str | None, NO_FLAG] = None
    """A variant whose tokenizer is taken, instead of `text` and `vocab_size`; its weights are \
not."""
    shape: Annotated[ScratchShape | None, NO_FLAG] = None
    """With a parent, the shape instead of the model's."""
    text: Annotated[TextOf | None, NO_FLAG] = None
    """Text to train the tokenizer on; required without a parent: `language` (the one at hand), or \
languages with the share of each."""
    vocab_size: Annotated[Count, Field(ge=16)] | None = None
    """Pieces of the tokenizer to train, special tokens included; left out if the model names a \
tokenizer."""
    dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.1
    """Of hidden states and of attention, in all training below this variant."""
    seed: Seed = 42
    """Of the weights."""


def _check_variant(where: str, own: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """It has either a text, or a parent's tokenizer and a shape of its own."""
    if "parent" not in own:
        if "shape" in own:
            raise UserError(
                f"{where}.shape: goes with a parent whose tokenizer is taken; without one "
                "the shape is that of the model (models.NAME.shape)"
            )
        if "text" not in settings:
            raise UserError(f"{where}: the key 'text' is missing")
        return
    for key in ("text", "vocab_size"):
        if key in own:
            raise UserError(
                f"{where}.{key}: the tokenizer is that of the parent '{own['parent']}'; "
                f"remove '{key}', or remove 'parent' to train a tokenizer"
            )
    if "shape" not in own:
        raise UserError(
            f"{where}: has a parent for its tokenizer, but no 'shape'; "
            "give layers, hidden_size, heads and ffn_size"
        )


OTHER_IDS = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")


OPERATION = Operation(
    name="scratch",
    parameters=Scratch,
    done="randomly initialised",
    summary="a model with random weights",
    reads=("text",),
    takes="tokenizer",
    vocabulary=lambda settings: settings.get("vocab_size"),
    shape=lambda settings, before, family: settings.get("shape", {}),
    check_variant=_check_variant,
    hours=4,
    order=1,
)


def scratch(
    texts: Iterable[str],
    out: str | Path,
    family: str,
    *,
    vocab_size: int | None = None,
    tokenizer_from: str | Path | None = None,
    parent: str | Path | None = None,
    hidden_size: int,
    layers: int,
    heads: int,
    ffn_size: int,
    max_positions: int,
    dropout: float = 0.1,
    seed: int,
) -> None:
    """Write a checkpoint with random weights; the same arguments give the same bytes.

    Args:
        texts: documents to train a tokenizer on, held in memory; not looked at if one is given.
        out: folder of the checkpoint.
        family: a key of `FAMILIES`, whose first kind of tokenizer is trained: WordPiece (cased),
            Unigram or byte-level BPE.
        vocab_size: pieces of the trained tokenizer, special tokens included; it has fewer if the
            text does not yield as many.
        tokenizer_from: a tokenizer to take instead, see `read_tokenizer`.
        parent: a checkpoint whose `tokenizer.json` to take instead, byte for byte, so that it can
            be the teacher of this one.
        hidden_size, layers, heads, ffn_size: shape of the encoder.
        max_positions: longest input in tokens, special ones included.
        dropout: of hidden states and of attention, in all training that follows.
        seed: of the weights.

    Raises:
        UserError: for a hidden size that does not fit the heads, a tokenizer that cannot be read
            or is not of the family, or text that a tokenizer cannot be trained on.
    """
    # In here, as planning imports this module.
    from monoglot.checkpoints import save_weights
    from monoglot.operations.train_tokenizer import train_tokenizer
    from monoglot.tokenizer_json import read_tokenizer, to_json, write_tokenizer

    if hidden_size % heads:
        raise UserError(
            f"hidden size {hidden_size} is not divisible by {heads} attention heads; "
            f"give a multiple of {heads}"
        )
    if FAMILIES[family].rotary and hidden_size // heads % 2:
        raise UserError(
            f"hidden size {hidden_size} gives each of {heads} attention heads an odd width, which "
            f"the rotary positions of a {family} do not allow; give a multiple of {2 * heads}"
        )
    if [vocab_size, tokenizer_from, parent].count(None) != 2:
        raise UserError(
            "give one of these: a vocab_size, to train a tokenizer, a tokenizer to take, or a "
            "parent, to take its tokenizer"
        )
    if vocab_size is not None:
        tokenizer_json = train_tokenizer(list(texts), family, vocab_size).to_str()
    elif tokenizer_from is not None:
        tokenizer_json = to_json(read_tokenizer(tokenizer_from, family))
    else:
        read_tokenizer(parent, family)  # a broken file, or one of another family, is refused
        tokenizer_json = (Path(parent) / "tokenizer.json").read_text(encoding="utf-8")
    with whole_folder(out) as aside:
        write_tokenizer(aside, tokenizer_json, family, max_positions)
        shape = {
            "hidden_size": hidden_size,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": ffn_size,
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
        }
        save_weights(_random_model(family, tokenizer_json, shape, max_positions, seed), aside)


def first_documents(files: Sequence[str | Path], shares: Sequence[float]) -> list[str]:
    """Return the first documents of each file, its share (0 to 1) of them but at least one."""
    from monoglot.data.parquet import read_texts

    taken = []
    for file, share in zip(files, shares, strict=True):
        documents = list(read_texts(file))
        taken += documents[: max(1, round(len(documents) * share))]
    return taken


def _random_model(
    family: str, tokenizer_json: str, shape: dict[str, float], max_positions: int, seed: int
) -> "PreTrainedModel":
    import torch
    import transformers
    from tokenizers import Tokenizer

    from monoglot.tokenizer_json import special_names

    known = FAMILIES[family]
    tokenizer = Tokenizer.from_str(tokenizer_json)
    names = special_names(tokenizer)
    ids = {f"{role}_id": tokenizer.token_to_id(token) for role, token in names.items()}
    before = ids["pad_token_id"] + 1 if known.after_padding else 0
    settings = {
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": max_positions + before,
        "pad_token_id": ids["pad_token_id"],
        **known.required,
        **known.settings,
    }
    for name, value in shape.items():
        settings |= dict.fromkeys(known.renamed.get(name, (name,)), value)
    kind = getattr(transformers, f"{known.classes}Config")
    usual = kind()
    for role in OTHER_IDS:  # those that the family's configuration knows
        if getattr(usual, role, None) is not None:
            settings[role] = ids.get(role)
    torch.manual_seed(seed)
    return getattr(transformers, known.masked_lm)(kind(**settings))
