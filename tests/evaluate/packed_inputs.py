"""What tests of packed training share: data of uneven lengths, and dropout switched off."""

import torch
from transformers import PreTrainedModel

from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

TASKS = {
    "classification": Classification(labels=["a", "b", "c"], metric="macro_f1").named("tc"),
    "tagging": Tagging(labels=["NOUN", "VERB", "X"], metric="word_accuracy").named("pos"),
}


def encoded(kind: str, pad: int, examples: int = 11, seed: int = 0) -> Encoded:
    """Return examples of 2 to 20 tokens; sentences have labels on most words."""
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 21, (examples,), generator=draw)
    column = torch.arange(int(lengths.max()))
    inside = column < lengths[:, None]
    ids = torch.randint(5, 60, inside.shape, generator=draw).masked_fill(~inside, pad)
    if kind == "classification":
        return Encoded(ids, lengths, torch.randint(0, 3, (examples,), generator=draw))
    special = (column == 0) | (column == lengths[:, None] - 1)
    words = (column // 2).expand_as(ids).masked_fill(~inside | special, -1)
    labels = torch.randint(0, 3, ids.shape, generator=draw)
    unlabelled = (words < 0) | (torch.rand(ids.shape, generator=draw) < 0.2)
    return Encoded(ids, lengths, labels.masked_fill(unlabelled, IGNORED), words)


def switch_off_dropout(model: PreTrainedModel) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    model.config.classifier_dropout = model.config.hidden_dropout_prob = 0.0
