"""The parent with fewer layers."""

import copy
from typing import TYPE_CHECKING, Literal, get_args

from monoglot.errors import UserError
from monoglot.keys import Count, Seed
from monoglot.operations import OfParent, Operation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Strategy = Literal["first_k", "last_k", "stride", "first_last_k", "random"]
STRATEGIES = get_args(Strategy)


class SelectLayers(OfParent):
    """Parameters of `select_layers`."""

    layers: Count
    """How many layers stay."""
    strategy: Strategy = "last_k"
    """Which layers stay: of 12 and 6, `first_k` 0 to 5, `last_k` 6 to 11, `stride` \
0 2 4 6 8 10, `first_last_k` 0 1 2 9 10 11; `random` draws all weights anew."""
    seed: Seed = 42
    """Of the strategy `random`."""


OPERATION = Operation(
    name="select_layers",
    parameters=SelectLayers,
    done="fewer layers",
    summary="some of the layers kept, the others dropped",
    shape=lambda settings: {"layers": settings["layers"]},
    shrinks=True,
    order=3,
)


def select_layers(
    model: "PreTrainedModel", layers: int, strategy: str, seed: int
) -> "PreTrainedModel":
    """Return a copy of `model` with some of its layers (paper, section 2.1, appendix B).

    Embeddings and the masked-LM head are copied with every strategy except `random`, which draws
    every weight anew, embeddings included, by the architecture's own initialisation.

    Args:
        model: any model on top of an encoder; it stays as it is.
        layers: how many to keep.
        strategy: one of `STRATEGIES`; see `layers_kept`.
        seed: seed of `random`; the other strategies do not depend on it.

    Raises:
        UserError: for an unknown strategy or architecture, or a count below one or above the
            model's layers.
    """
    # In here, as planning imports this module.
    import torch

    from monoglot.operations.surgery import anatomy

    kept = layers_kept(model.config.num_hidden_layers, layers, strategy)
    if kept is None:
        return _random(model, layers, seed)
    smaller = copy.deepcopy(model)
    encoder = smaller.base_model.get_submodule(anatomy(model.config).encoder)
    encoder.layer = torch.nn.ModuleList(encoder.layer[index] for index in kept)
    smaller.config.num_hidden_layers = layers
    return smaller.eval()


def layers_kept(layers: int, count: int, strategy: str) -> list[int] | None:
    """Return the 0-based layers that a strategy keeps, in order; None if it keeps no weights.

    For 12 layers and 6: `first_k` 0 to 5; `last_k` 6 to 11; `stride` 0 2 4 6 8 10;
    `first_last_k` 0 1 2 9 10 11. Where the numbers do not divide, `stride` keeps layer
    floor(i * layers / count) as its i-th, and `first_last_k` takes the odd layer from the front.
    """
    if strategy not in STRATEGIES:
        raise UserError(f"strategy '{strategy}' is not known; use one of {', '.join(STRATEGIES)}")
    if not 1 <= count <= layers:
        raise UserError(
            f"cannot keep {count} layers of a model with {layers}; give a number from 1 to {layers}"
        )
    back = count // 2
    return {
        "first_k": list(range(count)),
        "last_k": list(range(layers - count, layers)),
        "stride": [index * layers // count for index in range(count)],
        "first_last_k": [*range(count - back), *range(layers - back, layers)],
        "random": None,
    }[strategy]


def _random(model: "PreTrainedModel", count: int, seed: int) -> "PreTrainedModel":
    import torch

    from monoglot.operations.surgery import emptied

    config = copy.deepcopy(model.config)
    config.num_hidden_layers = count
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # GPUs' generators stay as they are
        return emptied(model, config).eval()
