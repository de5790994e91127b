"""A model of the same class with weights of other shapes."""

from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from monoglot.errors import UserError
from monoglot.operations.anatomy import emptied


def reshaped(
    model: PreTrainedModel, config: PretrainedConfig, weights: Mapping[str, Tensor]
) -> PreTrainedModel:
    """Return a model of the class of `model` with another configuration and the given weights.

    Args:
        config: the new configuration.
        weights: all parameters by name, a tied one once; they are not copied.

    Raises:
        UserError: the model has parts that its class does not make, or lacks some.
    """
    with torch.device("meta"):  # no random weights only to write over them
        new = emptied(model, config)
    _check_parts(new, weights)
    new.load_state_dict(weights, strict=False, assign=True)
    new.tie_weights()
    for name, buffer in model.named_buffers():
        module, _, leaf = name.rpartition(".")
        setattr(new.get_submodule(module), leaf, buffer.clone())
    return new.eval()


def _check_parts(new: PreTrainedModel, weights: Mapping[str, Tensor]) -> None:
    made = {name: parameter.shape for name, parameter in new.named_parameters()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    for name in made | given:
        if made.get(name) != given.get(name):
            raise UserError(
                f"the model's {name} is not as a {type(new).__name__} makes it; give a model with "
                "no parts added, removed or replaced"
            )
