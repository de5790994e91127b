"""The parent with fewer layers."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.keys import Count, Seed
from monoglot.operations import OfParent, Operation

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

Strategy = Literal["first_k", "last_k", "stride", "first_last_k", "random"]
STRATEGIES = get_args(Strategy)


class SelectLayers(OfParent):
    """Parameters of `select_layers`."""

    layers: Count
    """How many layers stay."""
    strategy: Strategy = "last_k"
    """Which layers stay: of 12 and 6, `first_k` 0 to 5, `last_k` 6 to 11, `stride` \
0 2 4 6 8 10, `first_last_k` 0 1 2 9 10 11; `random` draws all weights anew. Of a `modernbert`, \
the first layer must stay, and the global ones of those that stay must be evenly apart."""
    seed: Seed = 42
    """Of the strategy `random`."""


def _check_family(where: str, settings: Mapping[str, Any], name: str, model: Mapping) -> None:
    layers, count = model["shape"]["layers"], settings["layers"]
    if not FAMILIES[model["family"]].global_every or count > layers:
        return
    if (layers_kept(layers, count, settings["strategy"]) or [0])[0]:
        raise UserError(
            f"{where}.strategy: '{settings['strategy']}' drops the first layer, which a "
            f"{model['family']} ({name}) cannot do without; choose first_k, stride or first_last_k"
        )


OPERATION = Operation(
    name="select_layers",
    parameters=SelectLayers,
    done="fewer layers",
    summary="some of the layers kept, the others dropped",
    shape=lambda settings, before, family: {"layers": settings["layers"]},
    shrinks=True,
    check=_check_family,
    order=3,
)


def select_layers(
    model: "PreTrainedModel", layers: int, strategy: Strategy, seed: int
) -> "PreTrainedModel":
    """Return a copy of `model` with some of its layers (paper, section 2.1, appendix B).

    Embeddings and the masked-LM head are copied with every strategy except `random`, which draws
    every weight anew, embeddings included, by the architecture's own initialisation.

    Args:
        model: any model on top of an encoder; it stays as it is.
        layers: how many to keep.
        strategy: see `layers_kept`.
        seed: seed of `random`; the other strategies do not depend on it.

    Raises:
        UserError: for an unknown architecture or a count above the model's layers, or if the
            architecture has layers of two kinds, and its configuration cannot say which of those
            kept is of which.
    """
    # In here, as planning imports this module.
    import torch

    from monoglot.operations.surgery import family_of, layers_of

    kept = layers_kept(model.config.num_hidden_layers, layers, strategy)
    if kept is None:
        return _random(model, layers, seed)
    every = global_every(model.config, kept, strategy)
    smaller = copy.deepcopy(model)
    present = layers_of(smaller)
    smaller.base_model.set_submodule(
        family_of(model.config).layers, torch.nn.ModuleList(present[index] for index in kept)
    )
    set_layers(smaller.config, layers, every)
    return smaller.eval()


def set_layers(config: "PretrainedConfig", count: int, every: int | None = None) -> None:
    """Let a configuration have `count` layers, every `every`-th of them global.

    By default as far apart as before. transformers 5 lists the kind of each layer instead; both
    are said, so that either release reads what the other wrote.
    """
    if setting := FAMILIES[config.model_type].global_every:
        every = every or _every(config)
        setattr(config, setting, every)
        if hasattr(config, "layer_types"):
            names = "full_attention", "sliding_attention"
            config.layer_types = [names[index % every > 0] for index in range(count)]
    config.num_hidden_layers = count


def _every(config: "PretrainedConfig") -> int:
    """Return how far apart the global layers are."""
    said = getattr(config, FAMILIES[config.model_type].global_every, None)
    if said is not None:
        return said
    kinds = config.layer_types
    after_first = (index for index, kind in enumerate(kinds) if kind == "full_attention" and index)
    return next(after_first, len(kinds))


def strategies(config: "PretrainedConfig", count: int) -> list[str]:
    """Return the strategies by which `count` of a model's layers can stay; see `global_every`."""
    found = {one: layers_kept(config.num_hidden_layers, count, one) for one in STRATEGIES}
    every = _every(config) if FAMILIES[config.model_type].global_every else None
    return [
        one
        for one, kept in found.items()
        if kept and (every is None or _spacing(kept, every) is not None)
    ]


def global_every(config: "PretrainedConfig", kept: Sequence[int], strategy: str) -> int | None:
    """Return how many layers apart the global ones among `kept` are; None if all are of one kind.

    Of an architecture such as ModernBERT, every n-th layer attends to the whole text, from the
    first one on, and the others to what is near. Raises `UserError`, which names strategies that
    will do, if the first layer is not kept, or the kept global ones are not evenly apart.
    """
    if not FAMILIES[config.model_type].global_every:
        return None
    now, layers = _every(config), config.num_hidden_layers
    if (found := _spacing(kept, now)) is not None:
        return found
    fits = strategies(config, len(kept))
    reason = (
        "their global layers are not evenly apart, as the architecture needs"
        if kept[0] == 0
        else "the first layer, which has no norm before its attention, must be among them"
    )
    raise UserError(
        f"cannot keep layers {', '.join(map(str, kept))} of {layers} (strategy '{strategy}'): "
        f"{reason}; with {len(kept)} layers, use {' or '.join(fits)}"
    )


def _spacing(kept: Sequence[int], every: int) -> int | None:
    """Return how far apart the global ones of `kept` layers are, if that is the same everywhere.

    Every `every`-th of all layers is global. Where it makes no difference, that number stays.
    """
    kinds = [index % every == 0 for index in kept]
    for apart in (every, *range(1, len(kept) + 1)):
        if kept[0] == 0 and kinds == [index % apart == 0 for index in range(len(kept))]:
            return apart
    return None


def layers_kept(layers: int, count: int, strategy: str) -> list[int] | None:
    """Return the 0-based layers that a strategy keeps, in order; None if it keeps no weights.

    For 12 layers and 6: `first_k` 0 to 5; `last_k` 6 to 11; `stride` 0 2 4 6 8 10;
    `first_last_k` 0 1 2 9 10 11. Where the numbers do not divide, `stride` keeps layer
    floor(i * layers / count) as its i-th, and `first_last_k` takes the odd layer from the front.
    """
    if count > layers:
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
    set_layers(config, count)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # GPUs' generators stay as they are
        return emptied(model, config).eval()
