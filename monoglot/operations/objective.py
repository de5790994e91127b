"""What a model is trained on: alpha · masked LM + (1 - alpha) · distance to its teacher.

Without a teacher it is masked LM alone. A step or an evaluation is one `Pass`, given batch by
batch; its losses are means over all of it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from monoglot import heads
from monoglot.operations.attention import attention_errors
from monoglot.operations.distillation import Compared, Distillation
from monoglot.operations.losses import CrossEntropy
from monoglot.operations.training_batches import Batch, Size
from monoglot.operations.training_settings import Settings


class Objective:
    """The loss of a student.

    Args:
        distillation: None for masked LM alone.
        precision: makes the context that encoders run in.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        distillation: Distillation | None,
        settings: Settings,
        precision: Callable[[], AbstractContextManager],
    ) -> None:
        self.student, self.distillation = student, distillation
        self.settings, self.precision = settings, precision

    def over(self, size: Size, training: bool) -> "Pass":
        """Begin a pass over as many positions and sequences as `size` says."""
        return Pass(self, size, training)

    @torch.no_grad()
    def target(self, batch: Batch) -> Compared | None:
        """Return what the teacher makes of a batch, if there is a teacher."""
        if not self.distillation:
            return None
        with self.precision():
            return self.distillation.target(batch)


class Pass:
    """The losses over one step or evaluation; in training also their gradients.

    Attributes:
        mlm, distance: the losses so far, 0-dimensional and in fp32.
    """

    def __init__(self, objective: Objective, size: Size, training: bool) -> None:
        self._of, self._training = objective, training
        student, settings = objective.student, objective.settings
        distillation = objective.distillation
        self._alpha = settings.alpha if distillation else 1.0
        self._weight = settings.attention_weight
        self._pairs = size.pairs
        self._masked_lm = CrossEntropy(
            heads.decoder(student), size.masked, self._alpha if training else None
        )
        self._logits = None
        if distillation:
            factor = (1 - self._alpha) * (1 - self._weight) if training else None
            self._logits = distillation.of_logits(student, size.compared, size.sequences, factor)
        self.mlm = torch.zeros((), device=student.device)
        self.distance = torch.zeros((), device=student.device)

    @property
    def total(self) -> Tensor:
        """The loss that is trained on."""
        return self._alpha * self.mlm + (1 - self._alpha) * self.distance

    @property
    def hits(self) -> Tensor:
        """Masked pieces that the student found, 0-dimensional."""
        return self._masked_lm.hits

    def add(self, batch: Batch, target: Compared | None) -> None:
        """Take a batch into the losses and, in training, its gradients to the parameters."""
        with self._of.precision():
            ours, at_masked = self._outputs(batch)
        hidden = ours.transformed.detach()
        gradient = torch.zeros_like(hidden) if self._training else None
        mlm = self._masked_lm.part(hidden[at_masked], batch.masked_labels())
        self.mlm += mlm.loss
        if self._training:
            gradient[at_masked] = mlm.gradient
        if target is not None:
            distance = self._logits.part(hidden, target.transformed)
            self.distance += (1 - self._weight) * distance.loss
            if self._training:
                gradient += distance.gradient
        attention = self._attention(ours, target, batch)
        if attention is not None:
            self.distance += attention.detach()
        if self._training:
            losses, gradients = [ours.transformed], [gradient]
            if attention is not None:
                losses.append((1 - self._alpha) * attention)
                gradients.append(None)
            torch.autograd.backward(losses, gradients)

    def finish(self) -> None:
        """End the pass; after it, in training, all gradients are there."""
        self._masked_lm.finish()
        if self._logits:
            self._logits.finish()

    def _outputs(self, batch: Batch) -> tuple[Compared, Tensor]:
        """Return the student's outputs, and which of their positions are masked ones."""
        student, distillation = self._of.student, self._of.distillation
        if distillation:
            ours = distillation.compared(student, batch)
            return ours, batch.masked_among(self._of.settings.positions)
        hidden = heads.encode(student, batch.ids, batch.attention_mask).flatten(0, 1)
        transformed = heads.transform(student, batch.at(hidden, "masked")).float()
        return Compared(transformed, None), batch.masked_among("masked")

    def _attention(self, ours: Compared, target: Compared | None, batch: Batch) -> Tensor | None:
        """Return the weighted distance of attention, if it is compared."""
        if ours.attention is None:
            return None
        projected = self._of.distillation.projection(ours.attention)
        errors = attention_errors(projected, target.attention, batch.attention_mask)
        return self._weight * errors / self._pairs
