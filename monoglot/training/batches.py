"""Training sequences out of token stores, and batches out of sequences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import torch
from torch import Tensor

from monoglot.tokens.store import TokenStore
from monoglot.training.settings import Settings


class Sequences:
    """The sequences of at most `length` tokens (special tokens not counted) of one store.

    `documents` says what becomes of a long document:

    - `truncate`: one sequence a document, the rest dropped (the paper's code);
    - `chunk`: every document cut into consecutive sequences, nothing dropped;
    - `pack`: documents run on into each other and are cut every `length` tokens, so that no
      sequence needs padding; only the last, shorter one is dropped if there are others.
    """

    def __init__(self, store: TokenStore, length: int, documents: str) -> None:
        self._tokens = store.tokens
        offsets = np.asarray(store.offsets)
        if documents == "pack":
            offsets = np.array([0, len(store.tokens)])
        lengths = np.diff(offsets)
        if documents == "truncate":
            self._starts = offsets[:-1]
        else:
            counts = -(-lengths // length)
            within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
            self._starts = np.repeat(offsets[:-1], counts) + within * length
        ends = np.repeat(offsets[1:], 1 if documents == "truncate" else counts)
        self._ends = np.minimum(self._starts + length, ends)
        if documents == "pack" and len(self._starts) > 1 and len(store.tokens) % length:
            self._starts, self._ends = self._starts[:-1], self._ends[:-1]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._tokens[self._starts[index] : self._ends[index]].astype(np.int64)


class Mixture:
    """Several `Sequences` as one, each with a share: 0.1 takes the first tenth of its sequences."""

    def __init__(self, parts: Sequence[Sequences], shares: Sequence[float]) -> None:
        self._parts = parts
        taken = [max(1, round(len(p) * s)) for p, s in zip(parts, shares, strict=True)]
        self._ends = np.cumsum(taken)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[part - 1]) if part else 0
        return self._parts[part][index - before]


def collate(
    documents: Sequence[np.ndarray], special: dict, max_length: int, pad_to: int | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put special tokens around documents and pad them to one length.

    Args:
        documents: arrays of token ids without special tokens; longer ones are cut.
        special: ids of `cls`, `sep`, `pad` and all `special` tokens, as in a store's `meta`.
        max_length: length of the longest sequence, its two special tokens included.
        pad_to: pad to this length; by default to the longest of the batch.

    Returns:
        `ids`, `attention_mask` and `special_mask` (true where a token must not be masked: special
        tokens and padding), int64, int64 and bool, each of shape [batch, length].
    """
    documents = [document[: max_length - 2] for document in documents]
    length = pad_to or max(len(document) for document in documents) + 2
    ids = np.full((len(documents), length), special["pad"], dtype=np.int64)
    attention = np.zeros_like(ids)
    for row, document in enumerate(documents):
        end = len(document) + 2
        ids[row, 0] = special["cls"]
        ids[row, 1 : end - 1] = document
        ids[row, end - 1] = special["sep"]
        attention[row, :end] = 1
    special_mask = np.isin(ids, special["special"])
    return torch.from_numpy(ids), torch.from_numpy(attention), torch.from_numpy(special_mask)


# Masked-language-model masking, drawn from an explicit generator.

IGNORED = -100  # label of the positions that are not predicted; the default of cross_entropy
MASK_SHARE, RANDOM_SHARE = 0.8, 0.1  # the rest of the chosen tokens stay as they are


def mask_tokens(
    ids: torch.Tensor,
    special: torch.Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose tokens to predict; replace 80 % of them by the mask, 10 % by a random piece.

    This is the masking of BERT (Devlin et al. 2019, section 3.1). Random pieces come from the
    whole vocabulary, special tokens included, as in Hugging Face's collator, which the paper used.
    Numbers are drawn on the generator's device, so that a CPU generator gives the same masks
    whatever device `ids` are on.

    Args:
        ids: token ids, int64, shape [batch, length].
        special: true where a token must not be chosen (special tokens and padding), bool, same
            shape.
        mask_id: id of the mask token.
        vocab_size: random pieces have ids below it.
        probability: chance of any other token to be chosen, 0 to 1.
        generator: the source of chance; it advances by the same amount for equal shapes.

    Returns:
        New ids, and labels: the old id where a token was chosen, -100 elsewhere.
    """
    device = generator.device
    draw = torch.rand(ids.shape, generator=generator, device=device).to(ids.device)
    pieces = torch.randint(vocab_size, ids.shape, generator=generator, device=device).to(ids.device)
    # One uniform number decides both whether a token is chosen and what becomes of it.
    chosen = (draw < probability) & ~special
    masked = chosen & (draw < probability * MASK_SHARE)
    random = chosen & ~masked & (draw < probability * (MASK_SHARE + RANDOM_SHARE))
    labels = ids.masked_fill(~chosen, IGNORED)
    return torch.where(random, pieces, ids.masked_fill(masked, mask_id)), labels


# Masked batches for training and validation, each a function of the seed and the step alone.

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
