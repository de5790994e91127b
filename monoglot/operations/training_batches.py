"""Masked batches for training and validation, each a function of the seed and the step alone."""

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
import torch
from torch import Tensor

from monoglot.masking import IGNORED, mask_tokens
from monoglot.operations.training_settings import Settings
from monoglot.tokens.batches import Mixture, Sequences, collate

VALIDATION_BATCH = 64


@dataclass(frozen=True)
class Batch:
    """Token ids after masking, their attention mask and the masked-out labels, [batch, length]."""

    ids: Tensor
    attention_mask: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(t.to(device) for t in (self.ids, self.attention_mask, self.labels)))

    def positions(self, which: str) -> Tensor:
        """Return the flat indices of the positions a distillation loss compares, ascending."""
        return self._chosen(which).flatten().nonzero().squeeze(1)

    def at(self, states: Tensor, which: str) -> Tensor:
        """Return those of `states`, [all positions, ...], at the positions `which`."""
        return states if which == "all" else states[self.positions(which)]

    def masked_among(self, which: str) -> Tensor:
        """Return the indices of the masked positions among the positions `which`."""
        return torch.searchsorted(self.positions(which), self.positions("masked"))

    def masked_labels(self) -> Tensor:
        """Return the ids behind the masks, in the order of `positions("masked")`."""
        return self.labels.flatten()[self.positions("masked")]

    def size(self, which: str) -> "Size":
        """Count what means are taken over, `which` being the compared positions."""
        tokens = self.attention_mask.sum(1)
        return Size(
            masked=int(self._chosen("masked").sum()),
            compared=int(self._chosen(which).sum()),
            sequences=len(self.ids),
            tokens=int(tokens.sum()),
            pairs=int(tokens.square().sum()),
        )

    def rows(self, rows: slice) -> "Batch":
        """Return some of the sequences, padded as they are."""
        return Batch(self.ids[rows], self.attention_mask[rows], self.labels[rows])

    def _chosen(self, which: str) -> Tensor:
        if which == "all":
            return torch.ones_like(self.labels, dtype=torch.bool)
        return self.attention_mask.bool() if which == "unpadded" else self.labels != IGNORED


@dataclass(frozen=True)
class Size:
    """Numbers that means are taken over: masked and compared positions, sequences, tokens (no
    padding), and pairs of tokens of one sequence."""

    masked: int
    compared: int
    sequences: int
    tokens: int
    pairs: int

    def __add__(self, other: "Size") -> "Size":
        return Size(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class Batches:
    """Makes batches out of sequences without special tokens.

    Args:
        special: the special ids of the tokenizer, as in a token store's `meta`.
    """

    def __init__(self, special: dict, settings: Settings) -> None:
        self._special, self._settings = special, settings
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def of_step(self, sequences: Sequences | Mixture, step: int) -> Batch:
        """Return the training batch of a step; epochs are shuffled and masked anew."""
        size = self._settings.batch_size
        epoch, index = divmod(step, math.ceil(len(sequences) / size))
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(mixed_seed(self._settings.seed, -1 - epoch))
            self._order = epoch, torch.randperm(len(sequences), generator=generator)
        chosen = self._order[1][index * size : (index + 1) * size].tolist()
        generator = torch.Generator().manual_seed(mixed_seed(self._settings.seed, step))
        full = self._settings.max_length if self._settings.padding == "max_length" else None
        return self._masked([sequences[i] for i in chosen], generator, full)

    def of_validation(self, sequences: Sequences | Mixture, step: int) -> Iterator[Batch]:
        """Yield the validation batches of a step; fixed masks are the same at every step."""
        seed = self._settings.seed
        if self._settings.validation_masks == "redrawn":
            seed = mixed_seed(-1 - seed, step)  # no generator of training has such a seed
        generator = torch.Generator().manual_seed(seed)
        by_length = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
        for start in range(0, len(by_length), VALIDATION_BATCH):
            chosen = by_length[start : start + VALIDATION_BATCH]
            yield self._masked([sequences[i] for i in chosen], generator, None)

    def _masked(
        self, documents: list[np.ndarray], generator: torch.Generator, pad_to: int | None
    ) -> Batch:
        settings, special = self._settings, self._special
        ids, attention, fixed = collate(documents, special, settings.max_length, pad_to)
        probability = settings.mlm_probability
        ids, labels = mask_tokens(
            ids, fixed, special["mask"], special["vocab"], probability, generator
        )
        return Batch(ids, attention, labels)


def mixed_seed(seed: int, number: int, rank: int = 0) -> int:
    """Mix a seed and a step (or, below zero, an epoch) into the seed of a process's generator."""
    return (seed * 1_000_003 + number + rank * 2**48) % 2**63
