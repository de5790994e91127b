"""Whether models and texts are ones that the operations can work with."""

from collections.abc import Iterable, Iterator, Mapping

from transformers import MODEL_FOR_MASKED_LM_MAPPING, PreTrainedModel

from monoglot.checkpoints import not_finite
from monoglot.data.text import valid_text
from monoglot.errors import UserError
from monoglot.operations.anatomy import ANATOMIES, layers_of, longest_input
from monoglot.operations.training_settings import Settings


def check_model(model: PreTrainedModel) -> None:
    """Raise `UserError` unless `model` is an encoder of a known architecture, with or without head.

    Weights must be plain numbers, and tied where the configuration says so.
    """
    if not isinstance(model, PreTrainedModel):
        raise UserError(
            f"the model is a {type(model).__name__}; give one of transformers, such as "
            "AutoModelForMaskedLM.from_pretrained(...) returns"
        )
    config = model.config
    if config.model_type not in ANATOMIES:
        raise UserError(
            f"the model is a '{config.model_type}'; it must be an encoder of one of these "
            f"architectures: {', '.join(ANATOMIES)}"
        )
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        raise UserError("the model is set up as a decoder (is_decoder); it must be an encoder")
    if getattr(model, "is_quantized", False):
        raise UserError("the model is quantised; load it with plain floating-point weights")
    _check_weights(model)
    _check_shape(model)
    _check_tying(model)


def _check_weights(model: PreTrainedModel) -> None:
    devices = sorted({str(parameter.device) for parameter in model.parameters()})
    if len(devices) > 1:
        raise UserError(
            f"the model has weights on several devices, {', '.join(devices)}; load it onto one"
        )
    if devices == ["meta"]:
        raise UserError("the model has weights on the device 'meta'; load it with its weights")
    name = not_finite(model)
    if name:
        raise UserError(
            f"the model's {name} is not all finite numbers; load it again, or train it with a "
            "lower learning rate"
        )


def _check_shape(model: PreTrainedModel) -> None:
    present, configured = len(layers_of(model)), model.config.num_hidden_layers
    if present != configured:
        raise UserError(
            f"the model has {present} layers, but config.num_hidden_layers is {configured}; "
            "correct the configuration"
        )
    if any(getattr(model.config, "pruned_heads", {}).values()):
        raise UserError("the model has pruned attention heads; give one with all of its heads")


def _check_tying(model: PreTrainedModel) -> None:
    decoder = model.get_output_embeddings()
    if decoder is None:
        return
    tied = decoder.weight is model.get_input_embeddings().weight
    if tied != model.config.tie_word_embeddings:
        raise UserError(
            f"the model's decoder {'shares' if tied else 'does not share'} its weights with the "
            f"embeddings, but config.tie_word_embeddings is {not tied}; call model.tie_weights() "
            "or correct the configuration"
        )


def check_masked_lm(model: PreTrainedModel, what: str = "the model") -> None:
    """Raise `UserError`, which calls it `what`, unless `model` is a masked language model."""
    check_model(model)
    if not isinstance(model, MODEL_FOR_MASKED_LM_MAPPING[type(model.config)]):
        raise UserError(
            f"{what} is a {type(model).__name__}; it must be a masked language model, as "
            "AutoModelForMaskedLM loads it"
        )


def check_narrowable(model: PreTrainedModel) -> None:
    """Raise `UserError` unless `model` is a masked language model or an encoder alone."""
    check_model(model)
    alone = model.base_model is model
    if not alone and not isinstance(model, MODEL_FOR_MASKED_LM_MAPPING[type(model.config)]):
        raise UserError(
            f"the model is a {type(model).__name__}; give a masked language model or an encoder "
            "alone"
        )


def sequence_length(model: PreTrainedModel, max_length: int | None) -> int:
    """Return the longest sequence to make, special tokens included: by default 512 or the model's.

    Raises `UserError` for one that is too short, or more than the model has positions for.
    """
    longest = longest_input(model.config)
    if max_length is None:
        return min(Settings.default("max_length"), longest)
    max_length = Settings.value("max_length", max_length)
    if max_length > longest:
        raise UserError(
            f"max_length: {max_length} is more than the {longest} positions of the model"
        )
    return max_length


def documents(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts; raise `UserError` for what is none, or as `check_texts` does."""
    check_texts(texts)
    return _documents(texts)


def check_texts(texts: Iterable[str]) -> None:
    """Raise `UserError` if texts, none of which is read, are one text or cannot be read."""
    whole_table = hasattr(texts, "columns")  # pandas yields the names of its columns
    if isinstance(texts, str | bytes | Mapping) or whole_table or not _can_be_read(texts):
        raise UserError(
            f"the texts are a {type(texts).__name__}; give a list or another iterable of str, "
            "each a document or a sentence (of a table, give one column)"
        )


def _can_be_read(texts: object) -> bool:
    try:
        iter(texts)
    except TypeError:
        return False
    return True


def _documents(texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise UserError(
                f"text {number} is a {type(text).__name__}; each must be a str (of a data set, "
                "give one column)"
            )
        yield valid_text(text, f"text {number}")
