"""A smaller basis of the residual stream, for a change of basis instead of a cut."""

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 16384


@dataclass(frozen=True)
class Basis:
    """Orthonormal directions of the residual stream, and what they keep of it.

    Attributes:
        directions: P, one direction a column, float64, shape [hidden, size]. The stream s becomes
            P's; what reads it, W, becomes WP, and what writes to it P'W.
        share: of the stream's variance that lies in their span, 0 to 1.
    """

    directions: Tensor
    share: float

    def project(self, weight: Tensor, axis: int) -> Tensor:
        """Return `weight` with its axis of length `hidden` in the new basis."""
        directions = self.directions.to(weight.dtype)
        return torch.tensordot(weight, directions, ([axis], [0])).movedim(-1, axis)

    def gains(self, gains: Tensor) -> Tensor:
        """Return the gains of the LayerNorm that is nearest to the old one in the new basis.

        With M for "minus the mean", the old one is P' diag(g) M s / std(s), up to the bias. P takes
        the uniform direction to the uniform direction, hence M commutes with it: M P's = P'M s.
        The standard deviation shrinks by sqrt(share · hidden / size), which the gains make up for.
        P' diag(g) = diag(g') P' has no solution unless P is a permutation or all gains are equal;
        g' = diag(P' diag(g) P) is its least-squares one.
        """
        hidden, size = self.directions.shape
        shrink = (self.share * hidden / size) ** 0.5
        return (shrink * self.directions.square().T @ gains.double()).to(gains.dtype)


def leading_basis(embeddings: Tensor, size: int) -> Basis:
    """Return the basis of the `size` - 1 leading directions of embeddings, and their mean's.

    The directions are the right singular vectors of the embeddings [vocabulary, hidden], each
    embedding less its own mean over dimensions, which LayerNorm takes away, and not centred over
    the vocabulary, since what all embeddings have in common is part of the stream too. Every piece
    counts the same. The uniform direction is put beside them so that LayerNorm's mean stays a mean;
    a reflection then makes it the uniform direction of the new basis.
    """
    hidden = embeddings.shape[1]
    moments = _centred(gram(embeddings))
    uniform = torch.ones(hidden, 1, dtype=moments.dtype, device=moments.device) / hidden**0.5
    # A value below all others keeps the uniform direction out of the leading ones.
    lowered = moments - (1 + moments.trace()) * uniform @ uniform.T
    values, vectors = torch.linalg.eigh(lowered)
    first = hidden - size + 1
    leading, kept = vectors[:, first:].flip(1), values[first:].sum()
    largest = leading.gather(0, leading.abs().argmax(0, keepdim=True))
    directions = torch.cat([uniform, leading * largest.sign()], 1)
    return Basis(_reflected(directions), float(kept / moments.trace()))


def gram(weight: Tensor) -> Tensor:
    """Return W'W in float64, added up from a few rows of W at a time."""
    return sum(rows.T @ rows for rows in map(Tensor.double, weight.split(ROWS)))


def _centred(moments: Tensor) -> Tensor:
    """Return M G M, the Gram matrix of rows less their mean, where G is that of the rows."""
    moments = moments - moments.mean(0)
    return moments - moments.mean(1, keepdim=True)


def _reflected(directions: Tensor) -> Tensor:
    """Return directions that span the same, so that their sum, not the first, is uniform.

    Householder's reflection that swaps the first axis and (1, ..., 1) / sqrt(size).
    """
    size = directions.shape[1]
    if size == 1:
        return directions
    normal = torch.full((size, 1), -(size**-0.5), dtype=directions.dtype, device=directions.device)
    normal[0] += 1
    return directions - directions @ normal @ normal.T / (1 - size**-0.5)
