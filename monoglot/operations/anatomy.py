"""Where the parts of an encoder lie in each architecture: layers, feed-forward, attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from monoglot.errors import UserError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class Anatomy:
    """Names of modules and settings.

    Attributes:
        encoder: the module of the base model whose `layer` is the list of layers.
        inner, outer: of a layer, the two feed-forward matrices.
        projections: of a layer, what makes queries, keys and values.
        mixing: of a layer, the attention's output matrix.
        ffn_size: the setting of the feed-forward size.
        after_padding: whether positions are counted from the padding's id + 1, not from 0.
    """

    encoder: str = "encoder"
    inner: str = "intermediate.dense"
    outer: str = "output.dense"
    projections: Sequence[str] = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    )
    mixing: str = "attention.output.dense"
    ffn_size: str = "intermediate_size"
    after_padding: bool = False


ROBERTA = Anatomy(after_padding=True)
ANATOMIES = {
    "bert": Anatomy(),
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "distilbert": Anatomy(
        encoder="transformer",
        inner="ffn.lin1",
        outer="ffn.lin2",
        projections=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        mixing="attention.out_lin",
        ffn_size="hidden_dim",
    ),
}


def anatomy(config: "PretrainedConfig") -> Anatomy:
    """Return where the parts of a model lie; raise `UserError` for an architecture not known."""
    if config.model_type not in ANATOMIES:
        raise UserError(
            f"the model is a '{config.model_type}'; it must be one of {', '.join(ANATOMIES)}"
        )
    return ANATOMIES[config.model_type]


def layers_of(model: "PreTrainedModel") -> nn.ModuleList:
    """Return the layers of a model's encoder."""
    return model.base_model.get_submodule(anatomy(model.config).encoder).layer


def ffn_size(config: "PretrainedConfig") -> int:
    """Return the number of feed-forward neurons of each layer."""
    return getattr(config, anatomy(config).ffn_size)


def longest_input(config: "PretrainedConfig") -> int:
    """Return the most tokens that a model has positions for, special ones included."""
    before = config.pad_token_id + 1 if anatomy(config).after_padding else 0
    return config.max_position_embeddings - before


def emptied(model: "PreTrainedModel", config: "PretrainedConfig") -> "PreTrainedModel":
    """Return a model of the class of `model` with another configuration, its weights yet to come.

    A part that `model` was made without, as an encoder may be without its pooler, is left out.

    Raises `UserError` if that is not the class's alone: it takes more than a configuration, or
    `adapters.init` has changed the model.
    """
    try:
        new = type(model)(config)
    except TypeError as error:
        raise UserError(
            f"a {type(model).__name__} cannot be made from its configuration alone ({error}); give "
            "a model of a class of transformers"
        ) from None
    if hasattr(model, "adapters_config") and not hasattr(new, "adapters_config"):
        raise UserError("the model was made ready for adapters; give it as it was before that")
    present = {name for name, _ in model.named_modules()}
    for name in [name for name, _ in new.named_modules()]:
        above, _, leaf = name.rpartition(".")
        if name not in present and above in present:
            setattr(new.get_submodule(above), leaf, None)
    return new
