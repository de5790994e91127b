"""Losses on a masked LM's logits, computed with no more logits than they need.

All take the transformed hidden states just before the decoder. Automatic differentiation would make
a copy of the decoder's weight for every use of it, hundreds of megabytes each; so a loss returns
its own gradient with respect to hidden states, and adds that of the decoder to `weight.grad` and
`bias.grad` in place. A step may be given in parts (micro-batches): the decoder's share of the work
is then still done once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from monoglot.training.matmul import BLOCK, add_product, inner_product, product
from monoglot.training.processes import Processes

LOGIT_POSITIONS = 128
"""Positions whose logits are in memory at a time: with 250,002 pieces, 128 MB a tensor. Four times
as many would save 5 % of the cross-entropy's time."""

LEAST_SHARE = 1e-3
"""What terms that cancel must leave of their sizes: of less, rounding to fp32 may take 0.1 %.

It takes up to 1e-6 of the sizes, measured with hidden states and vocabularies of true size.
"""

Decoder = tuple[Tensor, Tensor]
"""Weight [vocabulary, hidden] and bias [vocabulary]."""


class Part(NamedTuple):
    """What a part of a step adds to a loss.

    `loss` is its share of the mean over the whole step. `gradient` [positions, hidden] is that of
    `factor` times the loss with respect to the student's hidden states; None without `factor`.
    """

    loss: Tensor
    gradient: Tensor | None


class CrossEntropy:
    """Cross-entropy at the masked positions of a step, the mean over them.

    Args:
        decoder: the student's.
        positions: masked positions of the whole step.
        factor: the loss's weight in what is trained on; None computes values alone.

    Attributes:
        hits: how often the most likely piece was right so far.
    """

    def __init__(self, decoder: Decoder, positions: int, factor: float | None) -> None:
        self._decoder, self._positions, self._factor = decoder, max(positions, 1), factor
        self._memory: Tensor | None = None
        self.hits = torch.zeros((), dtype=torch.long, device=decoder[0].device)

    @torch.no_grad()
    def part(self, hidden: Tensor, labels: Tensor) -> Part:
        """Add hidden states [positions, hidden] and the ids behind the masks [positions]."""
        loss = hidden.new_zeros(())
        gradient = None if self._factor is None else torch.empty_like(hidden)
        for rows in _slices(len(hidden)):
            logits = self._logits_of(hidden[rows])
            right = logits.gather(1, labels[rows, None])[:, 0]
            highest, likeliest = logits.max(-1)
            self.hits += (likeliest == labels[rows]).sum()
            exponentials = logits.sub_(highest[:, None]).exp_()
            sums = exponentials.sum(-1)
            loss += (highest + sums.log() - right).sum()
            if gradient is not None:
                errors = exponentials.div_(sums[:, None])
                errors[torch.arange(len(errors)), labels[rows]] -= 1
                errors *= self._factor / self._positions
                gradient[rows] = _pull_back(errors, hidden[rows], self._decoder)
        return Part(loss / self._positions, gradient)

    def finish(self) -> None:
        """End the step; all gradients are there already."""

    def _logits_of(self, hidden: Tensor) -> Tensor:
        """Return logits in memory that all parts share, since new memory costs time."""
        weight, bias = self._decoder
        if self._memory is None or len(self._memory) < len(hidden):
            self._memory = hidden.new_empty(len(hidden), len(weight))
        logits = self._memory[: len(hidden)]
        for start in range(0, len(weight), BLOCK):
            pieces = slice(start, start + BLOCK)
            logits[:, pieces] = product(hidden, weight[pieces], bias[pieces])
        return logits


class SquaredError:
    """Mean squared difference of all logits (paper, section 2.1), without logits where cheaper.

    With W, b, H the student's decoder and hidden states, V, d, K the teacher's and c = b - d, the
    errors are E = H W' - K V' + 1 c'. Their squares sum up to

        tr(W'W H'H) - 2 tr(V'W H'K) + tr(V'V K'K) + 2 (H'1)·(W'c) - 2 (K'1)·(V'c) + n c'c,

    and their gradients are E W = H (W'W) - K (V'W) + 1 (W'c)' and
    E'H = W (H'H) - V (K'H) + c (H'1)': small matrices take the place of positions × vocabulary, and
    the cost of a step does not depend on its positions.

    Where student and teacher nearly agree, these terms cancel, and rounding is what is left of
    them. So a part whose squares sum up to less than `LEAST_SHARE` of the terms' sizes, about
    0.2 % of the mean square of its logits, takes the way over logits, at their cost, and makes them
    in float64. Thus in fp32 value and gradients are within 0.1 % of the exact ones however near the
    two are. On a GPU, every part waits once to know its way.

    Args:
        student, teacher: their decoders; the teacher's gets no gradient.
        positions: compared positions of the whole step.
        factor: the loss's weight in what is trained on; None computes values alone.
        teacher_gram: V'V, [hidden_t, hidden_t], if it is at hand.
        processes: those that share the step; each then sums over its part of the vocabulary.
    """

    def __init__(
        self,
        student: Decoder,
        teacher: Decoder,
        positions: int,
        factor: float | None,
        teacher_gram: Tensor | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._student, self._teacher, self._factor = student, teacher, factor
        self._scale = 1 / (max(positions, 1) * len(student[0]))
        self._moments = moments_pay(positions, student[0].shape[1], teacher[0].shape[1])
        if self._moments:
            self._prepare(teacher_gram, processes or Processes())

    @torch.no_grad()
    def part(self, ours: Tensor, theirs: Tensor) -> Part:
        """Add hidden states of student and teacher, [positions, hidden_s] and [.., hidden_t]."""
        if self._moments:
            return self._by_moments(ours, theirs)
        return self._by_logits(ours, theirs, self._errors)

    @torch.no_grad()
    def finish(self) -> None:
        """End the step: add the decoder's gradient."""
        if not self._moments or self._factor is None:
            return
        (weight, bias), (other, _) = self._student, self._teacher
        rows, factor = self._rows, 2 * self._factor * self._scale
        of_weight, of_bias = gradient_of(weight)[rows], gradient_of(bias)[rows]
        weight, other = weight[rows], other[rows]
        for moment in (self._square, self._mixed, self._sum, self._other_sum, self._count):
            self._processes.total(moment)
        add_product(of_weight, weight, self._square, factor)
        add_product(of_weight, other, self._mixed.T, -factor)
        of_weight.addr_(self._offset[rows], self._sum * factor)
        of_bias.addmv_(weight, self._sum * factor)
        of_bias.addmv_(other, self._other_sum * factor, alpha=-1)
        of_bias.add_(self._offset[rows] * (self._count * factor))

    @torch.no_grad()
    def _prepare(self, teacher_gram: Tensor | None, processes: Processes) -> None:
        (weight, bias), (other, other_bias) = self._student, self._teacher
        self._offset = bias - other_bias
        self._rows = processes.share(len(weight))
        rows = self._rows
        self._gram = processes.total(inner_product(weight[rows], weight[rows]))
        self._cross = processes.total(inner_product(other[rows], weight[rows]))
        if teacher_gram is None:
            teacher_gram = processes.total(inner_product(other[rows], other[rows]))
        self._teacher_gram = teacher_gram
        self._on_offset = weight.T @ self._offset
        self._other_on_offset = other.T @ self._offset
        hidden, hidden_t = weight.shape[1], other.shape[1]
        self._square, self._mixed = (
            weight.new_zeros(hidden, hidden),
            other.new_zeros(hidden_t, hidden),
        )
        self._sum, self._other_sum = weight.new_zeros(hidden), other.new_zeros(hidden_t)
        self._count = weight.new_zeros(())
        self._processes = processes

    def _by_moments(self, ours: Tensor, theirs: Tensor) -> Part:
        square, mixed = inner_product(ours, ours), inner_product(theirs, ours)
        other_square = inner_product(theirs, theirs)
        sums, other_sums = ours.sum(0), theirs.sum(0)
        offset_square = len(ours) * self._offset.square().sum()
        loss = (
            (self._gram * square).sum()
            - 2 * (self._cross * mixed).sum()
            + (self._teacher_gram * other_square).sum()
            + 2 * (sums @ self._on_offset - other_sums @ self._other_on_offset)
            + offset_square
        )
        sizes = (
            (self._gram * square).abs().sum()
            + (self._teacher_gram * other_square).abs().sum()
            + offset_square
        )
        if loss < LEAST_SHARE * sizes:
            return self._by_logits(ours, theirs, self._exact_errors)
        self._square += square
        self._mixed += mixed
        self._sum += sums
        self._other_sum += other_sums
        self._count += len(ours)
        if self._factor is None:
            return Part(loss * self._scale, None)
        gradient = product(ours, self._gram, self._on_offset)
        gradient -= product(theirs, self._cross.T)
        return Part(loss * self._scale, gradient.mul_(2 * self._factor * self._scale))

    def _by_logits(
        self, ours: Tensor, theirs: Tensor, errors_of: Callable[[Tensor, Tensor], Tensor]
    ) -> Part:
        loss = ours.new_zeros(())
        gradient = None if self._factor is None else torch.empty_like(ours)
        for rows in _slices(len(ours)):
            errors = errors_of(ours[rows], theirs[rows])
            loss += errors.square().sum()
            if gradient is not None:
                errors *= 2 * self._factor * self._scale
                gradient[rows] = _pull_back(errors, ours[rows], self._student)
        return Part(loss * self._scale, gradient)

    def _errors(self, ours: Tensor, theirs: Tensor) -> Tensor:
        errors = product(ours, *self._student)
        errors -= product(theirs, *self._teacher)
        return errors

    def _exact_errors(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Return differences of logits that are correct even where they are tiny."""
        errors = ours.new_empty(len(ours), len(self._student[0]))
        ours, theirs = ours.double(), theirs.double()
        for start in range(0, errors.shape[1], BLOCK):
            pieces = slice(start, start + BLOCK)
            own, others = (
                [tensor[pieces].double() for tensor in decoder]
                for decoder in (self._student, self._teacher)
            )
            errors[:, pieces] = product(ours, *own) - product(theirs, *others)
        return errors


class Divergence:
    """KL divergence from the teacher's to the student's softened distribution, times T².

    Args:
        student, teacher: their decoders; the teacher's gets no gradient.
        divisor: of the sum over positions: their number, or that of the sequences, as the paper's
            `batchmean` over a [batch, length, vocabulary] tensor does.
        factor: the loss's weight in what is trained on; None computes values alone.
        temperature: T, divides both sides' logits.
    """

    def __init__(
        self,
        student: Decoder,
        teacher: Decoder,
        divisor: int,
        factor: float | None,
        temperature: float,
    ) -> None:
        self._student, self._teacher, self._factor = student, teacher, factor
        self._divisor, self._temperature = max(divisor, 1), temperature

    @torch.no_grad()
    def part(self, ours: Tensor, theirs: Tensor) -> Part:
        """Add hidden states of student and teacher, [positions, hidden_s] and [.., hidden_t]."""
        heat, scale = self._temperature, 1 / self._divisor
        loss = ours.new_zeros(())
        gradient = None if self._factor is None else torch.empty_like(ours)
        for rows in _slices(len(ours)):
            log_q = F.log_softmax(product(ours[rows], *self._student).div_(heat), -1)
            log_p = F.log_softmax(product(theirs[rows], *self._teacher).div_(heat), -1)
            loss += F.kl_div(log_q, log_p, reduction="sum", log_target=True)
            if gradient is not None:
                errors = log_q.exp_().sub_(log_p.exp_()).mul_(heat * self._factor * scale)
                gradient[rows] = _pull_back(errors, ours[rows], self._student)
        return Part(loss * heat**2 * scale, gradient)

    def finish(self) -> None:
        """End the step; all gradients are there already."""


def moments_pay(positions: int, hidden: int, hidden_t: int) -> bool:
    """Return whether second moments take fewer operations than the logits of so many positions."""
    by_moments = 4 * hidden**2 + 4 * hidden * hidden_t
    return by_moments < positions * (6 * hidden + 2 * hidden_t)


def gradient_of(parameter: nn.Parameter) -> Tensor:
    """Return the parameter's gradient to add to, zero at first."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _pull_back(errors: Tensor, hidden: Tensor, decoder: Decoder) -> Tensor:
    """Return the gradient of hidden states from that of logits; add that of what learns."""
    weight, bias = decoder
    if weight.requires_grad:
        add_product(gradient_of(weight), errors.T, hidden.T)
    gradient_of(bias).add_(errors.sum(0))
    return product(errors, weight.T)


def _slices(positions: int) -> Iterator[slice]:
    for start in range(0, positions, LOGIT_POSITIONS):
        yield slice(start, start + LOGIT_POSITIONS)


# Word embeddings whose gradient goes straight where it belongs.
#
# The stock lookup returns its gradient as a matrix of the whole vocabulary, 768 MB for XLM-R,
# nearly all zeros, to be added to the decoder's gradient of the same tied weight. Here the rows of
# a batch's tokens are added in place.


@contextmanager
def added_in_place(model: PreTrainedModel) -> Iterator[None]:
    """Let a model's word embeddings add to `weight.grad` in place.

    Weights and results stay the same, and afterwards the model is as before. On a GPU nothing
    changes: there, rows added in place would be added in an order that differs from run to run.
    """
    stock = model.get_input_embeddings()
    if stock.weight.device.type == "cpu":
        model.set_input_embeddings(_Embedding(stock))
    try:
        yield
    finally:
        model.set_input_embeddings(stock)


class _Embedding(nn.Module):
    def __init__(self, stock: nn.Embedding) -> None:
        super().__init__()
        self.weight, self.padding_idx = stock.weight, stock.padding_idx

    def forward(self, ids: Tensor) -> Tensor:
        return _Lookup.apply(ids, self.weight, self.padding_idx)


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, ids: Tensor, weight: nn.Parameter, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.weight, ctx.padding = weight, padding
        return weight[ids]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, None]:
        (ids,) = ctx.saved_tensors
        rows, gradient = ids.flatten(), gradient.flatten(0, -2)
        if ctx.padding is not None:
            kept = rows != ctx.padding
            rows, gradient = rows[kept], gradient[kept]
        gradient_of(ctx.weight).index_add_(0, rows, gradient)
        return None, None, None
