"""The parent with fewer feed-forward neurons, the least important ones removed."""

import copy
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from monoglot.errors import UserError
from monoglot.keys import Count, Seed
from monoglot.operations import OfParent, Operation

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from monoglot.tokens.encode import Documents

NeuronMeasure = Literal["gradient_weight", "gradient", "taylor"]
HeadOrder = Literal["as_is", "importance", "cumulative_importance"]


class PruneFfn(OfParent):
    """Parameters of `prune_ffn`."""

    size: Count
    """Neurons that stay in each layer."""
    importance: NeuronMeasure = "gradient_weight"
    """What a neuron is scored by: |gradient × weight| of its row in the first matrix (the paper's \
code), |gradient| of it (the paper's text), or |gradient × activation| (`taylor`), to which the \
second matrix contributes."""
    rounds: Count = 1
    """Prune in so many equal steps, and score the neurons that are left anew after each; every \
round reads the text once."""
    head_order: HeadOrder = "as_is"
    """Sort attention heads by |gradient|, which decides what truncation keeps; the paper's code \
adds up gradients by mistake (`cumulative_importance`)."""
    max_length: Annotated[Count, Field(ge=8)] = 512
    """Longest sequence of the validation text in tokens, special ones included."""
    seed: Seed = 42
    """Of the masks."""


OPERATION = Operation(
    name="prune_ffn",
    parameters=PruneFfn,
    done="fewer feed-forward neurons",
    summary="the least important neurons of each layer's feed-forward part dropped",
    reads=("validation",),
    encoded=("validation",),
    shape=lambda settings, before, family: {"ffn_size": settings["size"]},
    shrinks=True,
    asks_head=True,
    memory=16,
    hours=2,
    gpu=True,
    order=4,
)


def prune_ffn(
    model: "PreTrainedModel",
    store: "Documents",
    how: PruneFfn,
) -> "PreTrainedModel":
    """Return a copy of `model` with the most important neurons of every feed-forward block.

    Paper, section 2.2: one shot, no rescaling, no training afterwards. The paper's code also sorts
    the attention heads of each layer, the most important first. That changes no output, but which
    heads a later truncation of the hidden size keeps.

    Without a neuron, others matter more or less than before. With several `rounds`, each takes the
    same number of neurons and scores those that the last one left, in the model without the others
    (TextPruner's iterative pruning, Yang et al. 2022, arXiv 2203.15996).

    Args:
        model: a masked language model; it stays as it is.
        store: the validation text under the model's tokenizer.

    Raises:
        UserError: if the size, the length or the store does not fit the model.
    """
    # In here, as planning imports this module.
    from monoglot.operations.importance import importance, validation_batches
    from monoglot.operations.surgery import ffn_size

    check_size(model, how.size)
    for left in schedule(ffn_size(model.config), how.size, how.rounds):
        batches = validation_batches(model, store, how.max_length)
        scores = importance(_in_fp32(model), batches, store.meta["mask"], how.importance, how.seed)
        model = keep_neurons(model, list(_descending(scores.neurons)[:, :left]))
    if how.head_order != "as_is":  # as the last round found them
        cumulative = how.head_order == "cumulative_importance"
        _order_heads(model, _descending(scores.cumulative_heads if cumulative else scores.heads))
    return model


def schedule(present: int, size: int, rounds: int) -> list[int]:
    """Return how many neurons each round leaves of those `present`; the last leaves `size`.

    Rounds that would drop none are left out, but the last.
    """
    left = [present - (present - size) * done // rounds for done in range(1, rounds)]
    return [*(one for one in dict.fromkeys(left) if size < one < present), size]


def check_size(model: "PreTrainedModel", size: int) -> None:
    """Raise `UserError` if a model has fewer feed-forward neurons in a layer than `size`."""
    from monoglot.operations.surgery import ffn_size

    present = ffn_size(model.config)
    if size > present:
        raise UserError(
            f"cannot keep {size} feed-forward neurons of {present}; "
            f"give a number from 1 to {present}"
        )


def keep_neurons(model: "PreTrainedModel", kept: "list[torch.Tensor]") -> "PreTrainedModel":
    """Return a copy of `model` whose layer l has the feed-forward neurons `kept[l]`, in that order.

    Args:
        model: a masked language model; it stays as it is.
        kept: for each layer the neurons' indices, int64, all of one length.

    Raises:
        UserError: unless there is one list for each layer, all of one length.
    """
    import torch

    from monoglot.operations.surgery import family_of, layers_of

    sizes = {len(rows) for rows in kept}
    if len(kept) != model.config.num_hidden_layers or len(sizes) != 1:
        raise UserError(
            f"kept neurons: {len(kept)} layers with sizes {sorted(sizes)} do not fit a model of "
            f"{model.config.num_hidden_layers} layers; all must keep the same number"
        )
    smaller = copy.deepcopy(model)
    names = family_of(smaller.config)
    setattr(smaller.config, names.ffn_size, sizes.pop())
    for layer, rows in zip(layers_of(smaller), kept, strict=True):
        inner, outer = layer.get_submodule(names.inner), layer.get_submodule(names.outer)
        made = torch.cat([rows, rows + outer.in_features]) if names.gated else rows
        inner.weight = torch.nn.Parameter(inner.weight.detach()[made])
        if inner.bias is not None:
            inner.bias = torch.nn.Parameter(inner.bias.detach()[made])
        outer.weight = torch.nn.Parameter(outer.weight.detach()[:, rows])
        inner.out_features, outer.in_features = len(made), len(rows)
    return smaller.eval()


def _in_fp32(model: "PreTrainedModel") -> "PreTrainedModel":
    """Return `model`, or a copy in fp32 if it is not; gradients in fp16 would be zero."""
    import torch

    if all(parameter.dtype == torch.float32 for parameter in model.parameters()):
        return model
    return copy.deepcopy(model).float()


def _descending(scores: "torch.Tensor") -> "torch.Tensor":
    """Return the order of each row from high to low; of equals the lower index comes first."""
    return scores.sort(dim=1, descending=True, stable=True).indices


def _order_heads(model: "PreTrainedModel", orders: "torch.Tensor") -> None:
    """Bring the heads of layer l into the order `orders[l]`, in place."""
    import torch

    from monoglot.operations.surgery import family_of, layers_of

    names = family_of(model.config)
    for layer, order in zip(layers_of(model), orders, strict=True):
        mixing = layer.get_submodule(names.mixing)
        rows = torch.arange(mixing.in_features).unflatten(0, (len(order), -1))[order].flatten()
        with torch.no_grad():
            for dense in map(layer.get_submodule, names.projections):
                for tensor in dense.parameters():  # weight, and bias if there is one
                    tensor.copy_(tensor.unflatten(0, (-1, len(rows)))[:, rows].flatten(0, 1))
            mixing.weight.copy_(mixing.weight[:, rows])
