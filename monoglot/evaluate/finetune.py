"""Training on a task and prediction: a plain loop over padded batches, in fp32.

It trains whole encoders. For adapters, `adapter_training` makes the same steps in less time.
"""

import logging
import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.evaluate.adapter_models import trained_parameters
from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.task import TuningSettings

# Training that stops where its numbers are no numbers any more.

BETWEEN_CHECKS = {"cpu": 1, "cuda": 32}
"""Steps; on a GPU, looking at a number waits for everything before it."""


class FiniteLosses:
    """Losses by step, looked at now and then; the first that is not finite is named.

    Args:
        who: what is trained, the beginning of the sentence.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self.waiting: list[tuple[int, float, Tensor]] = []

    def add(self, step: int, rate: float, loss: Tensor) -> None:
        """Take the loss of a step, 0-dimensional, that was made at a learning rate."""
        self.waiting.append((step, rate, loss.detach()))
        if len(self.waiting) >= BETWEEN_CHECKS[loss.device.type]:
            self.check()

    def check(self) -> None:
        """Raise `UserError` if a loss since the last check is not finite."""
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        losses = torch.stack([loss for _, _, loss in waiting]).tolist()
        for (step, rate, _), loss in zip(waiting, losses, strict=True):
            if not math.isfinite(loss):
                raise UserError(
                    f"{self.who}: the training loss is {loss} at step {step} (learning rate "
                    f"{rate:.3g}); lower the task's learning_rate or check the checkpoint"
                )


def check_outputs(finite: Tensor, what: str) -> None:
    """Raise `UserError` if an output of a trained model is not finite; `finite` is one truth."""
    if not finite.item():
        raise UserError(
            f"{what}: an output of the trained model is not a finite number; lower the task's "
            "learning_rate or check the checkpoint"
        )


log = logging.getLogger(__name__)


# How far a long training is, in the log, now and then.

SECONDS_BETWEEN_LINES = 30


class TuningProgress:
    """Counts examples and epochs; says where training stands every half minute.

    Args:
        name: what is trained, the beginning of each line.
        epochs: how many there are.
        examples: of one epoch.
    """

    def __init__(self, name: str, epochs: int, examples: int) -> None:
        self.name, self.epochs, self.examples = name, epochs, examples
        self.started = self.said = time.monotonic()
        self.done = 0

    def add(self, examples: int) -> None:
        """Count examples that were trained on."""
        self.done += examples
        now = time.monotonic()
        if now - self.said < SECONDS_BETWEEN_LINES:
            return
        self.said = now
        rate = self.done / (now - self.started)
        left = (self.epochs * self.examples - self.done) / rate
        epoch = min(self.done // self.examples + 1, self.epochs)
        log.info(
            "%s: epoch %d of %d, %.0f examples a second, %.0f min left at most",
            *(self.name, epoch, self.epochs, rate, left / 60),
        )


SHARED_SEED = 42
"""Seed of data order and dropout where seeds affect the initialisation only (as in the paper)."""

CLIP_NORM = 1.0
PREDICTION_BATCH = 64


def train(
    model: PreTrainedModel, data: Encoded, dev: Encoded | None, settings: TuningSettings, seed: int
) -> None:
    """Train on `data`: adapter and head, or the whole model.

    AdamW with decay on matrices, not on biases and LayerNorm gains, a linear schedule after
    warm-up, gradients clipped to norm 1, each batch cut at its longest example. With `dev`, the
    weights of the epoch with the lowest loss on it are kept, else those of the last epoch; with
    `patience`, training ends after so many epochs without a lower one.
    """
    own = settings.seeds_affect == "everything"
    torch.manual_seed(seed if own else SHARED_SEED)
    order = torch.Generator().manual_seed(seed if own else SHARED_SEED)
    losses = FiniteLosses(f"seed {seed}")
    epochs = settings.passes(len(data.ids))
    step = _Stepper(
        model, settings, epochs * math.ceil(len(data.ids) / settings.batch_size), losses
    )
    best = _Best(model)
    progress = TuningProgress(f"seed {seed}", epochs, len(data.ids))
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(data.ids), generator=order).split(settings.batch_size):
            step(*_batch(data, rows, model.device))
            progress.add(len(rows))
        losses.check()
        if dev is not None:
            best.offer(mean_loss(model, dev))
            if settings.patience is not None and best.waited >= settings.patience:
                break
    if dev is not None:
        best.restore()


@torch.inference_mode()
def predict(model: PreTrainedModel, data: Encoded) -> Tensor:
    """Return predicted class indices on the CPU, in the shape of `data.labels`."""
    model.eval()
    predicted = torch.full_like(data.labels, IGNORED)
    finite = torch.ones((), dtype=torch.bool, device=model.device)
    for rows, logits, _ in _evaluations(model, data):
        finite &= logits.isfinite().all()
        classes = logits.argmax(-1).cpu()
        if classes.dim() == 1:
            predicted[rows] = classes
        else:
            predicted[rows, : classes.shape[1]] = classes
    check_outputs(finite, "prediction")
    return predicted


@torch.inference_mode()
def mean_loss(model: PreTrainedModel, data: Encoded) -> float:
    """Return the cross-entropy per label (text or sub-token) over all of `data`."""
    model.eval()
    total = sum(
        _cross_entropy(logits, labels, "sum").item()
        for _, logits, labels in _evaluations(model, data)
    )
    return total / max(int((data.labels != IGNORED).sum()), 1)


def learning_rate(step: int, steps: int, warmup: float, peak: float) -> float:
    """Return the rate at `step` (from 0) of `steps`: linear from 0 to `peak`, then back to 0."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return peak * step / rising
    return peak * (steps - step) / (steps - rising)


class _Stepper:
    """One optimiser step per call; keeps the schedule."""

    def __init__(
        self,
        model: PreTrainedModel,
        settings: TuningSettings,
        steps: int,
        losses: FiniteLosses,
    ) -> None:
        self.model, self.settings, self.losses = model, settings, losses
        self.steps, self.step = steps, 0
        trained = trained_parameters(model).values()
        weights = [value for value in trained if value.ndim > 1]
        others = [value for value in trained if value.ndim == 1]
        self.parameters = weights + others
        self.optimiser = torch.optim.AdamW(
            [
                {"params": weights, "weight_decay": settings.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            fused=True,
        )

    def __call__(self, ids: Tensor, attention_mask: Tensor, labels: Tensor) -> None:
        logits = self.model(input_ids=ids, attention_mask=attention_mask).logits
        loss = _cross_entropy(logits, labels, "mean")
        loss.backward()
        rate = learning_rate(
            self.step, self.steps, self.settings.warmup, self.settings.learning_rate
        )
        self.losses.add(self.step, rate, loss)
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM, foreach=True)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1


class _Best:
    """The trained weights of the epoch with the lowest loss so far."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.parameters = list(trained_parameters(model).values())
        self.loss, self.values, self.waited = math.inf, None, 0

    def offer(self, loss: float) -> None:
        self.waited += 1
        if self.values is None or loss < self.loss:
            self.loss, self.waited = loss, 0
            self.values = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def restore(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            parameter.copy_(value)


def _evaluations(model: PreTrainedModel, data: Encoded) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (rows, logits, labels), examples of like length together so that little is padded."""
    by_length = torch.argsort(data.lengths, stable=True)
    for rows in by_length.split(PREDICTION_BATCH):
        ids, mask, labels = _batch(data, rows, model.device)
        yield rows, model(input_ids=ids, attention_mask=mask).logits, labels


def _batch(data: Encoded, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids, attention mask and labels of `rows`, cut at their longest example."""
    lengths = data.lengths[rows]
    length = int(lengths.max())
    mask = (torch.arange(length) < lengths[:, None]).long()
    labels = data.labels[rows] if data.words is None else data.labels[rows, :length]
    return (
        data.ids[rows, :length].to(device),
        mask.to(device),
        labels.to(device),
    )


def _cross_entropy(logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
    """Cross-entropy over all labels; "mean" is 0, and no NaN, where a batch has none."""
    total = F.cross_entropy(
        logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total if reduction == "sum" else total / (labels != IGNORED).sum().clamp(min=1)
