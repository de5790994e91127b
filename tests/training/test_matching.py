"""What is matched inside, against naive twins: stock outputs and loops of plain torch."""

import pytest
import torch
from tiny_models import DIFFERENT
from torch.nn import functional as F

from monoglot.checkpoints import load_model
from monoglot.errors import UserError
from monoglot.operations import surgery
from monoglot.training.loop import _Run
from monoglot.training.matching import (
    Attention,
    HiddenStates,
    TextVectors,
    attention_errors,
    layer_pairs,
    projection_size,
)
from monoglot.training.processes import Processes
from tests.operations.test_train import SETTINGS, masked_batch

LENGTH = 14


@pytest.fixture(params=DIFFERENT)
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
    weight = run.objective.distillation.terms["attention_weight"].weight
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
    ours = surgery.look_inside(student, *given, attention=True)[1].attention
    theirs = surgery.look_inside(teacher, *given, attention=True)[1].attention.detach()
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
    torch.testing.assert_close(Attention(kind, 8)(maps), maps)


def states_of(model, batch) -> list[torch.Tensor]:
    """After the embeddings and each layer, the last one as a head gets it."""
    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    output = model.base_model(**given, output_hidden_states=True)
    return [*output.hidden_states[:-1], output.last_hidden_state]


def relations_of(model, batch, number: int) -> list[torch.Tensor]:
    """For each sequence and kind, [tokens, tokens] a head: made anew from a layer's input."""
    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    states = model(**given, output_hidden_states=True).hidden_states[number - 1]
    names = surgery.family_of(model.config).projections
    layer, heads = surgery.layers_of(model)[number - 1], model.config.num_attention_heads
    found = []
    for sequence, mask in zip(states, batch.attention_mask, strict=True):
        tokens = sequence[: int(mask.sum())]
        tokens = layer.attn_norm(tokens) if names == ("attn.Wqkv",) else tokens
        kinds = torch.cat([layer.get_submodule(name)(tokens) for name in names], -1)
        for one in kinds.chunk(3 * heads, dim=-1):
            found.append((one @ one.T / one.shape[-1] ** 0.5).softmax(-1))
    return found


@pytest.mark.parametrize("micro_batch", [None, 2])
@pytest.mark.parametrize("weights", [(0.6, 0.0), (0.0, 0.6), (0.5, 0.5)])
def test_states_and_relations_equal_their_naive_twins_in_value_and_gradient(
    parent, weights, micro_batch
):
    of_states, of_relations = weights
    settings = SETTINGS.changed(
        loss="mse",
        alpha=0.2,
        hidden_weight=of_states,
        relation_weight=of_relations,
        teacher_layers=[1, 2],
        positions="all",
        max_length=LENGTH,
        micro_batch=micro_batch,
    )
    student, teacher = shaken(parent, 1), shaken(parent, 2)
    run = _Run(student, [[]], {}, [], settings, teacher, Processes())
    batch = masked_batch(student.config).to(run.device)
    total, mlm, distance = run._losses(batch, batch.size("all")).float()

    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    naive, other = student(**given, labels=batch.labels), teacher(**given)
    expected = (1 - sum(weights)) * F.mse_loss(naive.logits, other.logits.detach())
    tokens, parameters = batch.attention_mask.bool(), list(student.parameters())
    last = len(surgery.layers_of(student))
    layers = (last // 2, 1), (last, 2)
    if of_states:
        maps = run.objective.distillation.terms["hidden_weight"].maps
        states, others = states_of(student, batch), states_of(teacher, batch)
        parameters += list(maps.parameters())
        parts = []
        for (own, layer), one in zip(layers, maps, strict=True):
            theirs = others[layer][tokens].detach()
            spread = theirs - theirs.mean(-1, keepdim=True)
            theirs = spread / (spread.square().mean(-1, keepdim=True) + 1e-5).sqrt()
            parts.append((one(states[own][tokens]) - theirs).square().mean())
        expected = expected + of_states * sum(parts) / 2
    if of_relations:
        parts = []
        for own, layer in layers:
            ours, theirs = relations_of(student, batch, own), relations_of(teacher, batch, layer)
            for q, p in zip(ours, theirs, strict=True):
                parts.append((p.detach() * (p.detach() / q).log()).sum(-1))
        expected = expected + of_relations * torch.cat(parts).mean()
    torch.testing.assert_close(mlm, naive.loss)
    torch.testing.assert_close(distance, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(total, 0.2 * naive.loss + 0.8 * expected, rtol=1e-4, atol=1e-6)
    gradients = torch.autograd.grad(
        0.2 * naive.loss + 0.8 * expected, parameters, allow_unused=True
    )
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_maps_begin_as_those_of_least_squares():
    """States that are a linear map of others are told apart from them by nothing."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(3, 40, 6, generator=generator)
    spread = torch.randn(6, 10, generator=generator)
    targets = states @ (spread - spread.mean(1, keepdim=True))
    targets = targets / targets.std(-1, correction=0, keepdim=True).mean()
    mask = torch.ones(3, 40, dtype=torch.long)
    term = HiddenStates(6, 10, 1)
    ours, theirs = (surgery.Inside(states=[s]) for s in (states, targets))
    before = term.errors(ours, theirs, mask) / mask.sum()
    term.fit([(ours, theirs, mask)])
    after = term.errors(ours, theirs, mask) / mask.sum()
    standard = F.layer_norm(targets, (10,)).flatten(0, 1)
    given = torch.cat([states.flatten(0, 1), torch.ones(120, 1)], 1)
    best = (given @ torch.linalg.lstsq(given, standard).solution - standard).square().mean()
    assert after < 0.5 * before
    torch.testing.assert_close(after, best, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("micro_batch", [None, 2])
def test_vectors_of_texts_equal_their_naive_twin_in_value_and_gradient(parent, micro_batch):
    settings = SETTINGS.changed(
        loss="mse", alpha=0.0, sentence_weight=1.0, max_length=LENGTH, micro_batch=micro_batch
    )
    student, teacher = shaken(parent, 1), shaken(parent, 2)
    run = _Run(student, [[]], {}, [], settings, teacher, Processes())
    batch = masked_batch(student.config).to(run.device)
    total, _, distance = run._losses(batch, batch.size("all")).float()
    cosines = []
    for ids, mask in zip(batch.ids, batch.attention_mask, strict=True):
        kept = ids[: int(mask.sum())][None]
        own, other = (m.base_model(input_ids=kept)[0].mean(1)[0] for m in (student, teacher))
        cosines.append(own @ other.detach() / (own.norm() * other.detach().norm()))
    expected = 1 - torch.stack(cosines).mean()
    torch.testing.assert_close(distance, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(total, distance)
    parameters = list(student.base_model.parameters())
    gradients = torch.autograd.grad(expected, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_a_narrower_student_is_rotated_into_the_teachers_space():
    """Vectors turned by a rotation are found again, and no cosine among them changes."""
    generator = torch.Generator().manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(10, 6, generator=generator))[0]
    states = torch.randn(4, 30, 6, generator=generator)
    mask = torch.ones(4, 30, dtype=torch.long)
    term = TextVectors(6, 10)
    ours, theirs = (surgery.Inside(states=[s]) for s in (states, states @ rotation.T))
    assert term.errors(ours, theirs, mask) > 0.1
    term.fit([(ours, theirs, mask)])
    assert term.errors(ours, theirs, mask).abs() < 1e-5
    torch.testing.assert_close(term.rotation.T @ term.rotation, torch.eye(6), rtol=0, atol=1e-5)
    assert not term.rotation.requires_grad


@pytest.mark.parametrize("weight", ["hidden_weight", "relation_weight", "sentence_weight"])
def test_what_padding_holds_changes_no_term(parent, weight):
    settings = SETTINGS.changed(loss="mse", max_length=LENGTH, **{weight: 1.0})
    student, teacher = shaken(parent, 1), shaken(parent, 2)
    run = _Run(student, [[]], {}, [], settings, teacher, Processes())
    batch = masked_batch(student.config).to(run.device)
    padding = batch.attention_mask == 0
    assert padding.any()
    before = run._losses(batch, batch.size("all"))
    batch.ids[padding] = 3
    torch.testing.assert_close(run._losses(batch, batch.size("all")), before)


def test_layers_are_paired_evenly_the_last_with_the_last():
    def settings(*layers):
        return SETTINGS.changed(loss="mse", hidden_weight=1.0, teacher_layers=list(layers))

    assert layer_pairs(SETTINGS, 6, 12) == [(6, 12)]
    assert layer_pairs(settings(4, 8, 12), 6, 12) == [(2, 4), (4, 8), (6, 12)]
    assert layer_pairs(settings(*range(2, 13, 2)), 6, 12) == [(i, 2 * i) for i in range(1, 7)]
    assert layer_pairs(settings(10), 6, 12) == [(6, 10)]
    with pytest.raises(UserError, match="there is no layer 13, as the teacher has 12"):
        layer_pairs(settings(13), 6, 12)
    with pytest.raises(UserError, match="3 layers of the teacher are more than the 2"):
        layer_pairs(settings(1, 2, 3), 2, 12)
