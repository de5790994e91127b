"""Each loss against its naive twin on whole logits: values and gradients."""

import pytest
import torch
from torch.nn import functional as F

from monoglot.operations.losses import KL_POSITIONS, hidden_kl, logit_kl, logit_mse, mlm_loss

VOCABULARY, STUDENT, TEACHER = 97, 12, 20


def side(positions: int, hidden: int, seed: int, gradients: bool) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((positions, hidden), (VOCABULARY, hidden), (VOCABULARY,))
    tensors = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    return [t.requires_grad_(gradients) for t in tensors]


@pytest.mark.parametrize("positions", [5, 200])
def test_mse_equals_that_of_logits(positions):
    """5 positions take the direct way, 200 that of second moments."""
    student, teacher = side(positions, STUDENT, 1, True), side(positions, TEACHER, 2, False)
    ours = logit_mse(*student, *teacher)
    ours_gradients = torch.autograd.grad(ours, student)
    naive = F.mse_loss(F.linear(*student), F.linear(*teacher))
    torch.testing.assert_close(ours, naive, rtol=1e-12, atol=0)
    for mine, theirs in zip(ours_gradients, torch.autograd.grad(naive, student), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_mse_stays_exact_in_fp32_when_student_and_teacher_nearly_agree():
    teacher = [t.float() for t in side(400, TEACHER, 3, False)]
    noise = [t.float() * 0.01 for t in side(400, TEACHER, 4, False)]
    student = [t + n for t, n in zip(teacher, noise, strict=True)]
    naive = F.mse_loss(F.linear(*student), F.linear(*teacher))
    torch.testing.assert_close(logit_mse(*student, *teacher), naive, rtol=1e-3, atol=0)


def test_kl_by_position_and_by_sequence():
    ours = torch.randn(12, VOCABULARY, dtype=torch.float64)
    theirs = torch.randn(12, VOCABULARY, dtype=torch.float64)
    p, q = torch.softmax(theirs / 2, -1), torch.softmax(ours / 2, -1)
    by_hand = (p * (p.log() - q.log())).sum(-1) * 4
    torch.testing.assert_close(logit_kl(ours, theirs, 2.0, None), by_hand.mean())
    torch.testing.assert_close(logit_kl(ours, theirs, 2.0, 3), by_hand.sum() / 3)


@pytest.mark.parametrize("positions", [5, KL_POSITIONS, 2 * KL_POSITIONS + 3])
@pytest.mark.parametrize("sequences", [None, 4])
def test_kl_by_parts_equals_that_of_all_logits(positions, sequences):
    student, teacher = side(positions, STUDENT, 1, True), side(positions, TEACHER, 2, False)
    ours = hidden_kl(student[0], student[1:], teacher[0], teacher[1:], 2.0, sequences)
    ours_gradients = torch.autograd.grad(ours, student)
    naive = logit_kl(F.linear(*student), F.linear(*teacher), 2.0, sequences)
    torch.testing.assert_close(ours, naive, rtol=1e-12, atol=0)
    for mine, theirs in zip(ours_gradients, torch.autograd.grad(naive, student), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_mlm_is_the_cross_entropy_of_the_masked_logits():
    hidden, weight, bias = side(9, STUDENT, 5, False)
    labels = torch.arange(9)
    logits = hidden @ weight.T + bias
    by_hand = -(logits.log_softmax(-1)[torch.arange(9), labels]).mean()
    torch.testing.assert_close(mlm_loss(hidden, weight, bias, labels), by_hand)
