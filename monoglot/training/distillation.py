"""Distillation: what a student is compared with, and how far it is from its teacher."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.operations import surgery
from monoglot.training.batches import Batch, Size
from monoglot.training.losses import (
    AttentionProjection,
    CrossEntropy,
    Divergence,
    SquaredError,
    attention_errors,
)
from monoglot.training.matmul import inner_product
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings


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
        weight, _ = surgery.decoder(teacher)
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
        return Compared(surgery.transform(model, hidden).float(), attention)

    def of_logits(
        self, student: PreTrainedModel, positions: int, sequences: int, factor: float | None
    ) -> SquaredError | Divergence:
        """Return the distance of logits, of one step with so many compared positions."""
        own, others = surgery.decoder(student), surgery.decoder(self._teacher)
        if self._settings.loss == "mse":
            return SquaredError(own, others, positions, factor, self._gram, self._processes)
        divisor = sequences if self._settings.kl_mean == "sequence" else positions
        return Divergence(own, others, divisor, factor, self._settings.temperature)

    def _encode(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return a model's last hidden states, [all positions, hidden], and its attention."""
        if self.projection is None:
            return surgery.encode(model, batch.ids, batch.attention_mask).flatten(0, 1), None
        hidden, attention = surgery.encode_with_attention(model, batch.ids, batch.attention_mask)
        return hidden.flatten(0, 1), attention.float()


# What a model is trained on: alpha · masked LM + (1 - alpha) · distance to its teacher.
#
# Without a teacher it is masked LM alone. A step or an evaluation is one `Pass`, given batch by
# batch; its losses are means over all of it.


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
            surgery.decoder(student), size.masked, self._alpha if training else None
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
        hidden = surgery.encode(student, batch.ids, batch.attention_mask).flatten(0, 1)
        transformed = surgery.transform(student, batch.at(hidden, "masked")).float()
        return Compared(transformed, None), batch.masked_among("masked")

    def _attention(self, ours: Compared, target: Compared | None, batch: Batch) -> Tensor | None:
        """Return the weighted distance of attention, if it is compared."""
        if ours.attention is None:
            return None
        projected = self._of.distillation.projection(ours.attention)
        errors = attention_errors(projected, target.attention, batch.attention_mask)
        return self._weight * errors / self._pairs


# Numbers of a running training for TensorBoard, if somebody asked for them.
#
# Asked for by an environment variable and not by the configuration, since it changes no result:
# turning it on runs nothing again.

VARIABLE = "MONOGLOT_TENSORBOARD"


class Scalars:
    """Writes the scalars of one run into a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                f"{VARIABLE} is set, but there is no package tensorboard; "
                "`pip install tensorboard`, or unset the variable"
            ) from None
        self._open = lambda step: SummaryWriter(str(folder), purge_step=step)
        self._writer: SummaryWriter | None = None

    def write(self, step: int, values: dict[str, float | None]) -> None:
        """Write the values of a step; None is left out."""
        # What an interrupted run wrote of this step and later ones is not shown any more.
        self._writer = self._writer or self._open(step)
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(name, value, step)
        self._writer.flush()


def scalars_of(checkpoint: Path) -> Scalars | None:
    """Return the scalars of a checkpoint's training, if the variable names a folder for them.

    They are in a folder within it, of the same path as the checkpoint.

    Raises:
        UserError: the package tensorboard is missing.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        return None
    return Scalars(Path(root, *(part for part in checkpoint.parts if part not in ("/", ".."))))
