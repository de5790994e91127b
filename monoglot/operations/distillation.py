"""Distillation: what a student is compared with, and how far it is from its teacher."""

from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel

from monoglot import heads
from monoglot.operations.attention import AttentionProjection
from monoglot.operations.losses import Divergence, SquaredError
from monoglot.operations.processes import Processes
from monoglot.operations.training_batches import Batch
from monoglot.operations.training_settings import Settings
from monoglot.products import inner_product


@dataclass(frozen=True)
class Compared:
    """What of a model's outputs on a batch is compared.

    `transformed` are the hidden states just before the decoder, [compared positions, hidden], in
    fp32; `attention` is the last layer's, the mean over heads, [batch, length, length], or None.
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

    def __init__(self, teacher: PreTrainedModel, settings: Settings, processes: Processes) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._settings, self._processes = settings, processes
        # It never changes, and is a quarter of what the squared error costs.
        weight, _ = heads.decoder(teacher)
        self._gram = inner_product(weight, weight) if settings.loss == "mse" else None
        self.projection: AttentionProjection | None = None
        if settings.attention_weight:
            projection = AttentionProjection(settings.attention_projection, settings.max_length)
            self.projection = projection.to(teacher.device)

    def target(self, batch: Batch) -> Compared:
        """Return what the teacher makes of a batch."""
        return self.compared(self._teacher, batch)

    def compared(self, model: PreTrainedModel, batch: Batch) -> Compared:
        """Return what `model`, student or teacher, makes of a batch."""
        hidden, attention = self._encode(model, batch)
        hidden = batch.at(hidden, self._settings.positions)
        return Compared(heads.transform(model, hidden).float(), attention)

    def of_logits(
        self, student: PreTrainedModel, positions: int, sequences: int, factor: float | None
    ) -> SquaredError | Divergence:
        """Return the distance of logits, of one step with so many compared positions."""
        own, others = heads.decoder(student), heads.decoder(self._teacher)
        if self._settings.loss == "mse":
            return SquaredError(own, others, positions, factor, self._gram, self._processes)
        divisor = sequences if self._settings.kl_mean == "sequence" else positions
        return Divergence(own, others, divisor, factor, self._settings.temperature)

    def _encode(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return a model's last hidden states, [all positions, hidden], and its attention."""
        if self.projection is None:
            return heads.encode(model, batch.ids, batch.attention_mask).flatten(0, 1), None
        hidden, attention = heads.encode_with_attention(model, batch.ids, batch.attention_mask)
        return hidden.flatten(0, 1), attention.float()
