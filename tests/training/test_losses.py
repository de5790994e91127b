"""Each loss against its naive twin on whole logits: values and gradients, whole and in parts."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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
from monoglot.training.matmul import count_operations
from monoglot.training.processes import Processes

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


def test_values_alone_are_the_same_and_touch_no_gradient():
    ours, decoder = side(200, STUDENT, 1)
    theirs, teacher = side(200, TEACHER, 2)
    likeliest = F.linear(ours, *decoder).argmax(-1)
    labels = likeliest.where(torch.arange(200) % 3 == 0, torch.arange(200) % VOCABULARY)
    makers = (
        (lambda factor: SquaredError(decoder, teacher, 200, factor), theirs),
        (lambda factor: Divergence(decoder, teacher, 200, factor, 2.0), theirs),
        (lambda factor: CrossEntropy(decoder, 200, factor), labels),
    )
    for make, target in makers:
        alone = make(None)
        loss, gradient = alone.part(ours, target)
        alone.finish()
        assert gradient is None
        assert all(parameter.grad is None for parameter in (*decoder, *teacher))
        torch.testing.assert_close(loss, make(FACTOR).part(ours, target).loss)
        decoder[0].grad = decoder[1].grad = None
    assert alone.hits == (likeliest == labels).sum() >= 67


def test_gradients_add_to_those_that_are_there():
    ours, decoder = side(40, STUDENT, 5)
    labels = torch.arange(40)
    for _ in range(2):
        CrossEntropy(decoder, 40, FACTOR).part(ours, labels)
    loss = 2 * FACTOR * F.cross_entropy(F.linear(ours, *decoder), labels)
    torch.testing.assert_close(decoder[0].grad, torch.autograd.grad(loss, decoder[0])[0])


Side = tuple[Tensor, Tensor, Tensor]
"""Hidden states, weight and bias."""

TEACHERS_WIDTH = 64


def alike(width: int, mse: float, biased: bool, mean: float = 0.0) -> tuple[Side, Side]:
    """Student and teacher in fp32 whose logits differ by so much; their mean square is about 8.

    The student has its own basis, that of a teacher's subspace if it is narrower. `mean` is that of
    all hidden states, along a direction that the decoders hardly read.
    """
    generator = torch.Generator().manual_seed(width)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    hidden, weight, bias = random(700, width), random(1500, width), random(1500) * biased
    weight *= width**-0.5 * 2.5
    weight[:, 0] *= 1e-3 if mean else 1
    hidden[:, 0] += mean
    basis = torch.linalg.qr(random(TEACHERS_WIDTH, width))[0]
    theirs, other = hidden @ basis.T, weight @ basis.T
    size = (mse / (3 + biased)) ** 0.5
    errors = random(700, TEACHERS_WIDTH), random(1500, TEACHERS_WIDTH), random(1500)
    theirs = theirs + size / other.square().sum(1).mean().sqrt() * errors[0]
    other = other + size / theirs.square().sum(1).mean().sqrt() * errors[1]
    student, teacher = (hidden, weight, bias), (theirs, other, bias + biased * size * errors[2])
    return tuple(t.float() for t in student), tuple(t.float() for t in teacher)


def exactly(student: Side, teacher: Side) -> tuple[Tensor, ...]:
    """The value, and the gradients of hidden states, weight and bias: from logits in float64."""
    leaves = [t.double().requires_grad_() for t in student]
    hidden, *decoder = (t.double() for t in teacher)
    loss = F.mse_loss(F.linear(*leaves), F.linear(hidden, *decoder))
    return loss.detach(), *torch.autograd.grad(FACTOR * loss, leaves)


def without_logits(student: Side, teacher: Side) -> tuple[Tensor, ...]:
    """The same by `SquaredError`, in three parts of unequal size."""
    (ours, *decoder), (theirs, *others) = student, teacher
    decoder = [nn.Parameter(t) for t in decoder]
    loss = SquaredError(tuple(decoder), tuple(others), len(ours), FACTOR)
    cuts = [10, 300, len(ours) - 310]
    parts = [loss.part(*pair) for pair in zip(ours.split(cuts), theirs.split(cuts), strict=True)]
    loss.finish()
    assert all(part.loss >= 0 for part in parts)
    gradients = torch.cat([part.gradient for part in parts]), *(t.grad for t in decoder)
    return sum(part.loss for part in parts), *gradients


def far(found: Sequence[Tensor], exact: Sequence[Tensor]) -> list[float]:
    """Relative errors, of gradients as wholes."""
    pairs = zip(found, exact, strict=True)
    return [float((mine - right).norm() / right.norm()) for mine, right in pairs]


@pytest.mark.parametrize("biased", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("width", [TEACHERS_WIDTH, 40], ids=["equal", "narrower"])
class TestNearAgreement:
    @pytest.mark.parametrize("mse", [1, 0.1, 0.01, 1e-3, 1e-4, 1e-6])
    @pytest.mark.parametrize("mean", [0, 200])
    def test_squared_error_and_its_gradients_are_those_of_float64(self, width, biased, mse, mean):
        student, teacher = alike(width, mse, biased, mean)
        exact = exactly(student, teacher)
        assert 0.5 * mse < exact[0] < 2 * mse
        assert max(far(without_logits(student, teacher), exact)) < 1e-3

    def test_a_student_that_is_its_teacher_has_no_error(self, width, biased):
        student, _ = alike(width, 1, biased)
        assert all(found.count_nonzero() == 0 for found in without_logits(student, student))

    def test_parts_go_each_its_way(self, width, biased):
        """The middle one agrees with its teacher, in a step with others that do not."""
        student, teacher = alike(width, 1e-4, biased)
        for rows in (slice(10), slice(310, None)):
            teacher[0][rows] = teacher[0][rows].flip(0)
        found, exact = without_logits(student, teacher), exactly(student, teacher)
        assert max(far(found, exact)) < 1e-4
        assert far([found[1][10:310]], [exact[1][10:310]])[0] < 1e-5


def test_processes_go_each_their_way():
    """The one that nearly agrees makes logits; both share the work of moments all the same."""
    student, teacher = alike(TEACHERS_WIDTH, 1e-4, True)
    teacher[0][350:] = teacher[0][350:].flip(0)
    barrier, given = Barrier(2), {}

    class Two(Processes):
        def total(self, tensor: Tensor) -> Tensor:
            given[self.rank] = tensor.clone()
            barrier.wait(60)
            tensor.copy_(given[0] + given[1])
            barrier.wait(60)
            return tensor

    def process(rank: int) -> tuple[Tensor, ...]:
        rows, decoder = slice(350 * rank, 350 * rank + 350), [nn.Parameter(t) for t in student[1:]]
        loss = SquaredError(tuple(decoder), teacher[1:], 700, FACTOR, None, Two(rank, 2))
        part = loss.part(student[0][rows], teacher[0][rows])
        loss.finish()
        return part.loss, part.gradient, *(parameter.grad for parameter in decoder)

    with ThreadPoolExecutor(2) as pool:
        (near, ours, *first), (far_off, theirs, *second) = pool.map(process, (0, 1))
    alone = [(hidden[:350], *decoder) for hidden, *decoder in (student, teacher)]
    assert far([near], [exactly(*alone)[0] / 2])[0] < 1e-5
    gradients = (a + b for a, b in zip(first, second, strict=True))
    found = near + far_off, torch.cat([ours, theirs]), *gradients
    assert max(far(found, exactly(student, teacher))) < 1e-4


def test_logits_are_made_only_of_what_nearly_agrees():
    student, teacher = alike(TEACHERS_WIDTH, 0.1, True)
    operations = []
    for theirs in (teacher[0], teacher[0].flip(0), student[0]):
        with count_operations() as counter:
            without_logits(student, (theirs, *student[1:]))
        operations.append(counter.get_total_flops())
    by_moments, far_apart, agreeing = operations
    assert by_moments == far_apart
    of_logits = 2 * 700 * 1500 * 4 * TEACHERS_WIDTH
    assert by_moments < of_logits < agreeing < by_moments + 1.1 * of_logits


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
