"""Batches without padding: the tokens of all examples one after another.

Linear layers, norms and dropout see no padding. Attention alone is computed on padded sequences,
in groups of like length.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from monoglot.evaluate.encoding import IGNORED, Encoded

WASTE = {"cpu": 1 << 15}
"""Most attention weights of a group that are padding alone, of all heads. A group more costs about
as much as these; on a GPU it costs more than any padding, and there is one group."""

MULTIPLE = 32
"""Tokens of a batch are filled up to a multiple of this, and so are those that the head reads.

Code for a matrix product is generated for each number of rows and kept for some hundred of them.
"""


@dataclass(frozen=True)
class Group:
    """Neighbouring sequences of a batch, with `tokens` tokens; padded they are [sequences, length].

    `pad` [sequences * length] names the token (of the group) at each padded place, and `places`
    [tokens] the padded place of each token; `bias` [sequences, 1, 1, length] is -inf on padding
    and else 0. All three are None where all sequences are equally long.
    """

    sequences: int
    length: int
    tokens: int
    pad: Tensor | None
    places: Tensor | None
    bias: Tensor | None


@dataclass(frozen=True)
class Batch:
    """Examples in the order of their lengths, their `ids` and `positions` [tokens] end to end.

    The last `filler` tokens are nobody's. `starts` [examples] are the tokens that sequences begin
    with, `wanted` the tokens whose states the head reads. Of these, the first ones have `labels`
    and, in the tensors of the split, `rows` and `columns`; those after them have the label
    `IGNORED`, and no place.
    """

    ids: Tensor
    positions: Tensor
    filler: int
    groups: tuple[Group, ...]
    starts: Tensor
    wanted: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor


class Packing:
    """A split, to make batches of.

    Args:
        first_position: the position of a sequence's first token, XLM-R's padding id plus 1.
        pad: id of padding; a token of that id within a text has no position in XLM-R.
        heads: of attention.
    """

    def __init__(
        self, data: Encoded, pad: int, first_position: int, heads: int, device: torch.device
    ) -> None:
        self.data, self.device = data, device
        self.lengths = data.lengths.clamp(min=1)
        self.waste = WASTE.get(device.type, math.inf) / heads
        self.positions = torch.arange(data.ids.shape[1]).expand_as(data.ids)
        if first_position:
            real = (data.ids != pad).long()
            self.positions = real.cumsum(1) * real + first_position - 1
        # A text's class is read from its first token, a sentence's tags from those of its words.
        classes = torch.zeros_like(data.ids, dtype=torch.bool)
        classes[:, 0] = True
        self.words = classes if data.words is None else data.words >= 0
        self.labels = data.labels
        if data.words is None:
            self.labels = torch.full_like(data.ids, IGNORED)
            self.labels[:, 0] = data.labels

    def by_length(self, tokens: int) -> Iterator[Tensor]:
        """Yield rows of like length, as many as have at most `tokens` tokens, at least one."""
        yield from self._cut(torch.argsort(self.lengths, stable=True), tokens)

    def batches(self, rows: Tensor, tokens: int) -> list[Batch]:
        """Return a batch of `rows` to train on, in parts of at most `tokens` tokens."""
        rows = rows[torch.argsort(self.lengths[rows], stable=True)]
        return [self.batch(part, self.labels != IGNORED) for part in self._cut(rows, tokens)]

    def batch(self, rows: Tensor, wanted: Tensor) -> Batch:
        """Return `rows`, sorted by length; `wanted` [examples, length] is what the head reads."""
        lengths = self.lengths[rows]
        ends = lengths.cumsum(0)
        sequence = torch.repeat_interleave(torch.arange(len(rows)), lengths)
        column = torch.arange(int(ends[-1])) - (ends - lengths)[sequence]
        places = (rows[sequence], column)
        filler = -len(column) % MULTIPLE
        inside = wanted[places]
        chosen, others = inside.nonzero().squeeze(1), F.pad(~inside, (0, filler), value=True)
        more = 0 if self.data.words is None else -len(chosen) % MULTIPLE
        tensors = (
            F.pad(self.data.ids[places], (0, filler)),
            F.pad(self.positions[places], (0, filler)),
            ends - lengths,
            torch.cat([chosen, others.nonzero().squeeze(1)[:more]]),
            F.pad(self.labels[places][chosen], (0, more), value=IGNORED),
        )
        ids, positions, starts, read, labels = (x.to(self.device) for x in tensors)
        groups = tuple(self._group(part) for part in _split(lengths, self.waste))
        where = (rows[sequence[chosen]], column[chosen])
        return Batch(ids, positions, filler, groups, starts, read, labels, *where)

    def _cut(self, rows: Tensor, tokens: int) -> Iterator[Tensor]:
        start, total = 0, 0
        for at, length in enumerate(self.lengths[rows].tolist()):
            if total and total + length > tokens:
                yield rows[start:at]
                start, total = at, 0
            total += length
        yield rows[start:]

    def _group(self, lengths: Tensor) -> Group:
        count, longest, tokens = len(lengths), int(lengths[-1]), int(lengths.sum())
        if int(lengths[0]) == longest:
            return Group(count, longest, tokens, None, None, None)
        column = torch.arange(longest)
        inside = column < lengths[:, None]
        first = lengths.cumsum(0) - lengths
        pad = (first[:, None] + torch.minimum(column, lengths[:, None] - 1)).flatten()
        places = inside.flatten().nonzero().squeeze(1)
        bias = torch.zeros(inside.shape).masked_fill(~inside, -torch.inf)[:, None, None]
        return Group(count, longest, tokens, *(x.to(self.device) for x in (pad, places, bias)))


def _split(lengths: Tensor, waste: float) -> list[Tensor]:
    """Cut ascending `lengths` so that padding adds at most `waste` to the squares of each part."""
    cuts, longest, added = [0], 0, 0
    for length in reversed(lengths.tolist()):
        longest = longest or length
        added += longest**2 - length**2
        if added > waste:
            cuts.insert(0, 0)
            longest, added = length, 0
        cuts[0] += 1
    return list(lengths.split(cuts))
