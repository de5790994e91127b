"""What is matched inside of a student and its teacher, besides logits.

Each term is a module with what is learned for it alone, which is thrown away after training, and a
sum of errors over a batch; divided by `count`, taken over a whole step, it is a mean.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig

from monoglot.errors import UserError
from monoglot.operations.surgery import Inside
from monoglot.training.batches import Size
from monoglot.training.settings import Settings


class Attention(nn.Module):
    """The student's attention map, projected, against its teacher's: the mean squared difference.

    After AfroXLMR-Comet (arXiv 2502.18020): maps are those of the last layer, the mean over its
    heads. docs/comet.md says which parts the published description leaves open.

    The projection is a linear map W of attention maps, at first the identity, without a bias. Maps
    are padded with zeros to `length` positions. `rows` applies one W, [length, length], to every
    row of a map, that is to the attention of one token. `full` applies one W, [length², length²],
    to the whole map as one vector.
    """

    def __init__(self, kind: str, length: int) -> None:
        super().__init__()
        self.kind, self.length = kind, length
        self.weight = nn.Parameter(torch.eye(projection_size(kind, length)))

    def errors(self, ours: Inside, theirs: Inside, attention_mask: Tensor) -> Tensor:
        """Return the squared differences, summed over pairs of tokens that are no padding."""
        projected = self(ours.attention)
        return attention_errors(projected, theirs.attention, attention_mask)

    def count(self, size: Size) -> int:
        """Return the number of such pairs."""
        return size.pairs

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


class HiddenStates(nn.Module):
    """Hidden states of some layers, the student's through a linear map, against the teacher's.

    After TinyBERT (Jiao et al. 2020, arXiv 1909.10351): the mean squared difference over tokens
    that are no padding, dimensions and layers. The teacher's states are standardised over their
    dimensions first, so that layers count the same however long their vectors are; 1 is what a
    student has that knows nothing. Each layer has a map of its own, with a bias. It begins as the
    one of least squares (see `fit`): a random one would first undo what the student knows.
    """

    RIDGE = 1e-3
    """Of least squares, in mean variances of the student's dimensions."""

    def __init__(self, hidden: int, hidden_t: int, layers: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(hidden, hidden_t) for _ in range(layers))

    def errors(self, ours: Inside, theirs: Inside, attention_mask: Tensor) -> Tensor:
        """Return the squared differences: means over dimensions and layers, summed over tokens."""
        tokens = attention_mask.bool()
        errors = ours.states[0].new_zeros(())
        for layer, one in enumerate(self.maps):
            own, other = ours.states[layer], theirs.states[layer]
            target = _standardised(other[tokens])
            errors = errors + F.mse_loss(one(own[tokens]), target, reduction="sum")
        return errors / (len(self.maps) * target.shape[-1])

    def count(self, size: Size) -> int:
        """Return the number of tokens."""
        return size.tokens

    @torch.no_grad()
    def fit(self, pairs: Sequence[tuple[Inside, Inside, Tensor]]) -> None:
        """Set each map to the one of least squares on some batches: (ours, theirs, mask)."""
        for layer, one in enumerate(self.maps):
            own, others = (
                torch.cat([pair[side].states[layer][pair[2].bool()] for pair in pairs]).double()
                for side in (0, 1)
            )
            others = _standardised(others)
            mean, mean_t = own.mean(0), others.mean(0)
            own, others = own - mean, others - mean_t
            square = own.T @ own
            ridge = self.RIDGE * square.diagonal().mean() + torch.finfo(torch.float64).tiny
            square += ridge * torch.eye(len(square), dtype=square.dtype, device=square.device)
            weight = torch.linalg.solve(square, own.T @ others).T
            one.weight.copy_(weight)
            one.bias.copy_(mean_t - weight @ mean)


class TextVectors(nn.Module):
    """Vectors of whole texts, the mean of their last states, against the teacher's: 1 - cosine.

    For encoders that are used for such vectors (Reimers and Gurevych 2020, arXiv 2004.09813, match
    them by squared error). A student of another width is first turned into the teacher's space by a
    fixed matrix Q with Q'Q = I (the orthogonal Procrustes problem, see `fit`): a rotation keeps
    every cosine among the student's own vectors, which a learned map would not.
    """

    def __init__(self, hidden: int, hidden_t: int) -> None:
        super().__init__()
        # A parameter, as it belongs to the state of a training, but none that learns.
        rotation = None if hidden == hidden_t else torch.eye(hidden_t, hidden)
        self.rotation = rotation if rotation is None else nn.Parameter(rotation, False)

    def errors(self, ours: Inside, theirs: Inside, attention_mask: Tensor) -> Tensor:
        """Return 1 - cosine, summed over texts."""
        own, other = (_pooled(one.states[-1], attention_mask) for one in (ours, theirs))
        if self.rotation is not None:
            own = F.linear(own, self.rotation)
        return (1 - F.cosine_similarity(own, other)).sum()

    def count(self, size: Size) -> int:
        """Return the number of texts."""
        return size.sequences

    @torch.no_grad()
    def fit(self, pairs: Sequence[tuple[Inside, Inside, Tensor]]) -> None:
        """Set Q to the rotation that brings vectors of some texts nearest to the teacher's.

        Tokens take the texts' place: there are more of them than dimensions.
        """
        if self.rotation is None:
            return
        product = 0
        for ours, theirs, mask in pairs:
            own, other = (one.states[-1][mask.bool()].double() for one in (ours, theirs))
            product = product + other.T @ own
        left, _, right = torch.linalg.svd(product, full_matrices=False)
        self.rotation.copy_(left @ right)


class Relations(nn.Module):
    """Relations among queries, among keys and among values, against the teacher's.

    After MiniLMv2 (Wang et al. 2021, arXiv 2012.15828): the queries of all heads are put side by
    side and cut into `heads` relation heads; softmax(AA' / sqrt(width)) says how each token relates
    to each. The distance is the mean KL divergence from the teacher's relations to the student's,
    over tokens, relation heads, layers and the three kinds. Nothing of it depends on the student's
    width or heads, so nothing is learned for it.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self._heads = heads

    def errors(self, ours: Inside, theirs: Inside, attention_mask: Tensor) -> Tensor:
        """Return the divergences: means over relation heads, layers, kinds; summed over tokens."""
        tokens = attention_mask.bool()
        padding = ~tokens[:, None, None, :]
        errors = attention_mask.new_zeros((), dtype=torch.float32)
        pairs = list(zip(ours.projections, theirs.projections, strict=True))
        for own, other in pairs:
            log_q, log_p = self._relations(own, padding), self._relations(other, padding)
            divergences = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)
            errors = errors + (divergences * tokens[:, None, :]).sum()
        return errors / (self._heads * len(pairs))

    def count(self, size: Size) -> int:
        """Return the number of tokens."""
        return size.tokens

    def _relations(self, vectors: Tensor, padding: Tensor) -> Tensor:
        """Return logarithms, [batch, relation heads, tokens, tokens], of [batch, tokens, width]."""
        heads = vectors.unflatten(-1, (self._heads, -1)).transpose(1, 2)
        scores = heads @ heads.mT / math.sqrt(heads.shape[-1])
        lowest = torch.finfo(scores.dtype).min
        return scores.masked_fill(padding, lowest).log_softmax(-1)


def _pooled(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean of [batch, tokens, width] over tokens that are no padding."""
    weights = attention_mask[..., None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def _standardised(states: Tensor) -> Tensor:
    """Return vectors [..., width] with mean 0 and variance 1 over their dimensions."""
    return F.layer_norm(states, states.shape[-1:])


def matched(
    settings: Settings, student: PretrainedConfig, teacher: PretrainedConfig, layers: int
) -> nn.ModuleDict:
    """Return the terms that settings give a weight, by the name of the weight.

    Args:
        layers: how many pairs of layers are compared.
    """
    makers = {
        "attention_weight": lambda: Attention(settings.attention_projection, settings.max_length),
        "hidden_weight": lambda: HiddenStates(student.hidden_size, teacher.hidden_size, layers),
        "sentence_weight": lambda: TextVectors(student.hidden_size, teacher.hidden_size),
        "relation_weight": lambda: Relations(relation_heads(student, teacher)),
    }
    return nn.ModuleDict({name: make() for name, make in makers.items() if getattr(settings, name)})


def relation_heads(student: PretrainedConfig, teacher: PretrainedConfig) -> int:
    """Return the number of relation heads: the teacher's heads, or as many as fit both widths."""
    widths = math.gcd(student.hidden_size, teacher.hidden_size)
    return math.gcd(widths, teacher.num_attention_heads)


def layer_pairs(settings: Settings, student: int, teacher: int) -> list[tuple[int, int]]:
    """Return which layer of the student, from 1, is matched with which of the teacher.

    The teacher's are given, by default the last; the student's are spread evenly, the last with the
    last.

    Args:
        student, teacher: how many layers they have.

    Raises:
        UserError: the teacher or the student has too few layers.
    """
    chosen = sorted(settings.teacher_layers or [teacher])
    if chosen[-1] > teacher:
        raise UserError(
            f"teacher_layers: there is no layer {chosen[-1]}, as the teacher has {teacher}; give "
            f"numbers from 1 to {teacher}"
        )
    if len(chosen) > student:
        raise UserError(
            f"teacher_layers: {len(chosen)} layers of the teacher are more than the {student} of "
            f"the student; give {student} or fewer"
        )
    own = [round((i + 1) * student / len(chosen)) for i in range(len(chosen))]
    return list(zip(own, chosen, strict=True))
