"""What matters in a model on some text: feed-forward neurons, attention heads, the stream.

The masked-LM loss depends on neurons and heads more or less; the residual stream has directions and
dimensions that hold more or less of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, layer_norm

from monoglot.errors import UserError
from monoglot.operations import surgery
from monoglot.operations.prune_ffn import NeuronMeasure
from monoglot.operations.surgery import family_of, ffn_size, layers_of, longest_input
from monoglot.training.batches import IGNORED, collate, mask_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from monoglot.tokens.encode import Documents

Batch = tuple[Tensor, Tensor, Tensor]

BATCH_SIZE = 8
MASK_PROBABILITY = 0.15


@dataclass(frozen=True)
class Importance:
    """Scores on the CPU, float64: `neurons` [layers, neurons], the other two [layers, heads]."""

    neurons: Tensor
    heads: Tensor
    cumulative_heads: Tensor


def importance(
    model: "PreTrainedModel",
    batches: Iterable[Batch],
    mask_id: int,
    measure: NeuronMeasure,
    seed: int,
) -> Importance:
    """Score feed-forward neurons and attention heads by the masked-LM loss on `batches`.

    With W (one row for each neuron) and b of a layer's first feed-forward matrix and the mean loss
    L of one batch, a neuron i gets, summed over the batches,

    - `gradient_weight`: |sum_j dL/dW_ij W_ij + dL/db_i b_i|, the first-order change of the loss
      if the neuron were zero before its activation function (the paper's code);
    - `gradient`: sum_j |dL/dW_ij| + |dL/db_i| (the paper's text, section 2.2);
    - `taylor`: |sum over tokens of dL/da_i a_i|, where a_i is what the neuron gives after its
      activation function: the first-order change of the loss if that were zero, as it is once the
      neuron is gone (Molchanov et al. 2017, arXiv 1611.06440). It enters only the product with
      column i of the second matrix V, hence this is |sum_j dL/dV_ji V_ji|.

    A gated neuron has two rows of W, and the sums go over both.

    A head gets |dL/dm|, summed over the batches, where m = 1 is a factor on its output (Michel et
    al. 2019, arXiv 1905.10650). The paper's code never sets that gradient back to zero, so that a
    batch adds |dL/dm summed over all batches so far|: `cumulative_heads`. The head's output only
    enters the product with its columns O of the attention's output matrix, hence
    dL/dm = sum_ij dL/dO_ij O_ij.

    Args:
        model: a masked language model; it is put in evaluation mode, its weights stay.
        batches: `ids`, `attention_mask`, `special_mask`, as `collate` returns them.
        mask_id: id of the mask token.
        measure: of neurons.
        seed: seed of the masks: 15 % of the tokens, 80/10/10.

    Raises:
        UserError: if the text is too short to mask a single token.
    """
    model.eval()
    config = model.config
    layers = len(layers_of(model))
    neurons = torch.zeros(layers, ffn_size(config), dtype=torch.float64)
    absolute = torch.zeros(layers, config.num_attention_heads, dtype=torch.float64)
    so_far, cumulative = torch.zeros_like(absolute), torch.zeros_like(absolute)
    generator = torch.Generator().manual_seed(seed)
    scored = False
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, config.vocab_size, MASK_PROBABILITY, generator
        )
        if (labels == IGNORED).all():
            continue  # the mean over no position is not a number
        loss = _loss(model, masked, attention_mask, labels)
        of_neurons, of_heads = _batch_scores(loss, model, measure)
        neurons += of_neurons
        so_far += of_heads
        absolute += of_heads.abs()
        cumulative += so_far.abs()
        scored = True
    if not scored:
        raise UserError("the validation text has no token that was masked; give more text")
    return Importance(neurons, absolute, cumulative)


@dataclass(frozen=True)
class Stream:
    """What the residual stream holds on some text, float64.

    Attributes:
        moments: second moments of the hidden states, each less its mean over dimensions, summed
            over layers that are scaled to the same trace; [hidden, hidden].
        magnitudes: mean absolute value of each dimension, summed over layers; [hidden].
    """

    moments: Tensor
    magnitudes: Tensor


@torch.no_grad()
def stream(model: "PreTrainedModel", batches: Iterable[Batch]) -> Stream:
    """Measure the residual stream after the embeddings and after each layer.

    That is after a LayerNorm each time; where an architecture has its norms within layers, the
    states are taken as these see them, normalised. Later layers have longer vectors than earlier
    ones, hence the scaling.

    Args:
        model: a masked language model or an encoder; it is put in evaluation mode.
        batches: `ids`, `attention_mask`, `special_mask`, as `collate` returns them.

    Raises:
        UserError: there is no batch.
    """
    model.eval()
    layers, hidden = model.config.num_hidden_layers + 1, model.config.hidden_size
    moments = torch.zeros(layers, hidden, hidden, dtype=torch.float64)
    magnitudes = torch.zeros(layers, hidden, dtype=torch.float64)
    tokens = 0
    for ids, attention_mask, _ in batches:
        states = surgery.encode_all(model, ids.to(model.device), attention_mask.to(model.device))
        present = attention_mask.bool()
        tokens += int(present.sum())
        for number, layer in enumerate(states):
            rows = layer.cpu()[present]
            if family_of(model.config).pre_norm:
                rows = layer_norm(rows, rows.shape[-1:])
            moments[number] += surgery.gram(rows)
            magnitudes[number] += rows.double().abs().sum(0)
    if not tokens:
        raise UserError("the validation text has no token; give some text")
    scaled = [one / one.trace() for one in map(surgery.centred, moments)]
    return Stream(torch.stack(scaled).sum(0), magnitudes.sum(0) / tokens)


def validation_batches(
    model: "PreTrainedModel", store: "Documents", max_length: int
) -> Iterator[Batch]:
    """Return batches of 8 documents of `store` in order, padded to the longest of each.

    Raises `UserError` if the store's vocabulary is not the model's or `max_length` is too long.
    """
    config = model.config
    if store.meta["vocab"] != config.vocab_size:
        raise UserError(
            f"the validation tokens come from a vocabulary of {store.meta['vocab']}, the model has "
            f"{config.vocab_size}; encode the text with the model's own tokenizer"
        )
    longest = longest_input(config)
    if not 3 <= max_length <= longest:
        raise UserError(
            f"max_length {max_length} does not fit the model; give a number from 3 to {longest}"
        )
    return (
        collate(
            [store[i] for i in range(start, min(start + BATCH_SIZE, len(store)))],
            store.meta,
            max_length,
        )
        for start in range(0, len(store), BATCH_SIZE)
    )


def _loss(model: "PreTrainedModel", ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
    """Return the mean masked-LM loss, with the vocabulary head on the masked positions alone."""
    ids, attention_mask, labels = (t.to(model.device) for t in (ids, attention_mask, labels))
    chosen = labels != IGNORED
    hidden = surgery.encode(model, ids, attention_mask)[chosen]
    return cross_entropy(surgery.logits(model, surgery.transform(model, hidden)), labels[chosen])


def _batch_scores(loss: Tensor, model: "PreTrainedModel", measure: str) -> tuple[Tensor, Tensor]:
    """Return a batch's scores of neurons, and of heads with their sign."""
    layers, names = layers_of(model), family_of(model.config)
    inner = [list(layer.get_submodule(names.inner).parameters()) for layer in layers]
    outer, mixing = (
        [layer.get_submodule(name).weight for layer in layers]
        for name in (names.outer, names.mixing)
    )
    learned = [*chain.from_iterable(inner), *outer, *mixing]
    gradients = iter(torch.autograd.grad(loss, learned))
    rows = []
    for parts in inner:  # weight, and bias if there is one
        slopes = [next(gradients) for _ in parts]
        if measure == "gradient_weight":
            terms = [slope * part.detach() for slope, part in zip(slopes, parts, strict=True)]
        else:
            terms = [slope.abs() for slope in slopes]
        of_rows = sum(term.flatten(1).sum(1) if term.dim() > 1 else term for term in terms)
        rows.append(of_rows.unflatten(0, (1 + names.gated, -1)).sum(0).abs())
    columns = [(next(gradients) * v.detach()).sum(0).abs() for v in outer]
    rows = columns if measure == "taylor" else rows
    mixed = list(gradients)
    columns = [(do * o.detach()).sum(0) for o, do in zip(mixing, mixed, strict=True)]
    by_head = torch.stack(columns).unflatten(1, (model.config.num_attention_heads, -1)).sum(2)
    return torch.stack(rows).double().cpu(), by_head.double().cpu()
