"""A model over fewer pieces: rows of its embeddings and, if it has one, of its decoder."""

import copy
from collections.abc import Sequence

from transformers import PretrainedConfig, PreTrainedModel

from monoglot.operations.reshaped import reshaped


def gather_rows(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """Return a model with the vocabulary `kept`, old ids by new id.

    Its logits at new id i, if it predicts pieces, are those of `model` at `kept[i]`; everything
    else stays, and is shared with `model`.
    """
    new = {old: i for i, old in enumerate(kept)}
    config = copy.deepcopy(model.config)
    config.vocab_size = len(kept)
    for key, value in _id_settings(model.config).items():
        setattr(config, key, [new[i] for i in value] if isinstance(value, list) else new[value])
    decoder = model.get_output_embeddings()
    rows = {id(model.get_input_embeddings().weight)}
    rows.update(id(parameter) for parameter in (decoder.parameters() if decoder else ()))
    tensors = {
        name: tensor.detach()[list(kept)] if id(tensor) in rows else tensor.detach()
        for name, tensor in model.named_parameters()  # names a tied tensor once
    }
    return reshaped(model, config, tensors)


def config_ids(config: PretrainedConfig) -> set[int]:
    """Return the token ids that a configuration names."""
    values = _id_settings(config).values()
    return {i for value in values for i in (value if isinstance(value, list) else [value])}


def _id_settings(config: PretrainedConfig) -> dict[str, int | list[int]]:
    """The settings of a configuration that are token ids."""
    found = {key: value for key, value in config.to_dict().items() if key.endswith("_token_id")}
    return {key: value for key, value in found.items() if value is not None}
