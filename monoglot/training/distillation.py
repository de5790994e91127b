"""Distillation: what a student is compared with, and how far it is from its teacher."""

import math
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.operations import surgery
from monoglot.operations.surgery import Inside, layers_of
from monoglot.training.batches import Batch, Size
from monoglot.training.losses import CrossEntropy, Divergence, SquaredError
from monoglot.training.matching import layer_pairs, matched
from monoglot.training.matmul import inner_product
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings


@dataclass(frozen=True)
class Compared:
    """What of a model's outputs on a batch is compared.

    `transformed` are the hidden states just before the decoder, [compared positions, hidden], in
    fp32; None where logits do not count.
    """

    transformed: Tensor | None
    inside: Inside


class Distillation:
    """A frozen teacher, and the distance of a student to it.

    It is the weighted sum of the distances of logits and of the terms that have a weight.

    Attributes:
        terms: what is matched inside; may hold weights to be trained with the student.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        settings: Settings,
        processes: Processes,
    ) -> None:
        self._teacher = teacher.eval().requires_grad_(False)
        self._settings, self._processes = settings, processes
        # It never changes, and is a quarter of what the squared error costs.
        weight, _ = surgery.decoder(teacher)
        by_square = settings.loss == "mse" and settings.logits_weight
        self._gram = inner_product(weight, weight) if by_square else None
        pairs = layer_pairs(settings, len(layers_of(student)), len(layers_of(teacher)))
        self._layers = {id(student): [a for a, _ in pairs], id(teacher): [b for _, b in pairs]}
        terms = matched(settings, student.config, teacher.config, len(pairs))
        self.terms = terms.to(teacher.device)

    def fit(self, student: PreTrainedModel, batches: Iterable[Batch]) -> None:
        """Begin with the maps between student and teacher that fit some batches best."""
        fitted = [term for term in self.terms.values() if hasattr(term, "fit")]
        if not fitted:
            return
        models = student, self._teacher
        pairs = [
            (*(self._encode(model, batch)[1] for model in models), batch.attention_mask)
            for batch in batches
        ]
        for term in fitted:
            term.fit(pairs)

    def target(self, batch: Batch) -> Compared:
        """Return what the teacher makes of a batch."""
        return self.compared(self._teacher, batch, self._settings.positions)

    def compared(self, model: PreTrainedModel, batch: Batch, positions: str) -> Compared:
        """Return what `model`, student or teacher, makes of a batch."""
        last, inside = self._encode(model, batch)
        if model is self._teacher and not self._settings.logits_weight:
            return Compared(None, inside)
        hidden = batch.at(last.flatten(0, 1), positions)
        return Compared(surgery.transform(model, hidden).float(), inside)

    def of_logits(
        self, student: PreTrainedModel, positions: int, sequences: int, factor: float | None
    ) -> SquaredError | Divergence:
        """Return the distance of logits, of one step with so many compared positions."""
        own, others = surgery.decoder(student), surgery.decoder(self._teacher)
        if self._settings.loss == "mse":
            return SquaredError(own, others, positions, factor, self._gram, self._processes)
        divisor = sequences if self._settings.kl_mean == "sequence" else positions
        return Divergence(own, others, divisor, factor, self._settings.temperature)

    def of_terms(self, ours: Inside, theirs: Inside, batch: Batch, size: Size) -> Tensor | None:
        """Return what a batch adds to the weighted distances of the terms; None without any."""
        mask, found = batch.attention_mask, None
        for name, term in self.terms.items():
            errors = term.errors(ours, theirs, mask) / max(term.count(size), 1)
            weighted = getattr(self._settings, name) * errors
            found = weighted if found is None else found + weighted
        return found

    def _encode(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Inside]:
        """Return a model's last hidden states and what is matched inside of it."""
        layers, terms = self._layers[id(model)], self.terms
        states = list(layers) if "hidden_weight" in terms else []
        if "sentence_weight" in terms:
            states.append(model.config.num_hidden_layers)
        projections = layers if "relation_weight" in terms else ()
        of_attention = "attention_weight" in terms
        given = batch.ids, batch.attention_mask
        return surgery.look_inside(model, *given, of_attention, states, projections)


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
        mlm, distance: the losses so far, 0-dimensional and in fp32; `mlm` stays NaN in training
            where it has no weight, as logits of the whole vocabulary are most of some steps.
    """

    def __init__(self, objective: Objective, size: Size, training: bool) -> None:
        self._of, self._training = objective, training
        student, settings = objective.student, objective.settings
        distillation = objective.distillation
        self._alpha = settings.alpha if distillation else 1.0
        self._weight = settings.logits_weight
        self._size = size
        self._masked_lm = None
        if self._alpha or not training:
            factor = self._alpha if training else None
            self._masked_lm = CrossEntropy(surgery.decoder(student), size.masked, factor)
        self._logits = None
        if distillation and self._weight:
            factor = (1 - self._alpha) * self._weight if training else None
            self._logits = distillation.of_logits(student, size.compared, size.sequences, factor)
        self.mlm = torch.full((), 0.0 if self._masked_lm else math.nan, device=student.device)
        self.distance = torch.zeros((), device=student.device)

    @property
    def total(self) -> Tensor:
        """The loss that is trained on."""
        if not self._masked_lm:
            return self.distance
        return self._alpha * self.mlm + (1 - self._alpha) * self.distance

    @property
    def hits(self) -> Tensor:
        """Masked pieces that the student found, 0-dimensional."""
        return self._masked_lm.hits

    def add(self, batch: Batch, target: Compared | None) -> None:
        """Take a batch into the losses and, in training, its gradients to the parameters."""
        positions = self._of.settings.positions if self._logits else "masked"
        with self._of.precision():
            ours = self._outputs(batch, positions)
        hidden, at_masked = ours.transformed.detach(), batch.masked_among(positions)
        gradient = torch.zeros_like(hidden) if self._training else None
        if self._masked_lm:
            mlm = self._masked_lm.part(hidden[at_masked], batch.masked_labels())
            self.mlm += mlm.loss
            if self._training:
                gradient[at_masked] = mlm.gradient
        if self._logits:
            distance = self._logits.part(hidden, target.transformed)
            self.distance += self._weight * distance.loss
            if self._training:
                gradient += distance.gradient
        terms = None
        if target is not None:
            inside = ours.inside, target.inside
            terms = self._of.distillation.of_terms(*inside, batch, self._size)
        if terms is not None:
            self.distance += terms.detach()
        if self._training:
            losses, gradients = [ours.transformed], [gradient]
            if terms is not None:
                losses.append((1 - self._alpha) * terms)
                gradients.append(None)
            torch.autograd.backward(losses, gradients)

    def finish(self) -> None:
        """End the pass; after it, in training, all gradients are there."""
        if self._masked_lm:
            self._masked_lm.finish()
        if self._logits:
            self._logits.finish()

    def _outputs(self, batch: Batch, positions: str) -> Compared:
        """Return the student's outputs, with transformed states at some positions."""
        student, distillation = self._of.student, self._of.distillation
        if distillation:
            return distillation.compared(student, batch, positions)
        last = surgery.encode(student, batch.ids, batch.attention_mask)
        hidden = batch.at(last.flatten(0, 1), positions)
        return Compared(surgery.transform(student, hidden).float(), Inside())


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
