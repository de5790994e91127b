"""Training adapters of several seeds in one pass over the data, in fp32.

The same steps as `training.train` makes for one seed after another, without padding and without
doing twice what is the same for all seeds. On the CPU seeds take turns within each step, so that a
seed's weights are the same to the bit whatever seeds are beside it; on a GPU they are stacked.
"""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.evaluate.adapter import first_position
from monoglot.evaluate.adapter_stack import AdapterStack
from monoglot.evaluate.best_epoch import BestEpoch
from monoglot.evaluate.dropout import Dropout
from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.finite import FiniteLosses
from monoglot.evaluate.packed_encoder import PackedEncoder
from monoglot.evaluate.packed_evaluation import PackedEvaluation, logits, summed_losses
from monoglot.evaluate.packing import Packing
from monoglot.evaluate.progress import Progress
from monoglot.evaluate.task import Task, TuningSettings
from monoglot.evaluate.training import SHARED_SEED, learning_rate

PART_TOKENS = {"cpu": 1 << 12, "cuda": 1 << 14}
"""Most tokens, of all stacked seeds, in one pass; gradients of larger batches are added up."""

KEPT_BYTES = 1 << 29
"""Most memory for what precedes the first adapter in validation, the same in all epochs."""


class AdapterTraining:
    """Adapters of all seeds on one checkpoint and task.

    Args:
        model: from `adapter.load_encoder`, on its device; it is left with a fresh adapter.
        seeds: one adapter and head for each, initialised by the library under that seed.
        at_once: how many seeds to stack, by default one on the CPU and all on a GPU.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        task: Task,
        settings: TuningSettings,
        seeds: Sequence[int],
        at_once: int | None = None,
    ) -> None:
        self.device, self.settings, self.seeds = model.device, settings, list(seeds)
        self.pack = partial(
            Packing,
            pad=model.config.pad_token_id,
            first_position=first_position(model),
            heads=model.config.num_attention_heads,
            device=self.device,
        )
        apart = settings.seeds_affect == "everything"
        size = 1 if apart else at_once or (1 if self.device.type == "cpu" else len(self.seeds))
        self.stacks = [
            AdapterStack(model, task, settings, self.seeds[at : at + size])
            for at in range(0, len(self.seeds), size)
        ]
        self.size = size
        self.encoder = PackedEncoder(model, task.first_state_only)

    def train(self, data: Encoded, dev: Encoded | None) -> None:
        """Train all seeds on `data`; with `dev`, keep each one's epoch of the lowest loss on it.

        With `seeds_affect: initialisation` all seeds see the same batches and the same dropout.
        """
        packed = self.pack(data)
        held = None
        if dev is not None:
            packed_dev = self.pack(dev)
            read = packed_dev.labels != IGNORED
            held = PackedEvaluation(self.encoder, packed_dev, read, KEPT_BYTES)
        if self.settings.seeds_affect == "initialisation":
            self._train(self.stacks, packed, held, SHARED_SEED, self.seeds)
        else:
            for stack, seed in zip(self.stacks, self.seeds, strict=True):
                self._train([stack], packed, held, seed, [seed])

    def predict(self, data: Encoded) -> list[Tensor]:
        """Return each seed's predicted class indices on the CPU, in the shape of `data.labels`."""
        packed = self.pack(data)
        return PackedEvaluation(self.encoder, packed, packed.words).predict(self.stacks)

    def copy_to(self, model: PreTrainedModel, seed: int) -> None:
        """Write a seed's adapter and head into those of the library's model."""
        number = self.seeds.index(seed)
        self.stacks[number // self.size].copy_to(model, number % self.size)

    def _train(
        self,
        stacks: Sequence[AdapterStack],
        data: Packing,
        dev: PackedEvaluation | None,
        seed: int,
        names: Sequence[int],
    ) -> None:
        settings, count = self.settings, len(data.data.ids)
        steps, step = settings.epochs * math.ceil(count / settings.batch_size), 0
        order = torch.Generator().manual_seed(seed)
        who = f"seed{'s' * (len(names) > 1)} {', '.join(map(str, names))}"
        progress, losses_seen = Progress(who, settings.epochs, count), FiniteLosses(who)
        best = {stack: BestEpoch(stack, settings.patience) for stack in stacks}
        going = list(stacks)
        for _ in range(settings.epochs):
            for rows in torch.randperm(count, generator=order).split(settings.batch_size):
                rate = learning_rate(step, steps, settings.warmup, settings.learning_rate)
                loss = self._add_gradients(going, data, rows, seed, step)
                losses_seen.add(step, rate, loss)
                for stack in going:
                    stack.step(rate)
                step += 1
                progress.add(len(rows))
            losses_seen.check()
            if dev is not None:
                for stack, losses in zip(going, dev.mean_losses(going), strict=True):
                    best[stack].offer(losses)
                going = [stack for stack in going if not best[stack].over]
            if not going:
                break
        if dev is not None:
            for kept in best.values():
                kept.restore()

    def _add_gradients(
        self, stacks: Sequence[AdapterStack], data: Packing, rows: Tensor, seed: int, step: int
    ) -> Tensor:
        """Add the gradients of the mean loss over the labels of `rows`, for each seed its own.

        Returns the sum of these losses, 0-dimensional.
        """
        tokens = PART_TOKENS[self.device.type] // self.size
        parts = data.batches(rows, tokens)
        labels = max(sum(len(part.rows) for part in parts), 1)
        total = torch.zeros((), device=self.device)
        for number, part in enumerate(parts):
            key = (seed, step, number)
            with torch.no_grad():
                start = self.encoder.start(part, Dropout(self.device, *key, 0))
            for stack in stacks:
                drop = Dropout(self.device, *key, 1)
                found = logits(self.encoder, stack, part, start, drop)
                loss = summed_losses(found, part.labels).sum() / labels
                loss.backward()
                total += loss.detach()
        return total
