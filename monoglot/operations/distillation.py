"""Distillation: what a student is compared with, and how far it is from its teacher."""

from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel

from monoglot import heads
from monoglot.operations.attention import AttentionProjection, attention_mse
from monoglot.operations.losses import hidden_kl, logit_mse
from monoglot.operations.training_batches import Batch
from monoglot.operations.training_settings import Settings


@dataclass(frozen=True)
class Compared:
    """What of a model's outputs on a batch is compared.

    `transformed` are the hidden states just before the decoder, [compared positions, hidden];
    `attention` is the last layer's, the mean over heads, [batch, length, length], or None.
    """

    transformed: Tensor
    attention: Tensor | None


class Distillation:
    """A frozen teacher, and the distance of a student to it.

    distance = (1 - attention_weight) · distance of logits + attention_weight · that of attention.

    Attributes:
        projection: of the student's attention, to be trained with the student; None if attention
            is not compared.
    """

    def __init__(self, teacher: PreTrainedModel, settings: Settings) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._settings = settings
        self.projection: AttentionProjection | None = None
        if settings.attention_weight:
            projection = AttentionProjection(settings.attention_projection, settings.max_length)
            self.projection = projection.to(teacher.device)

    def encode(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return a model's last hidden states, [all positions, hidden], and its attention."""
        if self.projection is None:
            return heads.encode(model, batch.ids, batch.attention_mask).flatten(0, 1), None
        hidden, attention = heads.encode_with_attention(model, batch.ids, batch.attention_mask)
        return hidden.flatten(0, 1), attention.float()

    def compared(
        self, model: PreTrainedModel, hidden: Tensor, attention: Tensor | None, batch: Batch
    ) -> Compared:
        """Pick what is compared out of what `encode` returns."""
        hidden = hidden[batch.positions(self._settings.positions)]
        return Compared(heads.transform(model, hidden).float(), attention)

    def target(self, batch: Batch) -> Compared:
        """Return what the teacher makes of a batch."""
        return self.compared(self._teacher, *self.encode(self._teacher, batch), batch)

    def loss(
        self, student: PreTrainedModel, ours: Compared, target: Compared, batch: Batch
    ) -> Tensor:
        """Return the distance between student and teacher."""
        logits = self._logits(student, ours.transformed, target.transformed, len(batch.ids))
        if self.projection is None:
            return logits
        projected = self.projection(ours.attention)
        attention = attention_mse(projected, target.attention, batch.attention_mask)
        weight = self._settings.attention_weight
        return (1 - weight) * logits + weight * attention

    def _logits(self, student: PreTrainedModel, ours: Tensor, theirs: Tensor, size: int) -> Tensor:
        own, others = heads.decoder(student), heads.decoder(self._teacher)
        if self._settings.loss == "mse":
            return logit_mse(ours, *own, theirs, *others)
        sequences = size if self._settings.kl_mean == "sequence" else None
        return hidden_kl(ours, own, theirs, others, self._settings.temperature, sequences)
