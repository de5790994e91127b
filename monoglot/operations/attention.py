"""Attention matching: the student's attention map, projected, against its teacher's.

After AfroXLMR-Comet (arXiv 2502.18020): maps are those of the last layer, the mean over its heads,
and the projection is learned with the student and thrown away. docs/comet.md says what of this the
published description leaves open.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AttentionProjection(nn.Module):
    """A learned linear map W of attention maps, at first the identity, without a bias.

    Maps are padded with zeros to `length` positions. `rows` applies one W, [length, length], to
    every row of a map, that is to the attention of one token. `full` applies one W,
    [length², length²], to the whole map as one vector.
    """

    def __init__(self, kind: str, length: int) -> None:
        super().__init__()
        self.kind, self.length = kind, length
        self.weight = nn.Parameter(torch.eye(projection_size(kind, length)))

    def forward(self, attention: Tensor) -> Tensor:
        """Project maps of shape [batch, tokens, tokens]."""
        tokens = attention.shape[1]
        after = self.length - tokens
        maps = F.pad(attention, (0, after, 0, after))
        if self.kind == "full":
            maps = F.linear(maps.flatten(1), self.weight).unflatten(1, (self.length, self.length))
        else:
            maps = F.linear(maps, self.weight)
        return maps[:, :tokens, :tokens]


def projection_size(kind: str, length: int) -> int:
    """Return the rows of the projection's square matrix."""
    return length**2 if kind == "full" else length


def attention_errors(student: Tensor, teacher: Tensor, attention_mask: Tensor) -> Tensor:
    """Summed squared differences of two maps over all pairs of tokens that are no padding.

    Divided by the number of such pairs it is the mean squared difference.

    Args:
        student, teacher: [batch, tokens, tokens].
        attention_mask: 1 for tokens, 0 for padding, [batch, tokens].
    """
    pairs = attention_mask[:, :, None] * attention_mask[:, None, :]
    return ((student - teacher).square() * pairs).sum()
