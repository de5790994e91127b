"""Tokenizers of transformers, taken apart and put together again."""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from monoglot.api.arguments import documents
from monoglot.errors import UserError
from monoglot.operations.anatomy import anatomy
from monoglot.tokenizer_checks import check_special_tokens
from monoglot.tokenizer_files import to_json
from monoglot.tokens.memory import TokenMemory
from monoglot.tokens.store import ROLES

KINDS = ("WordPiece", "Unigram", "BPE")
UNUSED_ROWS = 63
"""Embeddings beyond the last piece; they are padded to a multiple of 64 at most."""
KEPT = (
    "model_max_length",
    "model_input_names",
    "padding_side",
    "truncation_side",
    "clean_up_tokenization_spaces",
)


def parsed(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> dict:
    """Return the `tokenizer.json` of a model's tokenizer, set neither to cut nor to pad.

    Raises `UserError` if it is a slow one, of an unknown kind, or not the model's.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise UserError(
            f"the tokenizer is a {type(tokenizer).__name__}; give a fast one, as "
            "AutoTokenizer.from_pretrained(..., use_fast=True) returns"
        )
    check_special_tokens(backend, "the tokenizer")
    found = json.loads(backend.to_str()) | {"truncation": None, "padding": None}
    kind = found["model"]["type"]
    if kind not in KINDS:
        raise UserError(f"the tokenizer is a {kind} one; it must be one of {', '.join(KINDS)}")
    _check_ids(set(backend.get_vocab(with_added_tokens=True).values()), tokenizer, model)
    return found


def _check_ids(ids: set[int], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    rows, config = model.get_input_embeddings().weight.shape[0], model.config
    if rows != config.vocab_size:
        raise UserError(
            f"the model has {rows} embeddings, but config.vocab_size is {config.vocab_size}; "
            "correct the configuration"
        )
    if ids != set(range(len(ids))) or not len(ids) <= rows <= len(ids) + UNUSED_ROWS:
        raise UserError(
            f"the tokenizer has {len(ids)} ids up to {max(ids, default=0)}, the model {rows} "
            "embeddings; give the tokenizer that the model was trained with"
        )
    named = config.pad_token_id
    if anatomy(config).after_padding and tokenizer.pad_token_id != named:
        raise UserError(
            f"the tokenizer pads with id {tokenizer.pad_token_id}, but the model counts its "
            f"positions from padding id {named}; give the tokenizer that it was trained with"
        )


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """Return special tokens by role, as in a `tokenizer_config.json`."""
    return {role: str(token) for role, token in tokenizer.special_tokens_map.items()}


def special_ids(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> dict:
    """Return what `meta` of a token store says of special ids; raise `UserError` if one lacks."""
    ids = {role: getattr(tokenizer, f"{role}_token_id", None) for role in ROLES}
    for role, number in ids.items():
        if number is None:
            raise UserError(
                f"the tokenizer has no {role}_token; masked-LM training needs "
                f"{', '.join(f'{role}_token' for role in ROLES)}"
            )
    if len(set(ids.values())) < len(ROLES):
        raise UserError(
            f"two of the tokenizer's {', '.join(f'{role}_token' for role in ROLES)} are the same "
            "piece; each needs its own"
        )
    return {**ids, "special": sorted(ids.values()), "vocab": model.config.vocab_size}


def encoded(
    texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> TokenMemory:
    """Return texts as token ids; raise `UserError` for bad texts or another model's tokenizer."""
    backend = Tokenizer.from_str(to_json(parsed(tokenizer, model)))
    return TokenMemory.of_texts(documents(texts), backend, special_ids(tokenizer, model))


def rebuilt(tokenizer: PreTrainedTokenizerBase, contents: dict) -> PreTrainedTokenizerFast:
    """Return a tokenizer like `tokenizer`, with other contents of its `tokenizer.json`.

    It is of the generic class: the classes of single families rebuild themselves from a vocabulary
    when they are loaded, each by rules of its own.
    """
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(to_json(contents)),
        **{key: getattr(tokenizer, key) for key in KEPT},
        **tokenizer.special_tokens_map_extended,
    )
