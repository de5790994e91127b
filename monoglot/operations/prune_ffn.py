"""The parent with fewer feed-forward neurons, the least important ones removed."""

import copy
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from monoglot import heads
from monoglot.errors import UserError
from monoglot.masking import IGNORED, mask_tokens
from monoglot.tokens.batches import collate

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from monoglot.tokens.store import TokenStore

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

IMPORTANCE = ("gradient_weight", "gradient")
BATCH_SIZE = 8
MASK_PROBABILITY = 0.15


def prune_ffn(
    model: "PreTrainedModel",
    store: "TokenStore",
    size: int,
    importance: str,
    max_length: int,
    seed: int,
) -> "PreTrainedModel":
    """Return a copy of `model` with the `size` most important neurons of every FFN.

    Paper, section 2.2: one shot, no rescaling, no training afterwards. Attention heads keep their
    order; the paper's code permutes them, which changes no output.

    Args:
        model: a masked language model; it stays as it is.
        store: the validation text under the model's tokenizer.
        size: neurons to keep in each layer.
        importance: one of `IMPORTANCE`; see `ffn_importance`.
        max_length: longest sequence in tokens, special ones included; longer ones are cut.
        seed: seed of the masks.

    Raises:
        UserError: if the size, the measure, the length or the store does not fit the model.
    """
    if not 1 <= size <= model.config.intermediate_size:
        raise UserError(
            f"cannot keep {size} feed-forward neurons of {model.config.intermediate_size}; "
            f"give a number from 1 to {model.config.intermediate_size}"
        )
    batches = validation_batches(model, store, max_length)
    scores = ffn_importance(model, batches, store.meta["mask"], importance, seed)
    order = scores.sort(dim=1, descending=True, stable=True).indices  # ties: lower index first
    return keep_neurons(model, list(order[:, :size]))


def ffn_importance(
    model: "PreTrainedModel", batches: Iterable[Batch], mask_id: int, importance: str, seed: int
) -> torch.Tensor:
    """Score every feed-forward neuron by the masked-LM loss on `batches`.

    With W (one row for each neuron) and b of a layer's first feed-forward matrix and the mean loss
    L of one batch, a neuron i gets, summed over the batches,

    - `gradient_weight`: |sum_j dL/dW_ij W_ij + dL/db_i b_i|, the first-order change of the loss
      if the neuron were zero (the paper's code);
    - `gradient`: sum_j |dL/dW_ij| + |dL/db_i| (the paper's text, section 2.2).

    Args:
        model: a masked language model; it is put in evaluation mode, its weights stay.
        batches: `ids`, `attention_mask`, `special_mask`, as `collate` returns them.
        mask_id: id of the mask token.
        importance: one of `IMPORTANCE`.
        seed: seed of the masks: 15 % of the tokens, 80/10/10.

    Returns:
        Scores on the CPU, float64, shape [layers, neurons].

    Raises:
        UserError: for an unknown measure, or if the text is too short to mask a single token.
    """
    if importance not in IMPORTANCE:
        raise UserError(
            f"importance '{importance}' is not known; use one of {', '.join(IMPORTANCE)}"
        )
    model.eval()
    dense = [layer.intermediate.dense for layer in model.base_model.encoder.layer]
    scores = torch.zeros(len(dense), model.config.intermediate_size, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    scored = False
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, model.config.vocab_size, MASK_PROBABILITY, generator
        )
        if (labels == IGNORED).all():
            continue  # the mean over no position is not a number
        loss = _loss(model, masked, attention_mask, labels)
        scores += _batch_scores(loss, dense, importance)
        scored = True
    if not scored:
        raise UserError("the validation text has no token that was masked; give more text")
    return scores


def keep_neurons(model: "PreTrainedModel", kept: list[torch.Tensor]) -> "PreTrainedModel":
    """Return a copy of `model` whose layer l has the feed-forward neurons `kept[l]`, in that order.

    Args:
        model: a masked language model; it stays as it is.
        kept: for each layer the neurons' indices, int64, all of one length.

    Raises:
        UserError: unless there is one list for each layer, all of one length.
    """
    sizes = {len(rows) for rows in kept}
    if len(kept) != model.config.num_hidden_layers or len(sizes) != 1:
        raise UserError(
            f"kept neurons: {len(kept)} layers with sizes {sorted(sizes)} do not fit a model of "
            f"{model.config.num_hidden_layers} layers; all must keep the same number"
        )
    smaller = copy.deepcopy(model)
    smaller.config.intermediate_size = sizes.pop()
    for layer, rows in zip(smaller.base_model.encoder.layer, kept, strict=True):
        inner, outer = layer.intermediate.dense, layer.output.dense
        inner.weight = torch.nn.Parameter(inner.weight.detach()[rows])
        inner.bias = torch.nn.Parameter(inner.bias.detach()[rows])
        outer.weight = torch.nn.Parameter(outer.weight.detach()[:, rows])
        inner.out_features = outer.in_features = len(rows)
    return smaller.eval()


def validation_batches(
    model: "PreTrainedModel", store: "TokenStore", max_length: int
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
    # XLM-R numbers positions from pad_token_id + 1 on.
    offset = 0 if config.model_type == "bert" else config.pad_token_id + 1
    longest = config.max_position_embeddings - offset
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


def _loss(
    model: "PreTrainedModel",
    ids: torch.Tensor,
    attention_mask: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Return the mean masked-LM loss, with the vocabulary head on the masked positions alone."""
    ids, attention_mask, labels = (t.to(model.device) for t in (ids, attention_mask, labels))
    chosen = labels != IGNORED
    hidden = heads.encode(model, ids, attention_mask)[chosen]
    return cross_entropy(heads.logits(model, heads.transform(model, hidden)), labels[chosen])


def _batch_scores(
    loss: torch.Tensor, dense: list[torch.nn.Linear], importance: str
) -> torch.Tensor:
    weights, biases = [d.weight for d in dense], [d.bias for d in dense]
    gradients = torch.autograd.grad(loss, weights + biases)
    rows = []
    for w, b, dw, db in zip(
        weights, biases, gradients[: len(dense)], gradients[len(dense) :], strict=True
    ):
        if importance == "gradient_weight":
            rows.append(((dw * w.detach()).sum(1) + db * b.detach()).abs())
        else:
            rows.append(dw.abs().sum(1) + db.abs())
    return torch.stack(rows).double().cpu()
