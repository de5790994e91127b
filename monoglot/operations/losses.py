"""Losses of masked-LM training and of distillation on logits.

They take the transformed hidden states just before the decoder, not logits, so that the product
with the vocabulary is made only where a loss needs it.
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

KL_POSITIONS = 512
"""Positions whose logits are in memory at a time: with 250,002 pieces, half a gigabyte a tensor."""


def mlm_loss(transformed: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy at the masked positions, the mean over them.

    Args:
        transformed: [masked positions, hidden].
        weight, bias: the decoder's, [vocabulary, hidden] and [vocabulary].
        labels: the ids behind the masks, [masked positions].
    """
    return F.cross_entropy(F.linear(transformed, weight, bias), labels)


def logit_mse(
    student: Tensor,
    student_weight: Tensor,
    student_bias: Tensor,
    teacher: Tensor,
    teacher_weight: Tensor,
    teacher_bias: Tensor,
) -> Tensor:
    """Mean squared difference of all logits (section 2.1), made without logits where cheaper.

    With D = [W_s, -W_t], c = b_s - b_t and g = [h_s; h_t], the squared error of a position is
    g'D'Dg + 2c'Dg + c'c. Summed over positions only the second moment of g is needed, so the cost
    no longer grows with positions × vocabulary. D itself, a copy of both embeddings, is not made.
    Must run in fp32: the terms cancel.

    Args:
        student, teacher: transformed hidden states, [positions, hidden_s or hidden_t].
        student_weight, teacher_weight: [vocabulary, hidden_s] and [vocabulary, hidden_t].
        student_bias, teacher_bias: [vocabulary].
    """
    positions, vocabulary = len(student), len(student_weight)
    if positions <= student.shape[1] + teacher.shape[1]:
        ours = F.linear(student, student_weight, student_bias)
        theirs = F.linear(teacher, teacher_weight, teacher_bias)
        return F.mse_loss(ours, theirs)
    joint = torch.cat([student, teacher], dim=1)
    offset = student_bias - teacher_bias
    mixed = -(student_weight.T @ teacher_weight)
    ours, theirs = student_weight.T @ student_weight, teacher_weight.T @ teacher_weight
    products = torch.cat([torch.cat([ours, mixed], 1), torch.cat([mixed.T, theirs], 1)])
    on_offset = torch.cat([student_weight.T @ offset, -(teacher_weight.T @ offset)])
    quadratic = (products * (joint.T @ joint)).sum()
    linear = 2 * (joint.sum(0) @ on_offset)
    return (quadratic + linear + positions * offset.square().sum()) / (positions * vocabulary)


def logit_kl(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, sequences: int | None
) -> Tensor:
    """KL divergence from the teacher's to the student's softened distribution, times T².

    Args:
        student_logits, teacher_logits: [positions, vocabulary].
        temperature: T, divides both sides' logits.
        sequences: divide the sum over positions by this number, as the paper's `batchmean` over a
            [batch, length, vocabulary] tensor does; None divides by the number of positions.
    """
    divergence = F.kl_div(
        F.log_softmax(student_logits / temperature, dim=-1),
        F.log_softmax(teacher_logits / temperature, dim=-1),
        reduction="sum",
        log_target=True,
    )
    return divergence * temperature**2 / (sequences or len(student_logits))


def hidden_kl(
    student: Tensor,
    student_decoder: tuple[Tensor, Tensor],
    teacher: Tensor,
    teacher_decoder: tuple[Tensor, Tensor],
    temperature: float,
    sequences: int | None,
) -> Tensor:
    """`logit_kl` of hidden states, in memory that does not grow with positions × vocabulary.

    Logits are made of KL_POSITIONS positions at a time, and again for the gradient.

    Args:
        student, teacher: transformed hidden states, [positions, hidden_s or hidden_t].
        student_decoder, teacher_decoder: weight [vocabulary, hidden] and bias [vocabulary].
        temperature, sequences: as in `logit_kl`.
    """

    def part(ours: Tensor, theirs: Tensor) -> Tensor:
        logits = F.linear(ours, *student_decoder), F.linear(theirs, *teacher_decoder)
        return logit_kl(*logits, temperature, sequences or len(student))

    if len(student) <= KL_POSITIONS:
        return part(student, teacher)
    parts = zip(student.split(KL_POSITIONS), teacher.split(KL_POSITIONS), strict=True)
    kept = {"use_reentrant": False, "preserve_rng_state": False}
    return sum(checkpoint(part, *pair, **kept) for pair in parts)
