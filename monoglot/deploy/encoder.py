"""The plain encoder of a checkpoint: from token ids to the last layer's states."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertModel, DistilBertModel, PreTrainedModel, XLMRobertaModel

from monoglot.checkpoint_files import check
from monoglot.checkpoints import from_safetensors
from monoglot.errors import UserError

FAMILIES: dict[str, tuple[type[PreTrainedModel], dict[str, bool]]] = {
    "bert": (BertModel, {"add_pooling_layer": False}),
    "xlm-roberta": (XLMRobertaModel, {"add_pooling_layer": False}),
    "distilbert": (DistilBertModel, {}),
}
"""Classes, and what takes the pooler away, which no checkpoint here has."""


def load_encoder(checkpoint: str | Path, attention: str | None = None) -> PreTrainedModel:
    """Load a checkpoint's encoder in fp32, in evaluation mode, without masked-LM head or pooler.

    `attention` is the library's implementation, `eager` or its own choice (None). Raises
    `UserError` if a file is missing or damaged, or weights are missing or not finite.
    """
    checkpoint = Path(checkpoint)
    encoder, options = FAMILIES[check(checkpoint).model_type]
    model, missing = from_safetensors(
        encoder, checkpoint, str(checkpoint), attn_implementation=attention, **options
    )
    if missing:
        raise UserError(f"{checkpoint}/model.safetensors: has no weights for {missing[0]}")
    return model.eval()


class States(nn.Module):
    """An encoder that takes ids and attention mask, [batch, length], in this order.

    It returns the last layer's states, [batch, length, hidden].
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.eval()  # the exporter puts the encoder back into the mode of what is around it

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class Logits(States):
    """The same with a head on top: its logits, [batch, classes] or [batch, length, classes]."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).logits


def example(model: PreTrainedModel, batch: int, length: int) -> tuple[Tensor, Tensor]:
    """Return random ids and their attention mask, [batch, length]; the last text is half as long.

    The same each time.
    """
    draw = torch.Generator().manual_seed(batch * 10_000 + length)
    ids = torch.randint(model.config.vocab_size, (batch, length), generator=draw)
    ids[ids == model.config.pad_token_id] += 1 if model.config.pad_token_id == 0 else -1
    mask = torch.ones_like(ids)
    if batch > 1:
        ids[-1, (length + 1) // 2 :] = model.config.pad_token_id
        mask[-1, (length + 1) // 2 :] = 0
    return ids, mask
