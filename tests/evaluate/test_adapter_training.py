"""Adapters of all seeds in one pass, against the plain loop through the library's model."""

import pytest
import torch
from packed_inputs import TASKS, encoded, switch_off_dropout
from tiny_models import DIFFERENT
from torch.nn import functional as F
from transformers import CONFIG_MAPPING

from monoglot.evaluate import adapter_models, adapter_training, finetune
from monoglot.evaluate.adapter_training import AdapterTraining, logits
from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.packed import keep_all
from monoglot.families import FAMILIES
from monoglot.training import matmul

KINDS = ("classification", "tagging")
DEBERTA = FAMILIES["deberta-v2"].required | {"position_buckets": 8}
MORE = {"electra": {"embedding_size": 32}, "deberta-v2": DEBERTA}
MORE |= {"modernbert": {"local_attention": 8}}


@pytest.fixture(params=DIFFERENT)
def any_model(request, tiny_checkpoint):
    return adapter_models.load_encoder(tiny_checkpoint(request.param))


@pytest.fixture
def model(tiny_checkpoint):
    return adapter_models.load_encoder(tiny_checkpoint("xlm-roberta"))


def splits(model, kind, examples=11):
    pad = model.config.pad_token_id
    return encoded(kind, pad, examples), encoded(kind, pad, 7, seed=1)


def weights(model) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().clone()
        for name, value in adapter_models.trained_parameters(model).items()
    }


def fast(model, kind, settings, seeds, data, dev, at_once=None) -> list[dict[str, torch.Tensor]]:
    """Return each seed's weights."""
    run = AdapterTraining(model, TASKS[kind], settings, seeds, at_once)
    run.train(data, dev)
    found = []
    for seed in seeds:
        run.copy_to(model, seed)
        found.append(weights(model))
    return found


def plain(model, kind, settings, seed, data, dev) -> dict[str, torch.Tensor]:
    adapter_models.fresh_adapter(model, TASKS[kind], settings.reduction_factor, seed)
    finetune.train(model, data, dev, settings, seed)
    return weights(model)


def assert_close(left, right, **tolerance):
    assert left.keys() == right.keys()
    for name in left:
        torch.testing.assert_close(left[name], right[name], **tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_once", [1, 2])
def test_weights_and_predictions_are_those_of_the_plain_loop(any_model, settings, kind, at_once):
    switch_off_dropout(any_model)
    options = settings(epochs=3, batch_size=4, weight_decay=0.1, warmup=0.25, checkpoint="best")
    data, dev = splits(any_model, kind)
    run = AdapterTraining(any_model, TASKS[kind], options, [1, 2], at_once)
    run.train(data, dev)
    for seed, predicted in zip([1, 2], run.predict(dev), strict=True):
        run.copy_to(any_model, seed)
        ours, theirs = weights(any_model), finetune.predict(any_model, dev)
        inside = torch.ones_like(dev.labels, dtype=torch.bool)
        if dev.words is not None:
            inside = dev.words >= 0
        assert torch.equal(predicted[inside], theirs[inside])
        expected = plain(any_model, kind, options, seed, data, dev)
        assert_close(ours, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_in_bf16_adapters_train_nearly_alike_and_are_tested_in_fp32(
    any_model, settings, kind, monkeypatch
):
    monkeypatch.setattr(matmul, "_has_bf16", True)
    switch_off_dropout(any_model)
    data, dev = splits(any_model, kind)
    found = {}
    for precision in ("fp32", "bf16"):
        run = AdapterTraining(any_model, TASKS[kind], settings(precision=precision), [1])
        run.train(data, dev)
        (predicted,) = run.predict(dev)
        run.copy_to(any_model, 1)
        found[precision] = weights(any_model)
        inside = torch.ones_like(dev.labels, dtype=torch.bool)
        if dev.words is not None:
            inside = dev.words >= 0
        assert torch.equal(predicted[inside], finetune.predict(any_model, dev)[inside])
    start = AdapterTraining(any_model, TASKS[kind], settings(), [1]).stacks[0].weights()
    way, off = 0.0, 0.0
    for name, value in found["fp32"].items():
        assert value.dtype == found["bf16"][name].dtype == torch.float32
        way += (value - start[name][0]).square().sum()
        off += (value - found["bf16"][name]).square().sum()
    assert 0 < off < 0.1 * way


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", DIFFERENT)
@pytest.mark.parametrize("size", [26, 38, 47])
def test_outputs_and_gradients_are_the_librarys(settings, family, size, kind):
    """Head sizes of the paper's narrow models, which suit no processor."""
    if FAMILIES[family].rotary:
        size += size % 2
    torch.manual_seed(0)
    shape = {"hidden_size": 2 * size, "num_hidden_layers": 3, "num_attention_heads": 2}
    model = adapter_models.class_of(family)(
        CONFIG_MAPPING[family](
            vocab_size=80,
            pad_token_id=1,
            max_position_embeddings=40,
            **shape,
            **MORE.get(family, {}),
        )
    )
    adapter_models.drop_heads(model)
    switch_off_dropout(model)
    data, _ = splits(model, kind)
    run = AdapterTraining(model, TASKS[kind], settings(), [5])
    packed = run.pack(data)
    with torch.no_grad():
        for value in run.stacks[0].flat:
            value.add_(torch.randn(value.shape) * 0.1)
    run.copy_to(model, 5)
    batch = packed.batch(torch.argsort(packed.lengths), packed.words)
    start = run.encoder.start(batch, keep_all).detach()
    ours = logits(run.encoder, run.stacks[0], batch, start)[0, : len(batch.rows)]
    labels = batch.labels[: len(batch.rows)]
    mask = (torch.arange(data.ids.shape[1]) < data.lengths[:, None]).long()
    theirs = model(input_ids=data.ids, attention_mask=mask).logits
    theirs = theirs[batch.rows] if kind == "classification" else theirs[batch.rows, batch.columns]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    F.cross_entropy(ours, labels).backward()
    F.cross_entropy(theirs, labels).backward()
    parameters = adapter_models.trained_parameters(model)
    for flat, shapes in zip(run.stacks[0].flat, run.stacks[0].shapes, strict=True):
        expected = torch.cat([parameters[name].grad.flatten() for name in shapes])
        torch.testing.assert_close(flat.grad[0], expected, rtol=1e-3, atol=1e-6)
    assert all(value.grad is None for value in model.parameters() if not value.requires_grad)


@pytest.mark.parametrize("seeds_affect", ["initialisation", "everything"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_the_same_to_the_bit_whatever_is_beside_it(model, settings, kind, seeds_affect):
    options = settings(seeds_affect=seeds_affect, checkpoint="best")
    data, dev = splits(model, kind)
    together = fast(model, kind, options, [3, 1, 2], data, dev)
    alone = fast(model, kind, options, [1], data, dev)
    assert all(torch.equal(together[1][name], value) for name, value in alone[0].items())
    assert not torch.equal(together[0]["heads.task.1.weight"], together[1]["heads.task.1.weight"])


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_seeds_have_the_weights_of_seeds_in_turn(model, settings, kind):
    data, dev = splits(model, kind)
    options = settings(epochs=2, checkpoint="best")
    stacked = fast(model, kind, options, [1, 2, 3], data, dev, at_once=3)
    turns = fast(model, kind, options, [1, 2, 3], data, dev, at_once=1)
    for left, right in zip(stacked, turns, strict=True):
        assert_close(left, right, rtol=1e-3, atol=1e-5)


def test_seeds_change_order_and_dropout_only_if_asked(model, settings, monkeypatch):
    fresh = adapter_models.fresh_adapter
    monkeypatch.setattr(adapter_models, "fresh_adapter", lambda *given: fresh(*given[:-1], 1))
    data, _ = splits(model, "tagging")
    for seeds_affect, same in (("initialisation", True), ("everything", False)):
        options = settings(seeds_affect=seeds_affect, batch_size=4)
        one, two = fast(model, "tagging", options, [1, 2], data, None)
        assert torch.equal(one["heads.task.1.weight"], two["heads.task.1.weight"]) == same


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_a_large_batch_are_added_up(model, settings, monkeypatch, kind):
    switch_off_dropout(model)
    data, dev = splits(model, kind)
    whole = fast(model, kind, settings(), [1], data, dev)
    monkeypatch.setitem(adapter_training.PART_TOKENS, "cpu", 25)
    monkeypatch.setitem(adapter_training.BATCH_TOKENS, "cpu", 25)
    monkeypatch.setattr(adapter_training, "KEPT_BYTES", 3000)
    parts = fast(model, kind, settings(), [1], data, dev)
    assert_close(whole[0], parts[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_validation_loss_is_that_of_the_plain_loop(any_model, settings, kind):
    _, dev = splits(any_model, kind)
    run = AdapterTraining(any_model, TASKS[kind], settings(), [4, 5], 2)
    packed = run.pack(dev)
    read = packed.labels != IGNORED
    held = adapter_training.PackedEvaluation(run.encoder, packed, read, room=3000)
    losses = held.mean_losses(run.stacks)[0]
    assert held.mean_losses(run.stacks)[0] == losses
    for seed, loss in zip([4, 5], losses, strict=True):
        run.copy_to(any_model, seed)
        assert loss == pytest.approx(finetune.mean_loss(any_model, dev), rel=1e-5)


def test_with_dropout_losses_are_distributed_as_in_the_plain_loop(model, settings):
    data, _ = splits(model, "tagging", examples=30)
    options = settings(epochs=6, seeds_affect="everything", batch_size=6)
    seeds = list(range(8))
    ours, theirs = [], []
    run = AdapterTraining(model, TASKS["tagging"], options, seeds)
    run.train(data, None)
    for seed in seeds:
        run.copy_to(model, seed)
        ours.append(finetune.mean_loss(model, data))
    for seed in seeds:
        plain(model, "tagging", options, seed, data, None)
        theirs.append(finetune.mean_loss(model, data))
    ours, theirs = torch.tensor(ours), torch.tensor(theirs)
    error = ((ours - theirs).var() / len(seeds)).sqrt()
    assert abs((ours - theirs).mean()) < 3 * error
    assert 0.4 < ours.std() / theirs.std() < 2.5


@pytest.mark.parametrize("place", ["before the first adapter", "after it", "in the head"])
def test_units_are_dropped_in_training_wherever_the_model_says_so(model, settings, place):
    """Of all dropouts one is left on: in the embeddings, in the last layer, in the head."""
    data, _ = splits(model, "tagging")
    switch_off_dropout(model)
    without = fast(model, "tagging", settings(), [1], data, None)
    if place == "in the head":
        model.config.classifier_dropout = 0.3
    elif place == "after it":
        model.roberta.encoder.layer[-1].output.dropout.p = 0.3
    else:
        model.roberta.embeddings.dropout.p = 0.3
    dropped = fast(model, "tagging", settings(), [1], data, None)
    assert not torch.allclose(
        without[0]["heads.task.1.weight"], dropped[0]["heads.task.1.weight"], atol=1e-4
    )


def test_a_batch_without_labels_leaves_finite_weights(model, settings):
    data, _ = splits(model, "tagging")
    without = Encoded(data.ids, data.lengths, torch.full_like(data.labels, IGNORED), data.words)
    found = fast(model, "tagging", settings(), [1], without, without)
    assert all(torch.isfinite(value).all() for value in found[0].values())


def test_the_encoder_does_not_change(model, settings):
    before = {name: value.clone() for name, value in model.base_model.state_dict().items()}
    data, dev = splits(model, "tagging")
    fast(model, "tagging", settings(), [1, 2], data, dev)
    after = model.base_model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(("patience", "kept", "epochs"), [(None, 4, 6), (1, 1, 3), (3, 4, 6)])
def test_patience_ends_a_seed_that_does_not_improve(
    model, settings, monkeypatch, patience, kept, epochs
):
    seen, losses = [], iter([3.0, 1.0, 2.0, 1.5, 0.5, 0.6])

    def mean_losses(self, stacks):
        seen.append([flat.detach().clone() for flat in stacks[0].flat])
        return [[next(losses)]]

    monkeypatch.setattr(adapter_training.PackedEvaluation, "mean_losses", mean_losses)
    data, dev = splits(model, "tagging")
    options = settings(epochs=6, checkpoint="best", patience=patience)
    run = AdapterTraining(model, TASKS["tagging"], options, [1])
    run.train(data, dev)
    assert len(seen) == epochs
    assert all(map(torch.equal, run.stacks[0].flat, seen[kept]))


@pytest.mark.parametrize("packed", [True, False])
def test_a_small_set_is_passed_over_until_it_had_its_steps(model, settings, packed):
    data, _ = splits(model, "tagging")
    per_epoch = -(-len(data.ids) // 4)

    def trained(epochs, min_steps):
        options = settings(batch_size=4, epochs=epochs, min_steps=min_steps)
        if packed:
            return fast(model, "tagging", options, [1], data, None)[0]
        return plain(model, "tagging", options, 1, data, None)

    def same(one, other):
        return all(torch.equal(one[name], other[name]) for name in one)

    often = trained(3, 1)
    assert same(trained(1, 2 * per_epoch + 1), often)
    assert same(trained(3, 2 * per_epoch), often)
    assert not same(trained(1, per_epoch), often)


def test_patience_in_the_plain_loop(model, settings, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 0.5])
    monkeypatch.setattr(finetune, "mean_loss", lambda model, dev: next(losses))
    data, dev = splits(model, "tagging")
    options = settings(epochs=4, checkpoint="best", patience=1)
    plain(model, "tagging", options, 1, data, dev)
    assert next(losses) == 0.5


def test_stacked_seeds_stop_each_for_itself(model, settings, monkeypatch):
    seen, losses = [], iter([[3.0, 3.0], [4.0, 2.0], [1.0, 1.0], [9.0, 9.0], [0.0, 0.0]])

    def mean_losses(self, stacks):
        seen.append([flat.detach().clone() for flat in stacks[0].flat])
        return [next(losses)]

    monkeypatch.setattr(adapter_training.PackedEvaluation, "mean_losses", mean_losses)
    data, dev = splits(model, "tagging")
    options = settings(epochs=9, checkpoint="best", patience=1)
    run = AdapterTraining(model, TASKS["tagging"], options, [1, 2], at_once=2)
    run.train(data, dev)
    assert len(seen) == 4
    assert torch.equal(run.stacks[0].flat[0][0], seen[0][0][0])
    assert torch.equal(run.stacks[0].flat[0][1], seen[2][0][1])
