"""Training adapters of several seeds in one pass over the data.

The same steps as `training.train` makes for one seed after another, without padding and without
doing twice what is the same for all seeds. On the CPU seeds take turns within each step, so that a
seed's weights are the same to the bit whatever seeds are beside it; on a GPU they are stacked.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from monoglot.evaluate import adapter_models
from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.finetune import (
    CLIP_NORM,
    SHARED_SEED,
    FiniteLosses,
    TuningProgress,
    check_outputs,
    learning_rate,
)
from monoglot.evaluate.packed import (
    Dropout,
    GatedEncoder,
    PackedBatch,
    PackedEncoder,
    Packing,
    keep_all,
    packed_encoder,
)
from monoglot.evaluate.task import TrainedTask, TuningSettings
from monoglot.operations.surgery import first_position
from monoglot.training.matmul import usable

# The adapters and heads of several seeds, side by side in flat tensors, and their optimiser.

Weights = dict[str, Tensor]
"""Stacked tensors by their names in the model, each [seeds, ...]."""


class AdapterStack:
    """What is trained, for one seed or several.

    Args:
        model: from `adapter.load_encoder`; it is left with a fresh adapter and head.
        task: what the heads are for.
        seeds: of the initialisation, which is the library's.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        task: TrainedTask,
        settings: TuningSettings,
        seeds: Sequence[int],
    ) -> None:
        values = []
        for seed in seeds:
            adapter_models.fresh_adapter(model, task, settings.reduction_factor, seed)
            values.append(
                [value.detach() for value in adapter_models.trained_parameters(model).values()]
            )
        trained = adapter_models.trained_parameters(model)
        self.names = {id(value): name for name, value in trained.items()}
        self.adapters, self.head = _adapters(model), list(model.heads[adapter_models.NAME])
        self.shapes = [
            {name: value.shape for name, value in trained.items() if (value.ndim > 1) == decayed}
            for decayed in (True, False)
        ]
        stacked = dict(zip(trained, map(torch.stack, zip(*values, strict=True)), strict=True))
        self.flat = [
            torch.cat([stacked[name].flatten(1) for name in shapes], 1)
            .to(model.device)
            .requires_grad_()
            for shapes in self.shapes
        ]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [flat], "weight_decay": decay}
                for flat, decay in zip(self.flat, (settings.weight_decay, 0.0), strict=True)
            ],
            fused=True,
        )

    def weights(self) -> Weights:
        """Return the tensors as views, which gradients flow through."""
        found = {}
        for flat, shapes in zip(self.flat, self.shapes, strict=True):
            pieces = flat.split([math.prod(shape) for shape in shapes.values()], 1)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True):
                found[name] = piece.view(-1, *shape)
        return found

    def adapt(
        self, weights: Weights, layer: int, norm: nn.LayerNorm | None, states: Tensor
    ) -> Tensor:
        """Return a layer's output from the sum before its last norm, [1 or seeds, tokens, hidden].

        The norm is applied before the bottleneck and again after it (`seq_bn`). Without one, see
        `packed.Adapter`.
        """
        down, up = self.adapters[layer].adapter_down[0], self.adapters[layer].adapter_up
        if norm is None:
            output, seen = states.chunk(2, -1)
            narrow = torch.relu(self._linear(weights, down, seen))
            return output + self._linear(weights, up, narrow)
        narrow = torch.relu(self._linear(weights, down, norm(states)))
        return norm(states + self._linear(weights, up, narrow))

    def logits(self, weights: Weights, states: Tensor, drop: Dropout) -> Tensor:
        """Return the head's output [seeds, wanted, classes] for states [seeds, wanted, hidden]."""
        for module in self.head:
            if isinstance(module, nn.Dropout):
                states = drop(states, module.p)
            elif isinstance(module, nn.Linear):
                states = self._linear(weights, module, states)
            else:
                states = module(states)
        return states

    def step(self, learning_rate: float) -> None:
        """Clip each seed's gradient to norm 1, update, and forget the gradients."""
        gradients = [flat.grad for flat in self.flat]
        norms = torch.stack([torch.linalg.vector_norm(x, dim=1) for x in gradients])
        shrink = (CLIP_NORM / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(shrink[:, None])
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        self.optimiser.step()
        self.optimiser.zero_grad()

    @torch.no_grad()
    def copy_to(self, model: PreTrainedModel, place: int) -> None:
        """Write the weights of the seed at `place` of the stack into the model's modules."""
        weights = self.weights()
        for name, value in adapter_models.trained_parameters(model).items():
            value.copy_(weights[name][place])

    def _linear(self, weights: Weights, module: nn.Linear, x: Tensor) -> Tensor:
        weight = weights[self.names[id(module.weight)]]
        bias = weights[self.names[id(module.bias)]]
        return torch.baddbmm(bias[:, None], x.expand(len(weight), -1, -1), weight.mT)


def _adapters(model: PreTrainedModel) -> list[nn.Module]:
    """Return the adapter of each layer."""
    return [
        (layer.output.adapters if hasattr(layer, "output") else layer.output_adapters.adapters)[
            adapter_models.NAME
        ]
        for _, layer in model.iter_layers()
    ]


# Each seed's epoch with the lowest validation loss.


class BestEpoch:
    """Keeps the weights that a stack's seeds had in their best epochs so far.

    Args:
        patience: a seed is done after so many epochs without a lower loss; None for never.
    """

    def __init__(self, stack: AdapterStack, patience: int | None) -> None:
        self.stack, self.patience = stack, patience
        self.values = [flat.detach().clone() for flat in stack.flat]
        self.losses = [math.inf] * len(self.values[0])
        self.waited = [-1] * len(self.losses)

    def offer(self, losses: Sequence[float]) -> None:
        """Take an epoch's validation losses, one for each seed."""
        for place, loss in enumerate(losses):
            if self._done(place):
                continue
            self.waited[place] += 1
            if loss < self.losses[place] or self.waited[place] == 0:
                self.losses[place], self.waited[place] = loss, 0
                for value, flat in zip(self.values, self.stack.flat, strict=True):
                    value[place] = flat.detach()[place]

    @property
    def over(self) -> bool:
        """Whether no seed of the stack has patience left."""
        return all(self._done(place) for place in range(len(self.losses)))

    @torch.no_grad()
    def restore(self) -> None:
        """Give the stack the weights of each seed's best epoch."""
        for flat, value in zip(self.stack.flat, self.values, strict=True):
            flat.copy_(value)

    def _done(self, place: int) -> bool:
        return self.patience is not None and self.waited[place] >= self.patience


# Loss and predictions of adapters on a split, seed-independent work done once.

BATCH_TOKENS = {"cpu": 1 << 11, "cuda": 1 << 15}


class PackedEvaluation:
    """A split, in batches of like length.

    Args:
        wanted: [examples, length], what the head is to read.
        room: bytes for states before the first adapter, kept for the next epoch.
    """

    def __init__(
        self,
        encoder: PackedEncoder | GatedEncoder,
        data: Packing,
        wanted: Tensor,
        room: int = 0,
    ) -> None:
        self.encoder, self.data = encoder, data
        self.batches = [
            data.batch(rows, wanted) for rows in data.by_length(BATCH_TOKENS[data.device.type])
        ]
        self.kept: dict[int, Tensor] = {}
        self.room = room

    @torch.inference_mode()
    def mean_losses(self, stacks: Sequence[AdapterStack]) -> list[list[float]]:
        """Return each seed's cross-entropy per label (text or sub-token), stack by stack."""
        totals = [0.0] * len(stacks)
        for batch, start in self._starts():
            for number, stack in enumerate(stacks):
                losses = summed_losses(logits(self.encoder, stack, batch, start), batch.labels)
                totals[number] = totals[number] + losses.double()
        labels = max(sum(len(batch.rows) for batch in self.batches), 1)
        return [(total / labels).tolist() for total in totals]

    @torch.inference_mode()
    def predict(self, stacks: Sequence[AdapterStack]) -> list[Tensor]:
        """Return each seed's predicted class indices on the CPU, in the shape of the labels."""
        labels = self.data.data.labels
        predicted = [
            torch.full((len(stack.flat[0]), *labels.shape), IGNORED, dtype=labels.dtype)
            for stack in stacks
        ]
        finite = torch.ones((), dtype=torch.bool, device=self.data.device)
        for batch, start in self._starts():
            places = (batch.rows, batch.columns)[: labels.ndim]
            for stack, found in zip(stacks, predicted, strict=True):
                outputs = logits(self.encoder, stack, batch, start)
                finite &= outputs.isfinite().all()
                classes = outputs.argmax(-1).cpu()
                found[:, *places] = classes[:, : len(batch.rows)]
        check_outputs(finite, "prediction")
        return [seed for found in predicted for seed in found]

    def _starts(self) -> Iterator[tuple[PackedBatch, Tensor]]:
        for number, batch in enumerate(self.batches):
            start = self.kept.get(number)
            if start is None:
                start = self.encoder.start(batch, keep_all)
                if start.nbytes <= self.room:
                    self.kept[number] = start
                    self.room -= start.nbytes
            yield batch, start


def logits(
    encoder: PackedEncoder | GatedEncoder,
    stack: AdapterStack,
    batch: PackedBatch,
    start: Tensor,
    drop: Dropout = keep_all,
) -> Tensor:
    """Return the head's output [seeds, wanted, classes] from what precedes the first adapter."""
    weights = stack.weights()
    states = encoder.finish(start, batch, partial(stack.adapt, weights), drop)
    return stack.logits(weights, states, drop)


def summed_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each seed's summed cross-entropy; `logits` [seeds, wanted, classes]."""
    losses = F.cross_entropy(
        logits.flatten(0, 1),
        labels.repeat(len(logits)),
        ignore_index=IGNORED,
        reduction="none",
    )
    return losses.view(len(logits), -1).sum(1)


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
        task: TrainedTask,
        settings: TuningSettings,
        seeds: Sequence[int],
        at_once: int | None = None,
    ) -> None:
        self.device, self.settings, self.seeds = model.device, settings, list(seeds)
        self.pack = partial(
            Packing,
            pad=model.config.pad_token_id,
            first_position=first_position(model.config),
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
        self.encoder = self.tested = packed_encoder(model, task.first_state_only)
        if usable(settings.precision, self.device) == "bf16":
            self.encoder = packed_encoder(model, task.first_state_only, torch.bfloat16)

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
        return PackedEvaluation(self.tested, packed, packed.words).predict(self.stacks)

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
        epochs = settings.passes(count)
        steps, step = epochs * math.ceil(count / settings.batch_size), 0
        order = torch.Generator().manual_seed(seed)
        who = f"seed{'s' * (len(names) > 1)} {', '.join(map(str, names))}"
        progress, losses_seen = TuningProgress(who, epochs, count), FiniteLosses(who)
        best = {stack: BestEpoch(stack, settings.patience) for stack in stacks}
        going = list(stacks)
        for _ in range(epochs):
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
