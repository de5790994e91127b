"""Masked-LM training of a checkpoint, alone or under a teacher (sections 2.1 and 2.3).

Language adaptation, continued training and distillation are this one loop:
loss = alpha · MLM + (1 - alpha) · distance to the teacher; without a teacher, MLM alone.

Everything random is a function of (seed, step) or (seed, epoch): a run resumed from a saved state
sees the same batches, masks and dropout as one that was never interrupted.
"""

import logging
import math
from collections.abc import Iterable
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot import heads
from monoglot.errors import UserError
from monoglot.operations.distillation import Compared, Distillation
from monoglot.operations.losses import mlm_loss
from monoglot.operations.training_batches import Batch, Batches, mixed_seed
from monoglot.operations.training_clock import Clock
from monoglot.operations.training_settings import Settings
from monoglot.operations.training_state import TrainingState
from monoglot.tokens.batches import Mixture, Sequences

log = logging.getLogger(__name__)
HISTORY = (
    "step",
    "tokens",
    "learning_rate",
    "loss",
    "mlm_loss",
    "distillation_loss",
    "validation_loss",
    "validation_accuracy",
)


def train(
    student: PreTrainedModel,
    sequences: Sequences | Mixture,
    special: dict,
    validation: Sequences,
    settings: Settings,
    teacher: PreTrainedModel | None = None,
    state: TrainingState | None = None,
) -> list[dict]:
    """Train `student` in place and return its history, one row (see HISTORY) an evaluation.

    Args:
        sequences: training sequences, without special tokens.
        special: the special ids of the tokenizer, as in a token store's `meta`.
        validation: sequences for the validation loss and accuracy (FLORES dev in the paper).
        teacher: required unless `settings.loss` is `none`; it must share the vocabulary.
        state: where to save progress now and then, and to resume from.

    Raises:
        UserError: the loss is not a finite number.
    """
    run = _Run(student, sequences, special, validation, settings, teacher)
    return run.go(state)


class _Run:
    def __init__(self, student, sequences, special, validation, settings, teacher) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.student = student.to(self.device)
        self.distillation = Distillation(teacher.to(self.device), settings) if teacher else None
        self.trained = nn.ModuleDict({"student": self.student})
        if self.distillation and self.distillation.projection:
            self.trained["projection"] = self.distillation.projection
        self.sequences, self.settings = sequences, settings
        self.batches = Batches(special, settings)
        self.total = settings.total_steps(len(sequences))
        self.optimizer = _optimizer(self.trained, settings)
        self.validation = validation
        self.fixed: list[tuple[Batch, Compared | None]] | None = None
        self.step = self.tokens = 0
        self.history: list[dict] = []
        self.best: dict | None = None
        self.sums = torch.zeros(3, device=self.device, dtype=torch.float64)

    def go(self, state: TrainingState | None) -> list[dict]:
        if not (state and self._resume(state)):
            self._evaluate(since=1)
        every = state.every_seconds if state else math.inf
        clock = Clock(self.step, self.tokens, self.total, every)
        while self.step < self.total:
            self._step()
            if self.step % self.settings.evaluate_every == 0 or self.step == self.total:
                self._evaluate(since=self.step - self.history[-1]["step"])
                clock.report(self.history[-1])
            if state and clock.save_due():
                state.save(self.trained, self.optimizer, self.best, self._progress())
            clock.tick(self.step, self.tokens)
        if self.settings.keep == "best":
            self.student.load_state_dict(self.best, strict=False)
        self.student.eval()
        return self.history

    def _step(self) -> None:
        batch = self.batches.of_step(self.sequences, self.step).to(self.device)
        torch.manual_seed(mixed_seed(self.settings.seed, self.step))
        self.student.train()
        losses = self._losses(batch, self._target(batch))
        if not torch.isfinite(losses[0]):
            raise UserError(
                f"the training loss is {losses[0].item()} at step {self.step} (learning rate "
                f"{self._rate():.3g}); lower learning_rate or check the parent checkpoint"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.zero_grad(set_to_none=True)
        losses[0].backward()
        torch.nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        self.optimizer.step()
        self.sums += torch.stack([loss.detach() for loss in losses])
        self.tokens += int(batch.attention_mask.sum())
        self.step += 1

    def _losses(self, batch: Batch, target: Compared | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the total, masked-LM and distillation losses of a batch."""
        with self._precision():
            if self.distillation:
                hidden, attention = self.distillation.encode(self.student, batch)
                ours = self.distillation.compared(self.student, hidden, attention, batch)
            else:
                hidden = heads.encode(self.student, batch.ids, batch.attention_mask).flatten(0, 1)
            masked = batch.positions("masked")
            at_masked = heads.transform(self.student, hidden[masked]).float()
        zero = hidden.new_zeros((), dtype=torch.float32)
        labels = batch.labels.flatten()[masked]
        decoder = heads.decoder(self.student)
        mlm = mlm_loss(at_masked, *decoder, labels) if len(labels) else zero
        if not self.distillation:
            return mlm, mlm, zero
        distance = self.distillation.loss(self.student, ours, target, batch)
        alpha = self.settings.alpha
        return alpha * mlm + (1 - alpha) * distance, mlm, distance

    @torch.no_grad()
    def _target(self, batch: Batch) -> Compared | None:
        """Return what the teacher makes of a batch, if there is a teacher."""
        if not self.distillation:
            return None
        with self._precision():
            return self.distillation.target(batch)

    @torch.no_grad()
    def _evaluate(self, since: int) -> None:
        """Add a row to the history: training losses since the last one, and the validation's."""
        self.student.eval()
        loss = hits = count = 0.0
        for batch, target in self._validation_batches():
            batch = batch.to(self.device)
            loss += self._losses(batch, target)[0].item() * len(batch.ids)
            masked = batch.positions("masked")
            hidden = heads.encode(self.student, batch.ids, batch.attention_mask).flatten(0, 1)
            logits = heads.logits(self.student, heads.transform(self.student, hidden[masked]))
            hits += (logits.argmax(-1) == batch.labels.flatten()[masked]).sum().item()
            count += len(masked)
        means = (self.sums / since).tolist() if self.step else [None] * 3
        values = (self.step, self.tokens, self._rate() if self.step else 0.0, *means)
        row = dict(zip(HISTORY, (*values, loss / len(self.validation), hits / count), strict=True))
        self.sums.zero_()
        if self.settings.keep == "best" and row["validation_loss"] <= min(
            (r["validation_loss"] for r in self.history), default=math.inf
        ):
            weights = self.student.named_parameters()
            self.best = {name: value.detach().clone() for name, value in weights}
        self.history.append(row)

    def _validation_batches(self) -> Iterable[tuple[Batch, Compared | None]]:
        """Return validation batches with the teacher's targets; of fixed masks, made only once."""
        if self.fixed is None:
            batches = self.batches.of_validation(self.validation, self.step)
            pairs = ((batch, self._target(batch.to(self.device))) for batch in batches)
            if self.settings.validation_masks == "redrawn":
                return pairs
            self.fixed = list(pairs)
        return self.fixed

    def _rate(self) -> float:
        return self.settings.rate(self.step, self.total)

    def _precision(self):
        if self.settings.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _progress(self) -> dict:
        sums = self.sums.tolist()
        return {"step": self.step, "tokens": self.tokens, "history": self.history, "sums": sums}

    def _resume(self, state: TrainingState) -> bool:
        saved = state.load(self.trained, self.optimizer)
        if saved is None:
            return False
        self.best, progress = saved
        self.step, self.tokens = progress["step"], progress["tokens"]
        self.history = progress["history"]
        self.sums = torch.tensor(progress["sums"], device=self.device, dtype=torch.float64)
        log.info("resumed at step %d of %d", self.step, self.total)
        return True


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """AdamW as `transformers.Trainer` sets it up: no decay of biases and LayerNorm gains."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
