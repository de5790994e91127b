"""The two halves of a masked-LM head, under one name for every family.

A head first transforms hidden states (dense, GELU, LayerNorm), then multiplies them with the word
embeddings. Losses need the halves apart: the product with the whole vocabulary is what costs.
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


def encode(model: PreTrainedModel, ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the encoder's last hidden states, [batch, length, hidden]."""
    return _outputs(model, ids, attention_mask).last_hidden_state


def encode_with_attention(
    model: PreTrainedModel, ids: Tensor, attention_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the last hidden states and the last layer's attention, the mean over its heads.

    The attention is [batch, length, length]: how much each token attends to each, zero from and to
    padding. The model must have been loaded with eager attention.
    """
    output = _outputs(model, ids, attention_mask, output_attentions=True)
    attention = output.attentions[-1].mean(dim=1)
    return output.last_hidden_state, attention * attention_mask[:, :, None]


def transform(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Apply the first half of the head to hidden states of shape [..., hidden]."""
    if model.config.model_type == "bert":
        return model.cls.predictions.transform(hidden)
    if model.config.model_type == "distilbert":
        return model.vocab_layer_norm(model.activation(model.vocab_transform(hidden)))
    head = model.lm_head
    return head.layer_norm(F.gelu(head.dense(hidden)))


def decoder(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """Return the decoder's weight [vocabulary, hidden] and bias [vocabulary]."""
    layer = model.get_output_embeddings()
    return layer.weight, layer.bias


def logits(model: PreTrainedModel, transformed: Tensor) -> Tensor:
    """Return logits [..., vocabulary] of transformed hidden states [..., hidden]."""
    return torch.nn.functional.linear(transformed, *decoder(model))


def _outputs(model: PreTrainedModel, ids: Tensor, mask: Tensor, **more: bool) -> BaseModelOutput:
    # Asked for, because a configuration may say that outputs are tuples.
    return model.base_model(input_ids=ids, attention_mask=mask, return_dict=True, **more)
