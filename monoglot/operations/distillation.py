"""Distillation: what a student is compared with, and how far it is from its teacher."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from monoglot import heads
from monoglot.operations.losses import logit_kl, logit_mse
from monoglot.operations.training_batches import Batch
from monoglot.operations.training_settings import Settings


@dataclass(frozen=True)
class Compared:
    """What of a model's outputs on a batch is compared.

    `transformed` are the hidden states just before the decoder, [compared positions, hidden].
    """

    transformed: Tensor


class Distillation:
    """A frozen teacher, and the distance of a student to it."""

    def __init__(self, teacher: PreTrainedModel, settings: Settings) -> None:
        self.teacher = teacher.eval().requires_grad_(False)
        self._settings = settings

    def target(self, batch: Batch) -> Compared:
        """Return what the teacher makes of a batch."""
        hidden = heads.encode(self.teacher, batch.ids, batch.attention_mask)
        return self.compared(self.teacher, hidden.flatten(0, 1), batch)

    def compared(self, model: PreTrainedModel, hidden: Tensor, batch: Batch) -> Compared:
        """Pick what is compared out of a model's last hidden states, [all positions, hidden]."""
        positions = batch.positions(self._settings.positions)
        return Compared(heads.transform(model, hidden[positions]).float())

    def loss(
        self, student: PreTrainedModel, ours: Compared, target: Compared, batch: Batch
    ) -> Tensor:
        """Return the distance between the logits of student and teacher."""
        one, other = heads.decoder(student), heads.decoder(self.teacher)
        if self._settings.loss == "mse":
            return logit_mse(ours.transformed, *one, target.transformed, *other)
        return logit_kl(
            F.linear(ours.transformed, *one),
            F.linear(target.transformed, *other),
            self._settings.temperature,
            len(batch.ids) if self._settings.kl_mean == "sequence" else None,
        )
