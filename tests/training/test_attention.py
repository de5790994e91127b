"""Attention matching against its naive twin: stock attention maps and loops of plain torch."""

import pytest
import torch

from monoglot.checkpoints import load_model
from monoglot.operations import surgery
from monoglot.training.loop import _Run
from monoglot.training.losses import AttentionProjection, attention_errors, projection_size
from monoglot.training.processes import Processes
from tests.operations.test_train import SETTINGS, masked_batch

LENGTH = 14


@pytest.fixture(params=["bert", "xlm-roberta", "distilbert", "modernbert"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def shaken(parent, seed: int):
    """The parent with noise on every weight, so that teacher and student differ."""
    model = load_model(parent, attention="eager")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


def mean_attention(model, batch) -> list[torch.Tensor]:
    """[tokens, tokens] for each sequence, without padding: the stock model, head by head."""
    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    last = model(**given, output_attentions=True).attentions[-1]
    maps = []
    for heads_of_one, mask in zip(last, batch.attention_mask, strict=True):
        tokens = int(mask.sum())
        maps.append(sum(one[:tokens, :tokens] for one in heads_of_one) / len(heads_of_one))
    return maps


def projected(weight: torch.Tensor, one: torch.Tensor, kind: str) -> torch.Tensor:
    """W vec(A) or, for `rows`, W on each row of A, after padding with zeros to LENGTH."""
    tokens = len(one)
    padded = one.new_zeros(LENGTH, LENGTH)
    padded[:tokens, :tokens] = one
    if kind == "full":
        result = (weight @ padded.reshape(-1)).reshape(LENGTH, LENGTH)
    else:
        result = torch.stack([weight @ row for row in padded])
    return result[:tokens, :tokens]


@pytest.mark.parametrize("kind", ["rows", "full"])
@pytest.mark.parametrize("loss", ["kl", "mse"])
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_the_loss_equals_its_naive_twin_in_value_and_gradient(parent, kind, loss, micro_batch):
    settings = SETTINGS.changed(
        loss=loss,
        alpha=0.2,
        positions="unpadded",
        attention_weight=0.6,
        attention_projection=kind,
        max_length=LENGTH,
        micro_batch=micro_batch,
    )
    student, teacher = shaken(parent, 1), shaken(parent, 2)
    run = _Run(student, [[]], {}, [], settings, teacher, Processes())
    batch = masked_batch(student.config).to(run.device)
    weight = run.objective.distillation.projection.weight
    with torch.no_grad():
        weight.add_(0.01 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)))
    total, mlm, distance = run._losses(batch, batch.size("unpadded")).float()

    errors = []
    theirs = [one.detach() for one in mean_attention(teacher, batch)]
    for one, other in zip(mean_attention(student, batch), theirs, strict=True):
        errors.append((projected(weight, one, kind) - other).square().flatten())
    attention = torch.cat(errors).mean()
    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    naive = student(**given, labels=batch.labels)
    kept = batch.positions("unpadded")
    p = teacher(**given).logits.detach().flatten(0, 1)[kept]
    q = naive.logits.flatten(0, 1)[kept]
    logits = torch.nn.functional.mse_loss(q, p)
    if loss == "kl":
        p, q = (p / 2).log_softmax(-1), (q / 2).log_softmax(-1)
        logits = 4 * (p.exp() * (p - q)).sum(-1).mean()
    expected = 0.4 * logits + 0.6 * attention
    torch.testing.assert_close(mlm, naive.loss)
    torch.testing.assert_close(distance, expected)
    torch.testing.assert_close(total, 0.2 * naive.loss + 0.8 * expected)

    parameters = [weight, *student.parameters()]
    other = torch.autograd.grad(0.2 * naive.loss + 0.8 * expected, parameters, allow_unused=True)
    assert weight.grad.abs().sum() > 0
    for parameter, gradient in zip(parameters, other, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_attention_alone_has_the_gradient_of_its_naive_twin(parent):
    """At the scale of attention, which logits would hide."""
    student, teacher = shaken(parent, 1), shaken(parent, 2)
    batch = masked_batch(student.config)
    given = (batch.ids, batch.attention_mask)
    _, ours = surgery.encode_with_attention(student, *given)
    theirs = surgery.encode_with_attention(teacher, *given)[1].detach()
    value = attention_errors(ours, theirs, batch.attention_mask)
    value = value / batch.size("all").pairs
    pairs = zip(mean_attention(student, batch), mean_attention(teacher, batch), strict=True)
    naive = torch.cat([(a - b.detach()).square().flatten() for a, b in pairs]).mean()
    torch.testing.assert_close(value, naive, rtol=1e-5, atol=0)
    parameters = list(student.base_model.parameters())
    mine = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
    other = torch.autograd.grad(naive, parameters, allow_unused=True)
    assert max(b.abs().max() for b in other if b is not None) > 0
    for a, b in zip(mine, other, strict=True):
        if b is not None:
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-8)


def test_padding_is_not_compared():
    ours, theirs = torch.rand(2, 5, 5), torch.rand(2, 5, 5)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    value = attention_errors(ours, theirs, mask)
    ours[1, 3:], ours[1, :, 3:] = 9.0, 9.0
    assert attention_errors(ours, theirs, mask) == value
    ours[1, 2, 2] += 1
    assert attention_errors(ours, theirs, mask) != value


@pytest.mark.parametrize(("kind", "parameters"), [("rows", 16_384), ("full", 268_435_456)])
def test_sizes_of_the_projection_at_128_tokens(kind, parameters):
    assert projection_size(kind, 128) ** 2 == parameters


@pytest.mark.parametrize("kind", ["rows", "full"])
def test_a_fresh_projection_changes_nothing(kind):
    maps = torch.rand(2, 5, 5)
    torch.testing.assert_close(AttentionProjection(kind, 8)(maps), maps)
