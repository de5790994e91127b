"""Each loss against its naive twin on whole logits: values and gradients, whole and in parts."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monoglot.training.losses import (
    LOGIT_POSITIONS,
    CrossEntropy,
    Divergence,
    SquaredError,
    moments_pay,
)

VOCABULARY, STUDENT, TEACHER = 97, 12, 20
FACTOR = 0.7
MANY = 2 * LOGIT_POSITIONS + 3


def side(positions: int, hidden: int, seed: int) -> tuple[Tensor, tuple[nn.Parameter, ...]]:
    """Hidden states and a decoder."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((positions, hidden), (VOCABULARY, hidden), (VOCABULARY,))
    tensors = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    return tensors[0], tuple(nn.Parameter(t) for t in tensors[1:])


def check(loss, ours: Tensor, decoder, parts: list, naive: Callable[[Tensor], Tensor]) -> None:
    """Compare value and gradients of a loss given in parts with automatic differentiation."""
    values, gradients = zip(*(loss.part(*part) for part in parts), strict=True)
    loss.finish()
    hidden = ours.clone().requires_grad_()
    expected = naive(hidden)
    wanted = torch.autograd.grad(FACTOR * expected, [hidden, *decoder])
    torch.testing.assert_close(sum(values), expected, rtol=1e-12, atol=0)
    found = (torch.cat(gradients), *(parameter.grad for parameter in decoder))
    for mine, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


def halves(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    cut = len(tensors[0]) // 3
    return [tuple(t[:cut] for t in tensors), tuple(t[cut:] for t in tensors)]


@pytest.mark.parametrize("positions", [6, 200, MANY])
@pytest.mark.parametrize("parts", [lambda *tensors: [tensors], halves], ids=["whole", "parts"])
class TestAgainstWholeLogits:
    def test_squared_error(self, positions, parts):
        """6 positions take the direct way, the others that of second moments."""
        ours, decoder = side(positions, STUDENT, 1)
        theirs, (weight, bias) = side(positions, TEACHER, 2)
        teacher = (weight.detach(), bias.detach())
        target = F.linear(theirs, *teacher)
        loss = SquaredError(decoder, teacher, positions, FACTOR)
        check(
            loss,
            ours,
            decoder,
            parts(ours, theirs),
            lambda hidden: F.mse_loss(F.linear(hidden, *decoder), target),
        )

    @pytest.mark.parametrize("sequences", [None, 4])
    def test_divergence(self, positions, parts, sequences):
        ours, decoder = side(positions, STUDENT, 1)
        theirs, (weight, bias) = side(positions, TEACHER, 2)
        teacher = (weight.detach(), bias.detach())
        p = (F.linear(theirs, *teacher) / 2).softmax(-1)

        def naive(hidden: Tensor) -> Tensor:
            log_q = (F.linear(hidden, *decoder) / 2).log_softmax(-1)
            return 4 * (p * (p.log() - log_q)).sum() / (sequences or positions)

        loss = Divergence(decoder, teacher, sequences or positions, FACTOR, 2.0)
        check(loss, ours, decoder, parts(ours, theirs), naive)

    def test_cross_entropy(self, positions, parts):
        ours, decoder = side(positions, STUDENT, 5)
        labels = torch.arange(positions) % VOCABULARY
        loss = CrossEntropy(decoder, positions, FACTOR)
        check(
            loss,
            ours,
            decoder,
            parts(ours, labels),
            lambda hidden: F.cross_entropy(F.linear(hidden, *decoder), labels),
        )


def test_values_alone_touch_no_gradient():
    ours, decoder = side(200, STUDENT, 1)
    theirs, teacher = side(200, TEACHER, 2)
    labels = torch.arange(200) % VOCABULARY
    losses = (
        (SquaredError(decoder, teacher, 200, None), theirs),
        (Divergence(decoder, teacher, 200, None, 2.0), theirs),
        (CrossEntropy(decoder, 200, None), labels),
    )
    for loss, target in losses:
        assert loss.part(ours, target).gradient is None
        loss.finish()
    assert all(parameter.grad is None for parameter in (*decoder, *teacher))
    hits = (F.linear(ours, *decoder).argmax(-1) == labels).sum()
    assert losses[-1][0].hits == hits


def test_gradients_add_to_those_that_are_there():
    ours, decoder = side(40, STUDENT, 5)
    labels = torch.arange(40)
    for _ in range(2):
        CrossEntropy(decoder, 40, FACTOR).part(ours, labels)
    loss = 2 * FACTOR * F.cross_entropy(F.linear(ours, *decoder), labels)
    torch.testing.assert_close(decoder[0].grad, torch.autograd.grad(loss, decoder[0])[0])


def test_squared_error_stays_exact_in_fp32_when_student_and_teacher_nearly_agree():
    theirs, teacher = side(400, TEACHER, 3)
    noise, of_weights = side(400, TEACHER, 4)
    theirs, noise = theirs.float(), noise.float() * 0.01
    teacher = [parameter.detach().float() for parameter in teacher]
    pairs = zip(teacher, of_weights, strict=True)
    decoder = [nn.Parameter(t + 0.01 * n.detach().float()) for t, n in pairs]
    naive = F.mse_loss(F.linear(theirs + noise, *decoder), F.linear(theirs, *teacher))
    value = SquaredError(decoder, teacher, 400, FACTOR).part(theirs + noise, theirs).loss
    torch.testing.assert_close(value, naive.detach(), rtol=1e-3, atol=0)


def test_a_teachers_gram_matrix_at_hand_gives_the_same_value():
    ours, decoder = side(200, STUDENT, 1)
    theirs, teacher = side(200, TEACHER, 2)
    known = teacher[0].detach().T @ teacher[0].detach()
    values = [
        SquaredError(decoder, teacher, 200, None, given).part(ours, theirs).loss
        for given in (None, known)
    ]
    torch.testing.assert_close(*values)


def test_moments_are_chosen_where_they_take_fewer_operations():
    """At the paper's step of 4,096 positions in both distillations, not at a handful."""
    assert moments_pay(4096, 768, 768)
    assert moments_pay(4096, 312, 768)
    assert not moments_pay(300, 312, 768)
    assert not moments_pay(600, 768, 768)
