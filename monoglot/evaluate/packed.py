"""Batches without padding: the tokens of all examples one after another.

Linear layers, norms and dropout see no padding. Attention alone is computed on padded sequences,
in groups of like length.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.models.deberta_v2.modeling_deberta_v2 import build_relative_position

from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.families import Family
from monoglot.operations.surgery import family_of, layers_of
from monoglot.training.matmul import onednn, suits

WASTE = {"cpu": 1 << 15}
"""Most attention weights of a group that are padding alone, of all heads. A group more costs about
as much as these; on a GPU it costs more than any padding, and there is one group."""

MULTIPLE = 32
"""Tokens of a batch are filled up to a multiple of this, and so are those that the head reads.

Code for a matrix product is generated for each number of rows and kept for some hundred of them.
"""


@dataclass(frozen=True)
class PackedGroup:
    """Neighbouring sequences of a batch, with `tokens` tokens; padded they are [sequences, length].

    `pad` [sequences * length] names the token (of the group) at each padded place, and `places`
    [tokens] the padded place of each token; `bias` [sequences, 1, 1, length] is -inf on padding
    and else 0. All three are None where all sequences are equally long.
    """

    sequences: int
    length: int
    tokens: int
    pad: Tensor | None
    places: Tensor | None
    bias: Tensor | None


@dataclass(frozen=True)
class PackedBatch:
    """Examples in the order of their lengths, their `ids` and `positions` [tokens] end to end.

    The last `filler` tokens are nobody's. `starts` [examples] are the tokens that sequences begin
    with, `wanted` the tokens whose states the head reads. Of these, the first ones have `labels`
    and, in the tensors of the split, `rows` and `columns`; those after them have the label
    `IGNORED`, and no place.
    """

    ids: Tensor
    positions: Tensor
    filler: int
    groups: tuple[PackedGroup, ...]
    starts: Tensor
    wanted: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor


class Packing:
    """A split, to make batches of.

    Args:
        first_position: the position of a sequence's first token, XLM-R's padding id plus 1.
        pad: id of padding; a token of that id within a text has no position in XLM-R.
        heads: of attention.
    """

    def __init__(
        self, data: Encoded, pad: int, first_position: int, heads: int, device: torch.device
    ) -> None:
        self.data, self.device = data, device
        self.lengths = data.lengths.clamp(min=1)
        self.waste = WASTE.get(device.type, math.inf) / heads
        self.positions = torch.arange(data.ids.shape[1]).expand_as(data.ids)
        if first_position:
            real = (data.ids != pad).long()
            self.positions = real.cumsum(1) * real + first_position - 1
        # A text's class is read from its first token, a sentence's tags from those of its words.
        classes = torch.zeros_like(data.ids, dtype=torch.bool)
        classes[:, 0] = True
        self.words = classes if data.words is None else data.words >= 0
        self.labels = data.labels
        if data.words is None:
            self.labels = torch.full_like(data.ids, IGNORED)
            self.labels[:, 0] = data.labels

    def by_length(self, tokens: int) -> Iterator[Tensor]:
        """Yield rows of like length, as many as have at most `tokens` tokens, at least one."""
        yield from self._cut(torch.argsort(self.lengths, stable=True), tokens)

    def batches(self, rows: Tensor, tokens: int) -> list[PackedBatch]:
        """Return a batch of `rows` to train on, in parts of at most `tokens` tokens."""
        rows = rows[torch.argsort(self.lengths[rows], stable=True)]
        return [self.batch(part, self.labels != IGNORED) for part in self._cut(rows, tokens)]

    def batch(self, rows: Tensor, wanted: Tensor) -> PackedBatch:
        """Return `rows`, sorted by length; `wanted` [examples, length] is what the head reads."""
        lengths = self.lengths[rows]
        ends = lengths.cumsum(0)
        sequence = torch.repeat_interleave(torch.arange(len(rows)), lengths)
        column = torch.arange(int(ends[-1])) - (ends - lengths)[sequence]
        places = (rows[sequence], column)
        filler = -len(column) % MULTIPLE
        inside = wanted[places]
        chosen, others = inside.nonzero().squeeze(1), F.pad(~inside, (0, filler), value=True)
        more = 0 if self.data.words is None else -len(chosen) % MULTIPLE
        tensors = (
            F.pad(self.data.ids[places], (0, filler)),
            F.pad(self.positions[places], (0, filler)),
            ends - lengths,
            torch.cat([chosen, others.nonzero().squeeze(1)[:more]]),
            F.pad(self.labels[places][chosen], (0, more), value=IGNORED),
        )
        ids, positions, starts, read, labels = (x.to(self.device) for x in tensors)
        groups = tuple(self._group(part) for part in _split(lengths, self.waste))
        where = (rows[sequence[chosen]], column[chosen])
        return PackedBatch(ids, positions, filler, groups, starts, read, labels, *where)

    def _cut(self, rows: Tensor, tokens: int) -> Iterator[Tensor]:
        start, total = 0, 0
        for at, length in enumerate(self.lengths[rows].tolist()):
            if total and total + length > tokens:
                yield rows[start:at]
                start, total = at, 0
            total += length
        yield rows[start:]

    def _group(self, lengths: Tensor) -> PackedGroup:
        count, longest, tokens = len(lengths), int(lengths[-1]), int(lengths.sum())
        if int(lengths[0]) == longest:
            return PackedGroup(count, longest, tokens, None, None, None)
        column = torch.arange(longest)
        inside = column < lengths[:, None]
        first = lengths.cumsum(0) - lengths
        pad = (first[:, None] + torch.minimum(column, lengths[:, None] - 1)).flatten()
        places = inside.flatten().nonzero().squeeze(1)
        bias = torch.zeros(inside.shape).masked_fill(~inside, -torch.inf)[:, None, None]
        return PackedGroup(
            count, longest, tokens, *(x.to(self.device) for x in (pad, places, bias))
        )


def _split(lengths: Tensor, waste: float) -> list[Tensor]:
    """Cut ascending `lengths` so that padding adds at most `waste` to the squares of each part."""
    cuts, longest, added = [0], 0, 0
    for length in reversed(lengths.tolist()):
        longest = longest or length
        added += longest**2 - length**2
        if added > waste:
            cuts.insert(0, 0)
            longest, added = length, 0
        cuts[0] += 1
    return list(lengths.split(cuts))


# Dropout whose masks are a function of a few numbers, drawn once for all seeds.

STEPS = 1 << 16


class Dropout:
    """Draws the masks of one pass, one after another.

    The same key gives the same masks on the same kind of device. On the CPU an element is dropped
    with the probability next to p that 16 random bits can express (0.1 becomes 0.1000061), and
    what stays is scaled by exactly that; drawing them so costs a tenth of drawing floats.

    Args:
        key: numbers of 0 or more, such as seed and step.
    """

    def __init__(self, device: torch.device, *key: int) -> None:
        self.device = device
        self.bits = np.random.SFC64(np.random.SeedSequence(key))
        if device.type != "cpu":
            seed = int(self.bits.random_raw(1)[0] >> np.uint64(1))
            self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, x: Tensor, p: float) -> Tensor:
        """Drop elements of `x` [seeds, ...], the same ones for all seeds."""
        return x if p == 0 else x * self.mask(p, x.shape[1:])

    def mask(self, p: float, shape: torch.Size) -> Tensor:
        """Return the next mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
        if self.device.type != "cpu":
            mask = torch.empty(shape, device=self.device)
            return mask.bernoulli_(1 - p, generator=self.generator).div_(1 - p)
        drop = round(p * STEPS)
        words = self.bits.random_raw(-(-shape.numel() // 4)).view(np.int16)
        draws = torch.from_numpy(words[: shape.numel()]).view(shape)
        mask = torch.empty(shape)
        return torch.ge(draws, drop - STEPS // 2, out=mask).mul_(STEPS / (STEPS - drop))


def keep_all(x: Tensor, p: float) -> Tensor:
    """Stand in for `Dropout` where nothing is dropped."""
    return x


# Linear layers and selections with nothing to learn: backward costs what forward costs.


class FrozenLinear:
    """A linear layer whose weights are never trained.

    On the CPU in fp32 it is computed by oneDNN, which uses the widest instructions of processors
    of all makers, where the library behind `torch.nn.Linear` does not (on AMD, half the speed).

    Args:
        weight: [out, in], shared with its model, not copied, unless in another precision.
        bias: [out], or None.
        precision: of the product; what goes in and comes out stays as it is.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, precision: torch.dtype = torch.float32
    ) -> None:
        self.weight = weight.detach().to(precision)
        self.bias = None if bias is None else bias.detach().to(precision)

    def __call__(self, x: Tensor) -> Tensor:
        """Map [..., in] to [..., out]; differentiable in `x`."""
        if self.weight.dtype != x.dtype:
            return _RoundedLinear.apply(x, self.weight, self.bias)
        if not suits(x):
            return F.linear(x, self.weight, self.bias)
        return _LinearOfSeeds.apply(x, self.weight, self.bias)

    def gelu(self, x: Tensor) -> Tensor:
        """Return the exact GELU of the layer's output; not differentiable."""
        if self.weight.dtype != x.dtype or not suits(x):
            return F.gelu(self(x))
        return onednn(x, self.weight, self.bias, "gelu")


class _LinearOfSeeds(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.weight = weight
        return onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return onednn(gradient, ctx.weight.t(), None), None, None


class _RoundedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.weight = weight
        return F.linear(x.to(weight.dtype), weight, bias).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return (
            F.linear(gradient.to(ctx.weight.dtype), ctx.weight.t()).to(gradient.dtype),
            None,
            None,
        )


class Select(torch.autograd.Function):
    """`Select.apply(x, index)`: rows of [stack, rows, width] by an index that repeats none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor) -> Tensor:
        ctx.index, ctx.rows = index, x.shape[1]
        return x.index_select(1, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole = gradient.new_zeros(gradient.shape[0], ctx.rows, gradient.shape[2])
        return whole.index_copy_(1, ctx.index, gradient), None


class Pad(torch.autograd.Function):
    """`Pad.apply(x, pad, places)`: sequences padded, where nothing flows back from padding.

    Attention gives padding as a key no weight, and its output as a query is thrown away, so the
    gradient there is 0 and need not be added up.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: Tensor, places: Tensor) -> Tensor:
        ctx.places = places
        return x.index_select(1, pad)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(1, ctx.places), None, None


# Self-attention over packed sequences, padded group by group.


def attend(
    states: Tensor,
    firsts: Tensor | None,
    batch: PackedBatch,
    heads: int,
    drop: Dropout,
    p: float,
    window: int | None = None,
    relative: "Relative | None" = None,
) -> Tensor:
    """Return what each query attends to, [stack, queries, hidden], heads side by side.

    Filler among all tokens attends to nothing and gets any value.

    Args:
        states: [stack, tokens, 3 * hidden] queries, keys and values; or, if the first tokens alone
            ask, [stack, tokens, 2 * hidden] keys and values. Queries come scaled.
        firsts: [stack, sequences, hidden] queries of the first tokens, or None for all tokens.
        p: probability of dropping an attention weight.
        window: how many tokens away a query sees; None for all of its sequence.
        relative: what is added to scores for relative positions, if anything.
    """
    stack, _, width = states.shape
    groups = batch.groups
    *parts, filler = states.split([*(group.tokens for group in groups), batch.filler], 1)
    asking = firsts.split([group.sequences for group in groups], 1) if firsts is not None else ()
    size = (width // 2 if asking else width // 3) // heads
    found = []
    for group, part, first in zip(groups, parts, asking or repeat(None), strict=False):
        padded = part if group.pad is None else Pad.apply(part, group.pad, group.places)
        padded = padded.view(stack, group.sequences, group.length, -1, heads, size)
        inputs = list(padded.permute(3, 0, 1, 4, 2, 5).unbind(0))
        if first is not None:
            inputs.insert(0, first.reshape(stack, group.sequences, heads, 1, size))
        bias = group.bias if window is None else _nearby(group, window, inputs[0])
        places = None if relative is None else relative.scores(*inputs[:2])
        weighed = _attention(*inputs, bias, drop, p, places)
        weighed = weighed.transpose(2, 3).reshape(stack, -1, heads * size)
        whole = first is not None or group.places is None
        found.append(weighed if whole else Select.apply(weighed, group.places))
    if firsts is None:
        found.append(filler[..., : heads * size])
    return torch.cat(found, 1)


FAR = -1e30
"""Added to attention scores of keys beyond the window. It is finite, so that padding as a query,
which may see nothing but padding within the window, has weights that are numbers."""


def _nearby(group: PackedGroup, window: int, queries: Tensor) -> Tensor | None:
    """Return the bias [sequences, 1, first queries, length] with a window.

    Args:
        queries: [stack, sequences, heads, first queries, size].
    """
    if group.length <= window + 1:
        return group.bias
    place = torch.arange(group.length, device=queries.device)
    far = (place[: queries.shape[3], None] - place).abs() > window
    bias = torch.zeros(far.shape, device=queries.device).masked_fill(far, FAR)
    return bias.expand(group.sequences, 1, -1, -1) + (0 if group.bias is None else group.bias)


@dataclass(frozen=True)
class Relative:
    """Queries and keys of relative positions in one layer, [heads, places, size], queries scaled.

    `index` [length, length] says which of them a token (its row) meets another with.
    """

    queries: Tensor
    keys: Tensor
    index: Tensor

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return what is added to the scores of tokens [stack, sequences, heads, tokens, size].

        A token's query meets the key of the position, and its key the query of it (DeBERTa, He et
        al. 2021, arXiv 2006.03654, equation 4).
        """
        index = self.index[: queries.shape[3], : keys.shape[3]]
        of_queries, of_keys = queries @ self.keys.mT, keys @ self.queries.mT
        every = (*queries.shape[:3], -1, -1)
        met = of_queries.gather(-1, index.expand(every))
        return met + of_keys.gather(-1, index.T.expand(every)).mT


class RelativePositions:
    """The vectors of a DeBERTa's relative positions, from which each layer makes its own.

    Near positions have a vector each, far ones share those of their range (`position_buckets`).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        encoder, config = model.base_model.encoder, model.config
        self.vectors = encoder.get_rel_embedding().detach()
        self.p, self.heads = config.hidden_dropout_prob, config.num_attention_heads
        away = torch.arange(config.max_position_embeddings)[:, None]
        # The library's own positions of each token from the first one.
        self.away = build_relative_position(
            away, away[:1], encoder.position_buckets, encoder.max_relative_positions
        )[0, :, 0].to(self.vectors.device)

    def of(self, layer: "Layer", batch: PackedBatch, drop: Dropout) -> Relative:
        """Return those of a layer, as far as the sequences of a batch reach."""
        length = max(group.length for group in batch.groups)
        middle, last = len(self.vectors) // 2, len(self.vectors) - 1
        reach = min(int(self.away[length - 1]), middle)
        low, high = middle - reach, min(middle + reach, last)
        vectors = drop(self.vectors[None, low : high + 1], self.p)
        keys, _ = layer.offer(vectors).chunk(2, -1)
        queries, keys = (
            x[0].unflatten(-1, (self.heads, -1)).transpose(0, 1) for x in (layer.ask(vectors), keys)
        )
        place = torch.arange(length, device=vectors.device)
        away = place[:, None] - place
        index = away.sign() * self.away[away.abs()] + middle
        return Relative(queries, keys, index.clamp(0, last) - low)


def _attention(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    bias: Tensor | None,
    drop: Dropout,
    p: float,
    relative: Tensor | None = None,
) -> Tensor:
    """Attention over [stack, sequences, heads, length, size]."""
    if (p == 0 or drop is keep_all) and relative is None:
        stack = queries.shape[0]
        bias = None if bias is None else bias.repeat(stack, 1, 1, 1)
        flat = (x.flatten(0, 1) for x in (queries, keys, values))
        found = F.scaled_dot_product_attention(*flat, attn_mask=bias, scale=1.0)
        return found.unflatten(0, (stack, -1))
    scores = queries @ keys.mT
    if relative is not None:
        scores = scores + relative
    if bias is not None:
        scores = scores + bias
    return drop(scores.softmax(-1), p) @ values


# A frozen encoder with adapters, over packed batches and several seeds in one pass.
#
# The same function as the model of the `adapters` library with `seq_bn` in it, computed for the
# tokens alone, from the model's own weights. What precedes the first adapter is the same for all
# seeds and stands apart, in `start`.

Adapter = Callable[[int, nn.LayerNorm | None, Tensor], Tensor]
"""Maps layer, its norm and the states before it [1 or stack, tokens, hidden] to its output.

Without a norm, the states are [..., 2 * hidden]: the layer's output, to which the adapter adds, and
what the adapter reads.
"""


@dataclass(frozen=True)
class Layer:
    """A layer's frozen parts; `ask`, `offer` and `attend` make queries, keys and values, or all."""

    ask: FrozenLinear
    offer: FrozenLinear
    attend: FrozenLinear
    attended: FrozenLinear
    attention_norm: nn.LayerNorm
    widen: FrozenLinear
    activation: nn.Module
    narrow: FrozenLinear
    norm: nn.LayerNorm
    p_weights: float
    p_attended: float
    p_ffn: float


class PackedEncoder:
    """The encoder of a model that `adapter.load_encoder` made.

    Args:
        classify: the head reads first tokens alone.
        precision: of products with its weights.
    """

    def __init__(
        self, model: PreTrainedModel, classify: bool, precision: torch.dtype = torch.float32
    ) -> None:
        self.classify = classify
        self.embeddings = model.base_model.embeddings
        # Of an ELECTRA whose embeddings are not as wide as its layers.
        self.project = getattr(model.base_model, "embeddings_project", None)
        self.heads = model.config.num_attention_heads
        names, freeze = family_of(model.config), partial(FrozenLinear, precision=precision)
        self.positions = RelativePositions(model) if names.positions else None
        self.layers = [_layer(layer, names, self.heads, freeze) for layer in layers_of(model)]

    def start(self, batch: PackedBatch, drop: Dropout) -> Tensor:
        """Return the states before the first adapter, [1, tokens, hidden]."""
        parts = self.embeddings
        states = parts.word_embeddings(batch.ids)
        if getattr(parts, "token_type_embeddings", None) is not None:
            states = states + parts.token_type_embeddings.weight[0]
        if self.positions is None:
            states = states + parts.position_embeddings(batch.positions)
        states = drop(parts.LayerNorm(states)[None], parts.dropout.p)
        states = states if self.project is None else self.project(states)
        return self._layer(0, states, batch, drop)

    def finish(self, start: Tensor, batch: PackedBatch, adapter: Adapter, drop: Dropout) -> Tensor:
        """Return the last states of the tokens that the head reads, [stack, wanted, hidden]."""
        states = start
        for number, layer in enumerate(self.layers):
            if number:
                states = self._layer(number, states, batch, drop)
            states = adapter(number, layer.norm, states)
        return states

    def _layer(self, number: int, states: Tensor, batch: PackedBatch, drop: Dropout) -> Tensor:
        """Map a layer's input to the sum that its last norm and its adapter see.

        Of the last layer, only what the head reads is computed.
        """
        layer, last = self.layers[number], number == len(self.layers) - 1
        relative = self.positions and self.positions.of(layer, batch, drop)
        given = (batch, self.heads, drop, layer.p_weights, None, relative)
        if last and self.classify:
            inputs = Select.apply(states, batch.starts)
            context = attend(layer.offer(states), layer.ask(inputs), *given)
        else:
            inputs, context = states, attend(layer.attend(states), None, *given)
            if last:
                inputs = Select.apply(states, batch.wanted)
                context = Select.apply(context, batch.wanted)
        context = drop(layer.attended(context), layer.p_attended)
        attended = layer.attention_norm(context + inputs)
        return drop(layer.narrow(_widened(layer, attended)), layer.p_ffn) + attended


def _widened(layer: Layer, states: Tensor) -> Tensor:
    exact = getattr(layer.activation, "act", None) is F.gelu
    if exact and not (torch.is_grad_enabled() and states.requires_grad):
        return layer.widen.gelu(states)
    return layer.activation(layer.widen(states))


Freeze = Callable[[Tensor, Tensor | None], FrozenLinear]


def _layer(layer: nn.Module, names: Family, heads: int, freeze: Freeze) -> Layer:
    attended, widen, narrow = (
        layer.get_submodule(name) for name in (names.mixing, names.inner, names.outer)
    )
    found = {
        "attended": freeze(attended.weight, attended.bias),
        "widen": freeze(widen.weight, widen.bias),
        "narrow": freeze(narrow.weight, narrow.bias),
    }
    query, key, value = map(layer.get_submodule, names.projections)
    asked = _projections(freeze, query, key, value, heads, 3 if names.positions else 1)
    if hasattr(layer, "ffn"):  # DistilBERT
        return Layer(
            *asked,
            **found,
            attention_norm=layer.sa_layer_norm,
            activation=layer.ffn.activation,
            norm=layer.output_layer_norm,
            p_weights=layer.attention.dropout_prob,
            p_attended=0.0,
            p_ffn=layer.ffn.dropout.p,
        )
    return Layer(
        *asked,
        **found,
        attention_norm=layer.attention.output.LayerNorm,
        activation=layer.intermediate.intermediate_act_fn,
        norm=layer.output.LayerNorm,
        p_weights=layer.attention.self.dropout.p,
        p_attended=layer.attention.output.dropout.p,
        p_ffn=layer.output.dropout.p,
    )


def _projections(
    freeze: Freeze, query: nn.Linear, key: nn.Linear, value: nn.Linear, heads: int, terms: int
) -> tuple[FrozenLinear, FrozenLinear, FrozenLinear]:
    """Return the layers that make queries, keys and values, and all three; queries come scaled.

    Args:
        terms: how many products of vectors a score is the sum of.
    """
    width = query.out_features
    scale = (width // heads * terms) ** -0.5
    weight = torch.cat([query.weight * scale, key.weight, value.weight]).detach()
    bias = torch.cat([query.bias * scale, key.bias, value.bias]).detach()
    return (
        freeze(weight[:width], bias[:width]),
        freeze(weight[width:], bias[width:]),
        freeze(weight, bias),
    )


# The same of a ModernBERT: norms come first, positions turn queries and keys, neurons are gated.
#
# The library's adapter is added to the layer's output there, and reads the feed-forward part's
# output together with its normalised input.


@dataclass(frozen=True)
class GatedLayer:
    """A layer's frozen parts, as in `Layer`; `window` is how far it sees, None for everything."""

    attention_norm: nn.Module
    ask: FrozenLinear
    offer: FrozenLinear
    attend: FrozenLinear
    rotary: nn.Module
    window: int | None
    attended: FrozenLinear
    ffn_norm: nn.LayerNorm
    widen: FrozenLinear
    activation: nn.Module
    narrow: FrozenLinear
    p_weights: float
    p_attended: float
    p_ffn: float


class GatedEncoder:
    """The encoder of a ModernBERT, see `PackedEncoder`."""

    def __init__(
        self, model: PreTrainedModel, classify: bool, precision: torch.dtype = torch.float32
    ) -> None:
        base = model.base_model
        self.classify = classify
        self.embeddings, self.norm = base.embeddings, base.final_norm
        self.heads = model.config.num_attention_heads
        freeze = partial(FrozenLinear, precision=precision)
        self.layers = [_gated_layer(layer, freeze) for layer in base.layers]

    def start(self, batch: PackedBatch, drop: Dropout) -> Tensor:
        """Return what the first adapter sees, [1, tokens, 2 * hidden]."""
        parts = self.embeddings
        states = parts.norm(parts.tok_embeddings(batch.ids))[None]
        return self._layer(0, drop(states, parts.drop.p), batch, drop)

    def finish(self, start: Tensor, batch: PackedBatch, adapter: Adapter, drop: Dropout) -> Tensor:
        """Return the last states of the tokens that the head reads, [stack, wanted, hidden]."""
        states = start
        for number in range(len(self.layers)):
            if number:
                states = self._layer(number, states, batch, drop)
            states = adapter(number, None, states)
        return self.norm(states)

    def _layer(self, number: int, states: Tensor, batch: PackedBatch, drop: Dropout) -> Tensor:
        """Map a layer's input to its output and what its adapter reads, side by side.

        Of the last layer, only what the head reads is computed.
        """
        layer, last = self.layers[number], number == len(self.layers) - 1
        given = (batch, self.heads, drop, layer.p_weights, layer.window)
        normed = layer.attention_norm(states)
        if last and self.classify:  # first tokens have position 0, which turns nothing
            asked = layer.ask(Select.apply(normed, batch.starts))
            inputs = Select.apply(states, batch.starts)
            context = attend(self._turned(layer, layer.offer(normed), 1, batch), asked, *given)
        else:
            turned = self._turned(layer, layer.attend(normed), 2, batch)
            inputs, context = states, attend(turned, None, *given)
            if last:
                inputs = Select.apply(states, batch.wanted)
                context = Select.apply(context, batch.wanted)
        attended = inputs + drop(layer.attended(context), layer.p_attended)
        normed = layer.ffn_norm(attended)
        inner, gate = layer.widen(normed).chunk(2, -1)
        made = layer.narrow(drop(layer.activation(inner) * gate, layer.p_ffn))
        return torch.cat([attended + made, made + normed], -1)

    def _turned(self, layer: GatedLayer, states: Tensor, count: int, batch: PackedBatch) -> Tensor:
        """Turn the first `count` of queries, keys and values by their positions."""
        width = layer.attended.weight.shape[0]
        parts = states.unflatten(-1, (-1, self.heads, width // self.heads))
        cos, sin = (
            x[:, :, None, None] for x in layer.rotary(states, position_ids=batch.positions[None])
        )
        turned = parts[:, :, :count]
        first, second = turned.chunk(2, -1)
        turned = turned * cos + torch.cat([-second, first], -1) * sin
        return torch.cat([turned, parts[:, :, count:]], 2).flatten(2)


def _gated_layer(layer: nn.Module, freeze: Freeze) -> GatedLayer:
    inner, ffn = layer.attn, layer.mlp
    near = inner.local_attention[0]
    size = len(inner.Wqkv.weight) // 3
    scale = torch.ones(3 * size, 1, device=inner.Wqkv.weight.device)
    scale[:size] = inner.head_dim**-0.5
    weight = inner.Wqkv.weight.detach() * scale
    bias = None if inner.Wqkv.bias is None else inner.Wqkv.bias.detach() * scale[:, 0]
    return GatedLayer(
        attention_norm=layer.attn_norm,
        ask=freeze(weight[:size], None if bias is None else bias[:size]),
        offer=freeze(weight[size:], None if bias is None else bias[size:]),
        attend=freeze(weight, bias),
        rotary=inner.rotary_emb,
        window=None if near < 0 else near,
        attended=freeze(inner.Wo.weight, inner.Wo.bias),
        ffn_norm=layer.mlp_norm,
        widen=freeze(ffn.Wi.weight, ffn.Wi.bias),
        activation=ffn.act,
        narrow=freeze(ffn.Wo.weight, ffn.Wo.bias),
        p_weights=inner.attention_dropout,
        p_attended=getattr(inner.out_drop, "p", 0.0),
        p_ffn=ffn.drop.p,
    )


def packed_encoder(
    model: PreTrainedModel, classify: bool, precision: torch.dtype = torch.float32
) -> PackedEncoder | GatedEncoder:
    """Return the encoder of a model, see `PackedEncoder`."""
    made = GatedEncoder if family_of(model.config).gated else PackedEncoder
    return made(model, classify, precision)
