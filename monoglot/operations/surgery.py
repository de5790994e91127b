"""Encoders taken apart: their layers, heads and embeddings, by the names of their family."""

import copy
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from monoglot.checkpoints import embedding_width, read_weights
from monoglot.errors import UserError
from monoglot.families import FAMILIES, Family


def family_of(config: "PretrainedConfig") -> Family:
    """Return a model's family; raise `UserError` for one not known."""
    if config.model_type not in FAMILIES:
        raise UserError(
            f"the model is a '{config.model_type}'; it must be one of {', '.join(FAMILIES)}"
        )
    return FAMILIES[config.model_type]


def layers_of(model: "PreTrainedModel") -> nn.ModuleList:
    """Return the layers of a model's encoder."""
    return model.base_model.get_submodule(family_of(model.config).layers)


def ffn_size(config: "PretrainedConfig") -> int:
    """Return the number of feed-forward neurons of each layer."""
    return getattr(config, family_of(config).ffn_size)


def set_hidden_size(config: "PretrainedConfig", size: int) -> None:
    """Let a configuration have another hidden size.

    ELECTRA's embeddings may be narrower or wider than its layers, which then see them through a
    projection. Such embeddings stay as wide as they are, others go with the hidden size.
    """
    if embedding_width(config) == config.hidden_size and (name := family_of(config).embedding_size):
        setattr(config, name, size)
    if hasattr(config, "attention_head_size"):  # of some DeBERTas
        config.attention_head_size = size // config.num_attention_heads
    config.hidden_size = size


def longest_input(config: "PretrainedConfig") -> int:
    """Return the most tokens that a model has positions for, special ones included."""
    return config.max_position_embeddings - first_position(config)


def first_position(config: "PretrainedConfig") -> int:
    """Return the position of a text's first token."""
    return config.pad_token_id + 1 if family_of(config).after_padding else 0


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


# A model of the same class with weights of other shapes.


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
    made = {name: parameter.shape for name, parameter in new.named_parameters()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    for name in made | given:
        if made.get(name) != given.get(name):
            raise UserError(
                f"the model's {name} is not as a {type(new).__name__} makes it; give a model with "
                "no parts added, removed or replaced"
            )
    # A tied tensor under each of its names: which of them it is tied from differs by release.
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    every = model.named_parameters(remove_duplicate=False)
    whole = {name: weights[names[id(parameter)]] for name, parameter in every}
    new.load_state_dict(whole, strict=False, assign=True)
    new.tie_weights()
    for name, buffer in model.named_buffers():
        above, _, leaf = name.rpartition(".")
        module = new.get_submodule(above)
        if leaf.endswith("inv_freq"):  # of rotary positions: it hangs on the width of heads
            _set_frequencies(module, buffer.device)
        else:
            setattr(module, leaf, buffer.clone())
    return new.eval()


def _set_frequencies(rotary: nn.Module, device: torch.device) -> None:
    with torch.device(device):
        made = type(rotary)(rotary.config)
    for name, buffer in made.named_buffers():
        setattr(rotary, name, buffer)
    if "original_inv_freq" in vars(rotary):  # before transformers 5, no buffer of its own
        rotary.original_inv_freq = rotary.inv_freq


# A model over fewer pieces: rows of its embeddings and, if it has one, of its decoder.


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
    rows = {id(model.get_input_embeddings().weight)}
    if decoder := model.get_output_embeddings():
        rows.update(id(parameter) for parameter in decoder.parameters())
        # A head may hold the decoder's bias itself, tied to it or, since transformers 5, not.
        name = next(name for name, module in model.named_modules() if module is decoder)
        rows.add(id(getattr(model.get_submodule(name.rpartition(".")[0]), "bias", None)))
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


# The two halves of a masked-LM head, under one name for every family.
#
# A head first transforms hidden states (dense, GELU, LayerNorm), then multiplies them with the word
# embeddings. Losses need the halves apart: the product with the whole vocabulary is what costs.


def encode(model: PreTrainedModel, ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the encoder's last hidden states, [batch, length, hidden]."""
    return _outputs(model, ids, attention_mask).last_hidden_state


def encode_all(model: PreTrainedModel, ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
    """Return the hidden states after embeddings and after each layer, [batch, length, hidden]."""
    return _outputs(model, ids, attention_mask, output_hidden_states=True).hidden_states


@dataclass(frozen=True)
class Inside:
    """What one pass through an encoder left, in fp32.

    Attributes:
        attention: the last layer's, the mean over its heads, [batch, length, length]: how much each
            token attends to each, zero from and to padding; or None.
        states: the hidden states after some layers, [batch, length, hidden].
        projections: queries, keys and values of some layers, one after another, [batch, length,
            width of all heads].
    """

    attention: Tensor | None = None
    states: Sequence[Tensor] = ()
    projections: Sequence[Tensor] = ()


def look_inside(
    model: PreTrainedModel,
    ids: Tensor,
    attention_mask: Tensor,
    attention: bool = False,
    states: Sequence[int] = (),
    projections: Sequence[int] = (),
) -> tuple[Tensor, Inside]:
    """Encode, and return the last hidden states, [batch, length, hidden], and what was asked for.

    Args:
        attention: whether its maps are; the model must have been loaded with eager attention.
        states, projections: the layers, from 1, whose these are.
    """
    layers, names = layers_of(model), family_of(model.config).projections
    asked = [[layers[one - 1].get_submodule(name) for name in names] for one in projections]
    found: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, _: object, output: Tensor) -> None:
        # A second call is for relative positions.
        found[module] = found.get(module, output)

    hooks = [module.register_forward_hook(keep) for modules in asked for module in modules]
    try:
        more = {"output_attentions": attention, "output_hidden_states": bool(states)}
        output = _outputs(model, ids, attention_mask, **{k: True for k in more if more[k]})
    finally:
        for hook in hooks:
            hook.remove()
    maps = None
    if attention:
        maps = output.attentions[-1].mean(dim=1).float() * attention_mask[:, :, None]
    last = output.last_hidden_state  # after the final norm, if there is one
    after = [(last if n == len(layers) else output.hidden_states[n]).float() for n in states]
    made = [torch.cat([found[one] for one in modules], -1).float() for modules in asked]
    return last, Inside(maps, after, [tensor for one in made for tensor in one.chunk(3, -1)])


def transform(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Apply the first half of the head to hidden states of shape [..., hidden]."""
    for name in family_of(model.config).head:
        hidden = F.gelu(hidden) if name == "gelu" else model.get_submodule(name)(hidden)
    return hidden


def decoder(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """Return the decoder's weight [vocabulary, hidden] and bias [vocabulary].

    Raises `UserError` if it has no bias.
    """
    layer = model.get_output_embeddings()
    if layer.bias is None:
        raise UserError("the model's decoder has no bias (decoder_bias), as it must have")
    return layer.weight, layer.bias


def logits(model: PreTrainedModel, transformed: Tensor) -> Tensor:
    """Return logits [..., vocabulary] of transformed hidden states [..., hidden]."""
    return torch.nn.functional.linear(transformed, *decoder(model))


def _outputs(model: PreTrainedModel, ids: Tensor, mask: Tensor, **more: bool) -> BaseModelOutput:
    # Asked for, because a configuration may say that outputs are tuples.
    return model.base_model(input_ids=ids, attention_mask=mask, return_dict=True, **more)


log = logging.getLogger(__name__)


# Checkpoints that hold an encoder alone, such as Multilingual-MiniLM: they get a new head.

HEADS = ("trained", "fresh")
SEED = 42


def load_with_head(
    folder: Path, where: str, head: str, kept: Collection[str] = ()
) -> PreTrainedModel:
    """Load a masked language model in fp32; with `head` "fresh", an encoder under a random head.

    The random head is the architecture's own initialisation, the same one each time. It has to be
    asked for: such a model can be trained, and scored with adapters, but before it is trained it
    can neither teach nor say which neurons matter to its predictions. `kept` is that of
    `from_configured`.

    Raises `UserError`, which calls the folder `where`, if weights of the encoder are missing, if
    the head's are and no fresh one was asked for, or if one was and there is a head.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model, missing = read_weights(folder, where, kept=kept)
    decoder(model)  # is there, bias included
    encoder = f"{model.base_model_prefix}."
    needed = [n for n in missing if head == "trained" or n.startswith(encoder)]
    if needed:
        raise UserError(
            f"{where}: has no weights for {needed[0]}; the checkpoint must hold the whole masked "
            "language model, or the whole encoder alone if 'head' is set to fresh"
        )
    if head == "fresh":
        # A tied decoder goes by its own name in some releases and is the encoder's all the same.
        inside = {id(parameter) for parameter in model.base_model.parameters()}
        names = {n for n, parameter in model.named_parameters() if id(parameter) not in inside}
        if not names <= set(missing):
            raise UserError(f"{where}: has a masked-LM head of its own; remove 'head: fresh'")
        log.warning("%s: has no masked-LM head; it gets an untrained one", where)
    return model


# Attention heads that get narrower with the hidden size: which of their dimensions stay.


def kept_dimensions(heads: str, count: int, hidden: int, size: int, rotary: bool = False) -> Tensor:
    """Return which of `hidden` dimensions of all heads stay, int64, shape [size].

    Args:
        heads: `cut` keeps the first `size` of all, else every head keeps an equal part: its first
            dimensions, or with rotary positions those pairs that turn as fast as the pairs of a
            narrower head. (Pair j of a head of width w turns by the base to the power of -2j / w.)
        count: attention heads of the parent.
        rotary: whether there are rotary positions.
    """
    if heads == "cut":
        return torch.arange(size)
    every = torch.arange(hidden).unflatten(0, (count, -1))
    if rotary:
        return every.unflatten(1, (2, -1))[:, :, :: hidden // size].flatten()
    return every[:, : size // count].flatten()


def principal_heads(model: "PreTrainedModel", size: int) -> dict[str, Tensor]:
    """Return attention weights by name, so that cutting heads keeps their best approximation.

    A head sees its query and key only as the product [Wq bq]'[Wk bk], and its value and output only
    as O [Wv bv]. Any change of basis within the head leaves both alone; here they come in that of
    their singular directions, the leading ones first, so that the first dimensions are the best
    approximation of their rank. Queries are scaled so that attention over `size` hidden dimensions,
    which divides by the square root of the head's new width, is as sharp as before.
    """
    count, hidden = model.config.num_attention_heads, model.config.hidden_size
    names, found = family_of(model.config), {}
    encoder = next(name for name, module in model.named_modules() if module is layers_of(model))
    for number, layer in enumerate(layers_of(model)):
        output = layer.get_submodule(names.mixing)
        of_query, of_key, of_value = (
            _by_head(layer.get_submodule(name), count) for name in names.projections
        )
        query, key = _balanced(of_query, of_key)
        mixing = output.weight.detach().double().T.unflatten(0, (count, -1))
        value, mixing = _balanced(of_value, mixing)
        query = query * (size / hidden) ** 0.5
        name = f"{encoder}.{number}"
        for part, rows in zip(names.projections, (query, key, value), strict=True):
            rows = rows.flatten(0, 1)
            found[f"{name}.{part}.weight"] = rows[:, :-1]
            found[f"{name}.{part}.bias"] = rows[:, -1]
        found[f"{name}.{names.mixing}.weight"] = mixing.flatten(0, 1).T
    return {name: tensor.to(model.get_parameter(name).dtype) for name, tensor in found.items()}


def _by_head(dense: torch.nn.Linear, count: int) -> Tensor:
    """Return [W b] in float64, shape [heads, width, hidden + 1]."""
    rows = torch.cat([dense.weight, dense.bias[:, None]], 1).detach().double()
    return rows.unflatten(0, (count, -1))


def _balanced(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return L and R, [heads, width, ...], with the same L'R, in its singular directions."""
    left_q, left_r = torch.linalg.qr(left.mT)
    right_q, right_r = torch.linalg.qr(right.mT)
    u, values, v = torch.linalg.svd(left_r @ right_r.mT)
    root = values.sqrt()[:, None]
    return (left_q @ u * root).mT, (right_q @ v.mT * root).mT


# A smaller basis of the residual stream, for a change of basis instead of a cut.

ROWS = 16384


@dataclass(frozen=True)
class Basis:
    """Orthonormal directions of the residual stream, and what they keep of it.

    Attributes:
        directions: P, one direction a column, float64, shape [hidden, size]. The stream s becomes
            P's; what reads it, W, becomes WP, and what writes to it P'W.
        share: of the stream's variance that lies in their span, 0 to 1.
    """

    directions: Tensor
    share: float

    def project(self, weight: Tensor, axis: int) -> Tensor:
        """Return `weight` with its axis of length `hidden` in the new basis."""
        directions = self.directions.to(weight)
        return torch.tensordot(weight, directions, ([axis], [0])).movedim(-1, axis)

    def gains(self, gains: Tensor) -> Tensor:
        """Return the gains of the LayerNorm that is nearest to the old one in the new basis.

        With M for "minus the mean", the old one is P' diag(g) M s / std(s), up to the bias. P takes
        the uniform direction to the uniform direction, hence M commutes with it: M P's = P'M s.
        The standard deviation shrinks by sqrt(share · hidden / size), which the gains make up for.
        P' diag(g) = diag(g') P' has no solution unless P is a permutation or all gains are equal;
        g' = diag(P' diag(g) P) is its least-squares one.
        """
        hidden, size = self.directions.shape
        shrink = (self.share * hidden / size) ** 0.5
        directions = self.directions.to(gains.device)
        return (shrink * directions.square().T @ gains.double()).to(gains.dtype)


@dataclass(frozen=True)
class Dimensions:
    """Dimensions of the residual stream that stay, of those that there are.

    Attributes:
        kept: their numbers, int64, shape [size].
    """

    kept: Tensor

    def project(self, weight: Tensor, axis: int) -> Tensor:
        """Return `weight` with these dimensions of its axis of length `hidden`."""
        return weight.index_select(axis, self.kept.to(weight.device))

    def gains(self, gains: Tensor) -> Tensor:
        """Return the gains of a LayerNorm over these dimensions: their own, as they are."""
        return self.project(gains, 0)


def leading_basis(moments: Tensor, size: int) -> Basis:
    """Return the basis of the `size` - 1 leading directions of some vectors, and their mean's.

    The directions are the right singular vectors of the vectors [rows, hidden], each less its own
    mean over dimensions, which LayerNorm takes away, and not centred over the rows, since what all
    have in common is part of the stream too. The uniform direction is put beside them so that
    LayerNorm's mean stays a mean; a reflection then makes it the uniform direction of the new
    basis.

    Args:
        moments: the Gram matrix of the vectors, float64, shape [hidden, hidden].
        size: directions of the basis.
    """
    hidden = len(moments)
    moments = centred(moments)
    uniform = torch.ones(hidden, 1, dtype=moments.dtype, device=moments.device) / hidden**0.5
    # A value below all others keeps the uniform direction out of the leading ones.
    lowered = moments - (1 + moments.trace()) * uniform @ uniform.T
    values, vectors = torch.linalg.eigh(lowered)
    first = hidden - size + 1
    leading, kept = vectors[:, first:].flip(1), values[first:].sum()
    largest = leading.gather(0, leading.abs().argmax(0, keepdim=True))
    directions = torch.cat([uniform, leading * largest.sign()], 1)
    return Basis(_reflected(directions), float(kept / moments.trace()))


def gram(weight: Tensor) -> Tensor:
    """Return W'W in float64, added up from a few rows of W at a time."""
    return sum(rows.T @ rows for rows in map(Tensor.double, weight.split(ROWS)))


def centred(moments: Tensor) -> Tensor:
    """Return M G M, the Gram matrix of rows less their mean, where G is that of the rows."""
    moments = moments - moments.mean(0)
    return moments - moments.mean(1, keepdim=True)


def _reflected(directions: Tensor) -> Tensor:
    """Return directions that span the same, so that their sum, not the first, is uniform.

    Householder's reflection that swaps the first axis and (1, ..., 1) / sqrt(size).
    """
    size = directions.shape[1]
    if size == 1:
        return directions
    normal = torch.full((size, 1), -(size**-0.5), dtype=directions.dtype, device=directions.device)
    normal[0] += 1
    return directions - directions @ normal @ normal.T / (1 - size**-0.5)
