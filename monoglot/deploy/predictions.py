"""Predictions of a graph on a task's test set."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from monoglot.deploy.export import answer, session
from monoglot.evaluate.encoding import IGNORED, Encoded

BATCH = 32


def predict(graph: Path, data: Encoded) -> Tensor:
    """Return predicted class indices in the shape of `data.labels`.

    Texts of one length are answered together, so that no text is padded: dynamic quantisation
    takes its scale from all that is in a batch.
    """
    opened = session(graph)
    predicted = torch.full_like(data.labels, IGNORED)
    for rows in _batches(data.lengths):
        ids = data.ids[rows, : int(data.lengths[rows[0]])]
        logits = answer(opened, ids.numpy(), torch.ones_like(ids).numpy())
        classes = torch.from_numpy(logits.argmax(-1))
        if classes.dim() == 1:
            predicted[rows] = classes
        else:
            predicted[rows, : classes.shape[1]] = classes
    return predicted


def _batches(lengths: Tensor) -> Iterator[Tensor]:
    """Yield the rows of texts that are equally long, at most `BATCH` at a time."""
    for length in lengths.unique():
        yield from (lengths == length).nonzero().flatten().split(BATCH)
