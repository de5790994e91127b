"""A frozen encoder with adapters, over packed batches and several seeds in one pass.

The same function as the model of the `adapters` library with `seq_bn` in it, computed for the
tokens alone, from the model's own weights. What precedes the first adapter is the same for all
seeds and stands apart, in `start`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from monoglot.evaluate.dropout import Dropout
from monoglot.evaluate.frozen import FrozenLinear, Select
from monoglot.evaluate.packed_attention import attend
from monoglot.evaluate.packing import Batch

Adapter = Callable[[int, nn.LayerNorm, Tensor], Tensor]
"""Maps layer, its norm and the states before it [1 or stack, tokens, hidden] to its output."""


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
    """

    def __init__(self, model: PreTrainedModel, classify: bool) -> None:
        base = model.base_model
        self.classify = classify
        self.embeddings = base.embeddings
        distil = model.config.model_type == "distilbert"
        self.heads = model.config.num_attention_heads
        layers = base.transformer.layer if distil else base.encoder.layer
        self.layers = [(_distilbert_layer if distil else _bert_layer)(x) for x in layers]

    def start(self, batch: Batch, drop: Dropout) -> Tensor:
        """Return the states before the first adapter, [1, tokens, hidden]."""
        parts = self.embeddings
        states = parts.word_embeddings(batch.ids)
        if hasattr(parts, "token_type_embeddings"):
            states = states + parts.token_type_embeddings.weight[0]
        states = states + parts.position_embeddings(batch.positions)
        states = drop(parts.LayerNorm(states)[None], parts.dropout.p)
        return self._layer(0, states, batch, drop)

    def finish(self, start: Tensor, batch: Batch, adapter: Adapter, drop: Dropout) -> Tensor:
        """Return the last states of the tokens that the head reads, [stack, wanted, hidden]."""
        states = start
        for number, layer in enumerate(self.layers):
            if number:
                states = self._layer(number, states, batch, drop)
            states = adapter(number, layer.norm, states)
        return states

    def _layer(self, number: int, states: Tensor, batch: Batch, drop: Dropout) -> Tensor:
        """Map a layer's input to the sum that its last norm and its adapter see.

        Of the last layer, only what the head reads is computed.
        """
        layer, last = self.layers[number], number == len(self.layers) - 1
        given = (batch, self.heads, drop, layer.p_weights)
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


def _bert_layer(layer: nn.Module) -> Layer:
    inner, out = layer.attention.self, layer.attention.output
    return Layer(
        *_projections(inner.query, inner.key, inner.value, inner.num_attention_heads),
        attended=_frozen(out.dense),
        attention_norm=out.LayerNorm,
        widen=_frozen(layer.intermediate.dense),
        activation=layer.intermediate.intermediate_act_fn,
        narrow=_frozen(layer.output.dense),
        norm=layer.output.LayerNorm,
        p_weights=inner.dropout_prob,
        p_attended=out.dropout.p,
        p_ffn=layer.output.dropout.p,
    )


def _distilbert_layer(layer: nn.Module) -> Layer:
    inner = layer.attention
    return Layer(
        *_projections(inner.q_lin, inner.k_lin, inner.v_lin, inner.n_heads),
        attended=_frozen(inner.out_lin),
        attention_norm=layer.sa_layer_norm,
        widen=_frozen(layer.ffn.lin1),
        activation=layer.ffn.activation,
        narrow=_frozen(layer.ffn.lin2),
        norm=layer.output_layer_norm,
        p_weights=inner.dropout_prob,
        p_attended=0.0,
        p_ffn=layer.ffn.dropout.p,
    )


def _frozen(linear: nn.Linear) -> FrozenLinear:
    return FrozenLinear(linear.weight, linear.bias)


def _projections(
    query: nn.Linear, key: nn.Linear, value: nn.Linear, heads: int
) -> tuple[FrozenLinear, FrozenLinear, FrozenLinear]:
    """Return the layers that make queries, keys and values, and all three; queries come scaled."""
    width = query.out_features
    scale = (width // heads) ** -0.5
    weight = torch.cat([query.weight * scale, key.weight, value.weight]).detach()
    bias = torch.cat([query.bias * scale, key.bias, value.bias]).detach()
    return (
        FrozenLinear(weight[:width], bias[:width]),
        FrozenLinear(weight[width:], bias[width:]),
        FrozenLinear(weight, bias),
    )
