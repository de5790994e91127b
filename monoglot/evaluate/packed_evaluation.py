"""Loss and predictions of adapters on a split, seed-independent work done once."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from monoglot.evaluate.adapter_stack import AdapterStack
from monoglot.evaluate.dropout import Dropout, keep_all
from monoglot.evaluate.encoding import IGNORED
from monoglot.evaluate.finite import check_outputs
from monoglot.evaluate.packed_encoder import PackedEncoder
from monoglot.evaluate.packing import Batch, Packing

BATCH_TOKENS = {"cpu": 1 << 11, "cuda": 1 << 15}


class PackedEvaluation:
    """A split, in batches of like length.

    Args:
        wanted: [examples, length], what the head is to read.
        room: bytes for states before the first adapter, kept for the next epoch.
    """

    def __init__(
        self, encoder: PackedEncoder, data: Packing, wanted: Tensor, room: int = 0
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

    def _starts(self) -> Iterator[tuple[Batch, Tensor]]:
        for number, batch in enumerate(self.batches):
            start = self.kept.get(number)
            if start is None:
                start = self.encoder.start(batch, keep_all)
                if start.nbytes <= self.room:
                    self.kept[number] = start
                    self.room -= start.nbytes
            yield batch, start


def logits(
    encoder: PackedEncoder,
    stack: AdapterStack,
    batch: Batch,
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
