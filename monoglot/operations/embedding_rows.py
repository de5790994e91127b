"""A masked language model over fewer pieces: rows of its embeddings, decoder and decoder's bias."""

import copy
from collections.abc import Sequence

import torch
from transformers import PretrainedConfig, PreTrainedModel


def gather_rows(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """Return a copy of a masked language model with the vocabulary `kept`, old ids by new id.

    Logits at new id i are those of the model at `kept[i]`; everything else stays.
    """
    new = {old: i for i, old in enumerate(kept)}
    config = copy.deepcopy(model.config)
    config.vocab_size = len(kept)
    for key, value in _id_settings(model.config).items():
        setattr(config, key, [new[i] for i in value] if isinstance(value, list) else new[value])
    smaller = type(model)(config)
    rows = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().bias)}
    with torch.no_grad():
        for name, target in smaller.named_parameters():  # names a tied tensor once
            source = model.get_parameter(name)
            target.copy_(source[list(kept)] if id(source) in rows else source)
    return smaller.eval()


def config_ids(config: PretrainedConfig) -> set[int]:
    """Return the token ids that a configuration names."""
    values = _id_settings(config).values()
    return {i for value in values for i in (value if isinstance(value, list) else [value])}


def _id_settings(config: PretrainedConfig) -> dict[str, int | list[int]]:
    """The settings of a configuration that are token ids."""
    found = {key: value for key, value in config.to_dict().items() if key.endswith("_token_id")}
    return {key: value for key, value in found.items() if value is not None}
