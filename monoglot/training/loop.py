"""Masked-LM training of a checkpoint, alone or under a teacher (sections 2.1 and 2.3).

Language adaptation, continued training and distillation are this one loop:
loss = alpha · MLM + (1 - alpha) · distance to the teacher; without a teacher, MLM alone.

Everything random is a function of (seed, step) or (seed, epoch): a run resumed from a saved state
sees the same batches, masks and dropout as one that was never interrupted. Several processes make
the same batches and masks, take a part of each, and add up their gradients.
"""

import logging
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import reduce
from operator import add

import torch
from torch import nn
from transformers import PreTrainedModel

from monoglot.errors import UserError
from monoglot.script import Interruption, InterruptionError, noted
from monoglot.training.batches import Batch, Batches, Mixture, Sequences, Size, mixed_seed
from monoglot.training.distillation import Compared, Distillation, Objective, Pass, Scalars
from monoglot.training.losses import added_in_place
from monoglot.training.matmul import (
    count_operations,
    large_linear_layers,
    product,
    usable,
)
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings
from monoglot.training.state import TrainingState

# How much arithmetic a token of training is, and how much the devices could do in its time.

SECONDS = 0.2
SIZES = {"cpu": 1024, "cuda": 8192}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Work:
    """The arithmetic of a training run beside what its devices could do.

    Operations are counted in the first step and taken per token, since batches differ in length.

    Args:
        precision: of the encoder, `fp32` or `bf16`; what does not run in it counts the same.
    """

    def __init__(self, processes: Processes, precision: str) -> None:
        self.precision = usable(precision, processes.device)
        self._processes = processes
        self._per_token: float | None = None
        self._peak: float | None = None

    @contextmanager
    def counted(self, tokens: Callable[[], int]) -> Iterator[None]:
        """Count the operations of the first step; later ones run plainly.

        Several processes must all do so: each counts its own, and the sum is kept.

        Args:
            tokens: returns the tokens of all steps so far.
        """
        if self._per_token is not None:
            yield
            return
        before = tokens()
        with count_operations() as counter:
            yield
        device = self._processes.device
        # In fp32, which every device has: a rounding of 1e-7 is nothing here.
        operations = torch.tensor(float(counter.get_total_flops()), device=device)
        self._per_token = self._processes.total(operations).item() / (tokens() - before)

    @property
    def peak(self) -> float:
        """Operations a second of all devices, measured when first asked for."""
        if self._peak is None:
            own = peak(self._processes.device, DTYPES[self.precision])
            self._peak = own * self._processes.count
        return self._peak

    def share_of_peak(self, tokens_per_second: float) -> float:
        """Return the share of the peak that a speed takes, after the first step."""
        return (self._per_token or 0.0) * tokens_per_second / self.peak


def peak(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Measure operations a second of a large matrix product on a device: its practical ceiling."""
    size = SIZES[device.type]
    left = torch.ones(size, size, device=device, dtype=dtype)
    product(left, left)  # the first product pays for setting up
    products, seconds = 0, 0.0
    while seconds < SECONDS:
        started = time.perf_counter()
        product(left, left)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds += time.perf_counter() - started
        products += 1
    return 2 * size**3 * products / seconds


log = logging.getLogger(__name__)


# When to report and when to save, and how fast a training run is.

LOG_EVERY_SECONDS = 15
FORESEEABLE = 0.1
"""Share of the steps to be done before the time left is told: the first ones are slower."""


class Clock:
    """Reports progress in the log and as scalars, and says when a run's state should be saved.

    Args:
        step, tokens: where the run starts, or goes on after an interruption; speeds are since then.
        total: steps of the whole run.
        save_every: seconds between saves.
        processes: those that train together; only the first one reports.
        precision: of the encoder, whose ceiling the speed is compared with.
        scalars: where to write them, if anywhere.
    """

    def __init__(
        self,
        step: int,
        tokens: int,
        total: int,
        save_every: float,
        processes: Processes,
        precision: str = "fp32",
        scalars: Scalars | None = None,
    ) -> None:
        self.work = Work(processes, precision)
        self._reports, self._scalars = processes.first, scalars
        self._start = self._logged = self._saved = time.monotonic()
        self._step, self._tokens = step, tokens
        self._total, self._save_every = total, save_every
        self._validating = 0.0

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Time an evaluation, which is no training."""
        started = time.monotonic()
        yield
        self._validating += time.monotonic() - started

    def tick(self, step: int, tokens: int) -> None:
        """Report speed and time left, unless it was done a moment ago."""
        now = time.monotonic()
        if not self._reports or now - self._logged < LOG_EVERY_SECONDS:
            return
        self._logged = now
        seconds, speed = now - self._start, self._speed(tokens)
        done = (step - self._step) / (self._total - self._step)
        left = f", {seconds / done - seconds:.0f} s left" if done >= FORESEEABLE else ""
        log.info(
            "step %d of %d, %.0f tokens/s, %.0f %% of the %.2g FLOP/s of a %s matrix product, "
            "%.1f %% of the time for validation%s",
            *(step, self._total, speed, 100 * self.work.share_of_peak(speed)),
            *(self.work.peak, self.work.precision, 100 * self._validating / seconds, left),
        )
        self._write_speed(step, speed)

    def report(self, row: dict) -> None:
        """Report a row of the history."""
        if not self._reports:
            return
        losses = ("loss", "validation_loss", "validation_accuracy")
        shown = (name for name in losses if row[name] is not None)
        values = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4f}" for name in shown)
        log.info("step %d of %d: %s", row["step"], self._total, values)
        if self._scalars:
            names = (name for name in row if name not in ("step", "tokens"))
            self._scalars.write(row["step"], {name: row[name] for name in names})
            if row["step"] > self._step:
                self._write_speed(row["step"], self._speed(row["tokens"]))

    def save_due(self) -> bool:
        """Return whether it is time to save; the answer true starts the waiting anew."""
        due = time.monotonic() - self._saved >= self._save_every
        if due:
            self._saved = time.monotonic()
        return due

    def _speed(self, tokens: int) -> float:
        """Tokens a second of training, validation left out."""
        return (tokens - self._tokens) / (time.monotonic() - self._start - self._validating)

    def _write_speed(self, step: int, speed: float) -> None:
        if self._scalars:
            share = self.work.share_of_peak(speed)
            self._scalars.write(step, {"tokens_per_second": speed, "share_of_peak": share})


FITTED = 4
"""Batches of training that the maps of hidden states are fitted to before the first step."""

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
    processes: Processes | None = None,
    scalars: Scalars | None = None,
) -> list[dict]:
    """Train `student` in place and return its history, one row (see HISTORY) an evaluation.

    Args:
        sequences: training sequences, without special tokens.
        special: the special ids of the tokenizer, as in a token store's `meta`.
        validation: sequences for the validation loss and accuracy (FLORES dev in the paper).
        teacher: required unless `settings.loss` is `none`; it must share the vocabulary.
        state: where to save progress now and then and when asked to end, and to resume from.
        processes: those that train together, each calling this alike; one by default.
        scalars: where to write progress besides the log.

    Raises:
        UserError: the loss is not a finite number, or a batch has fewer sequences than there are
            processes.
        InterruptionError: a signal asked this process to end, and the state is saved.
    """
    processes = processes or Processes()
    if processes.count > settings.batch_size:
        raise UserError(
            f"batch_size is {settings.batch_size}, but {processes.count} processes share a batch; "
            "give a larger batch_size or start fewer processes"
        )
    run = _Run(student, sequences, special, validation, settings, teacher, processes)
    return run.go(state, scalars)


class _Run:
    def __init__(
        self, student, sequences, special, validation, settings, teacher, processes
    ) -> None:
        self.processes, self.settings = processes, settings
        self.device = processes.device
        self.student = student.to(self.device)
        distillation = None
        if teacher:
            teacher = teacher.to(self.device)
            distillation = Distillation(self.student, teacher, settings, processes)
        self.objective = Objective(self.student, distillation, settings, self._precision)
        self.trained = nn.ModuleDict({"student": self.student})
        if distillation:
            self.trained["matched"] = distillation.terms
        self.sequences = sequences
        self.batches = Batches(special, settings)
        self.total = settings.total_steps(len(sequences))
        self.learning = self._learning()
        self.optimizer = _optimizer(self.learning, settings)
        self.validation = validation
        self.fixed: tuple[list[tuple[Batch, Compared | None]], Size] | None = None
        self.step = self.tokens = 0
        self.history: list[dict] = []
        self.best: dict | None = None
        self.sums = torch.zeros(3, device=self.device, dtype=torch.float64)

    def go(self, state: TrainingState | None, scalars: Scalars | None) -> list[dict]:
        resumed = state is not None and self._resume(state)
        self._check_same_step()
        if not resumed:
            self._fit()
            self._evaluate(since=1)
        every = state.every_seconds if state else math.inf
        about = self.processes, self.settings.precision, scalars
        clock = Clock(self.step, self.tokens, self.total, every, *about)
        if not resumed:
            clock.report(self.history[0])
        # Without a state there is nothing to save: signals do what they do outside of this.
        with noted() if state else nullcontext(Interruption()) as interruption:
            self._loop(clock, state, interruption)
        if self.settings.keep == "best":
            self.student.load_state_dict(self.best, strict=False)
        self.student.requires_grad_(True)
        self.student.eval()
        return self.history

    def _learning(self) -> list[nn.Parameter]:
        """Return the weights that learn; freeze the others.

        The decoder is tied to the embeddings, so it counts as a part of the encoder.
        """
        if self.settings.trains == "head":
            self.student.base_model.requires_grad_(False)
        return [weight for weight in self.trained.parameters() if weight.requires_grad]

    @torch.no_grad()
    def _fit(self) -> None:
        """Fit what is learned for the distillation alone to the first batches of training."""
        if distillation := self.objective.distillation:
            self.student.eval()
            first = (self.batches.of_step(self.sequences, step) for step in range(FITTED))
            with self._precision():
                distillation.fit(self.student, (batch.to(self.device) for batch in first))

    def _loop(self, clock: Clock, state: TrainingState | None, interruption: Interruption) -> None:
        while self.step < self.total:
            with clock.work.counted(lambda: self.tokens):
                self._step()
            # Asked for here, where all processes meet: they end at the same step or not at all.
            asked = self.processes.any(interruption.asked)
            if self.step % self.settings.evaluate_every == 0 or self.step == self.total:
                with clock.evaluating():
                    self._evaluate(since=self.step - self.history[-1]["step"])
                clock.report(self.history[-1])
            if state and (clock.save_due() or asked) and self.processes.first:
                state.save(self.trained, self.optimizer, self.best, self._progress())
            if asked and self.step < self.total:
                self._end(interruption)
            clock.tick(self.step, self.tokens)

    def _end(self, interruption: Interruption) -> None:
        self.processes.any(False)  # until the first one has saved, none may end
        by = interruption.by  # unknown where another process was asked
        raise InterruptionError(
            f"{by.name if by else 'a signal'} asked training to end, after step {self.step} of "
            f"{self.total}: its state is saved; start again to go on from there",
            by or signal.SIGTERM,
        )

    def _step(self) -> None:
        batch = self.batches.of_step(self.sequences, self.step)
        size = batch.size(self.settings.positions)
        self.processes.seed(mixed_seed(self.settings.seed, self.step, self.processes.rank))
        self.student.train()
        self.optimizer.zero_grad(set_to_none=False)
        losses = self._losses(batch, size)
        self.processes.add_up_gradients(self.learning)
        norm = torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self._check(training_loss=losses[0], norm_of_the_gradient=norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.step()
        self.sums += losses
        self.tokens += size.tokens
        self.step += 1

    def _losses(self, batch: Batch, size: Size) -> torch.Tensor:
        """Return the total, masked-LM and distillation losses of a batch; leave gradients."""
        step = self.objective.over(size, training=True)
        with added_in_place(self.student):
            for part in self._parts(batch):
                step.add(part, self.objective.target(part))
        step.finish()
        return self._values(step)

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """Yield this process's part of a batch, as many sequences at a time as fit memory."""
        own = batch.rows(self.processes.share(len(batch.ids)))
        size = self.settings.micro_batch or max(len(own.ids), 1)
        for start in range(0, len(own.ids), size):
            yield own.rows(slice(start, start + size)).to(self.device)

    def _values(self, losses: Pass) -> torch.Tensor:
        """Return the total, masked-LM and distillation losses of a pass over all processes."""
        values = torch.stack([losses.total, losses.mlm, losses.distance]).double()
        return self.processes.total(values)

    def _check_same_step(self) -> None:
        steps = self.processes.total(torch.tensor(self.step, device=self.device))
        if steps != self.step * self.processes.count:
            raise UserError(
                f"process {self.processes.rank + 1} of {self.processes.count} found a saved state "
                f"of step {self.step}, but another one did not; start again"
            )

    def _check(self, **numbers: torch.Tensor) -> None:
        # Both in one transfer from the device.
        found = torch.stack([number.double() for number in numbers.values()]).tolist()
        for name, number in zip(numbers, found, strict=True):
            if not math.isfinite(number):
                raise UserError(
                    f"the {name.replace('_', ' ')} is {number} at step {self.step} (learning rate "
                    f"{self._rate():.3g}); lower learning_rate or check the parent checkpoint"
                )

    @torch.no_grad()
    def _evaluate(self, since: int) -> None:
        """Add a row to the history: training losses since the last one, and the validation's."""
        self.student.eval()
        batches, size = self._validation_batches()
        losses = self.objective.over(size, training=False)
        for batch, target in batches:
            batch = batch.to(self.device)
            losses.add(batch, target or self.objective.target(batch))
        hits = self.processes.total(losses.hits).item()
        validation = self._values(losses)[0]
        self._check(validation_loss=validation)
        loss = validation.item()
        means = (self.sums / since).tolist() if self.step else [math.nan] * 3
        means = [None if math.isnan(mean) else mean for mean in means]
        values = (self.step, self.tokens, self._rate() if self.step else 0.0, *means)
        row = dict(zip(HISTORY, (*values, loss, hits / size.masked), strict=True))
        self.sums.zero_()
        if self.settings.keep == "best" and row["validation_loss"] <= min(
            (r["validation_loss"] for r in self.history), default=math.inf
        ):
            weights = self.student.named_parameters()
            self.best = {name: value.detach().clone() for name, value in weights}
        self.history.append(row)

    def _validation_batches(self) -> tuple[list[tuple[Batch, Compared | None]], Size]:
        """Return this process's validation batches and the size of all processes' together.

        Those of fixed masks come with the teacher's targets, and are made only once.
        """
        if self.fixed is not None:
            return self.fixed
        batches = list(self.batches.of_validation(self.validation, self.step))
        size = reduce(add, (batch.size(self.settings.positions) for batch in batches))
        if not size.masked:
            raise UserError(
                f"the validation text has {size.tokens} tokens, of which none is masked; give more "
                "text to validate on, or a higher mlm_probability"
            )
        own = batches[self.processes.rank :: self.processes.count]
        if self.settings.validation_masks == "redrawn":
            return [(batch, None) for batch in own], size
        self.fixed = [(b, self.objective.target(b.to(self.device))) for b in own], size
        return self.fixed

    def _rate(self) -> float:
        return self.settings.rate(self.step, self.total)

    def _precision(self):
        if usable(self.settings.precision, self.device) == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return large_linear_layers()

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


def _optimizer(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    """AdamW as `transformers.Trainer` sets it up: no decay of biases and LayerNorm gains."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
