import copy

import pytest
import torch
from torch.nn import functional as F
from transformers import get_linear_schedule_with_warmup

from monoglot.data.readers import TaggedExample
from monoglot.evaluate import adapter_models, finetune
from monoglot.evaluate.encoding import IGNORED, Encoded, load_tokenizer
from monoglot.evaluate.finetune import learning_rate, mean_loss, predict, train
from monoglot.evaluate.task_tagging import Tagging

CLASSES = ["NOUN", "VERB"]
TASK = Tagging(labels=CLASSES)


@pytest.fixture
def model(tiny_checkpoint):
    return adapter_models.load_encoder(tiny_checkpoint("bert"))


@pytest.fixture
def data(tiny_checkpoint) -> Encoded:
    sentences = [("kelb", "jiġri"), ("dar",), ("dog", "runs", "qattus", "jiġri", "dar"), ("cat",)]
    examples = [
        TaggedExample(words, tuple(CLASSES[word in ("jiġri", "runs")] for word in words))
        for words in sentences
    ]
    tokenizer = load_tokenizer(tiny_checkpoint("bert"), 32)
    return TASK.encode(examples, tokenizer, 0)


def trained(model, data, dev, settings, seed=1) -> dict[str, torch.Tensor]:
    adapter_models.fresh_adapter(model, TASK, 2, seed)
    train(model, data, dev, settings, seed)
    return {name: value.clone() for name, value in adapter_models.trained_parameters(model).items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(left[name], right[name]) for name in left)


def switch_off_dropout(model) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for layer in model.bert.encoder.layer:
        layer.attention.self.dropout_prob = 0.0


@pytest.mark.parametrize(("steps", "warmup"), [(10, 0.0), (10, 0.05), (40, 0.3)])
def test_the_schedule_is_that_of_transformers(steps, warmup):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = get_linear_schedule_with_warmup(optimiser, int(-(-steps * warmup // 1)), steps)
    for step in range(steps):
        assert learning_rate(step, steps, warmup, 0.5) == pytest.approx(theirs.get_last_lr()[0])
        optimiser.step()
        theirs.step()


def test_training_equals_a_naive_loop_on_fully_padded_batches(model, data, settings):
    switch_off_dropout(model)
    options = settings(epochs=2, batch_size=3, warmup=0.25, weight_decay=0.1, learning_rate=0.01)
    adapter_models.fresh_adapter(model, TASK, 2, seed=1)
    switch_off_dropout(model)
    start = {
        name: value.clone() for name, value in adapter_models.trained_parameters(model).items()
    }
    train(model, data, None, options, seed=1)
    ours = {name: value.clone() for name, value in adapter_models.trained_parameters(model).items()}

    parameters = adapter_models.trained_parameters(model)
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(start[name])
    decayed = [value for value in parameters.values() if value.dim() == 2]
    others = [value for value in parameters.values() if value.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=0.01,
    )
    schedule = get_linear_schedule_with_warmup(optimiser, 1, 4)
    order = torch.Generator().manual_seed(42)
    model.train()
    for _ in range(2):
        shuffled = torch.randperm(4, generator=order)
        for rows in (shuffled[:3], shuffled[3:]):
            mask = (torch.arange(data.ids.shape[1]) < data.lengths[rows, None]).long()
            logits = model(input_ids=data.ids[rows], attention_mask=mask).logits
            loss = F.cross_entropy(
                logits.reshape(-1, 2), data.labels[rows].reshape(-1), ignore_index=IGNORED
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
    for name, value in parameters.items():
        torch.testing.assert_close(ours[name], value.detach(), rtol=1e-4, atol=1e-6)
        assert not torch.equal(value, start[name])


def test_the_encoder_does_not_change(model, data, settings):
    before = {name: value.clone() for name, value in model.base_model.state_dict().items()}
    trained(model, data, None, settings())
    after = model.base_model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_full_tuning_equals_a_naive_loop_over_all_weights(model, data, settings):
    switch_off_dropout(model)
    options = settings(epochs=1, batch_size=4, weight_decay=0.1, learning_rate=0.001, tuning="full")
    start = {name: value.clone() for name, value in model.base_model.state_dict().items()}
    adapter_models.fresh_head(model, TASK, 1, start)
    switch_off_dropout(model)
    naive = copy.deepcopy(model)
    train(model, data, None, options, seed=1)
    kinds = {True: [], False: []}
    for parameter in naive.parameters():
        kinds[parameter.dim() > 1].append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": kinds[True], "weight_decay": 0.1}, {"params": kinds[False], "weight_decay": 0}],
        lr=0.001,
    )
    naive.train()
    mask = (torch.arange(data.ids.shape[1]) < data.lengths[:, None]).long()
    logits = naive(input_ids=data.ids, attention_mask=mask).logits
    F.cross_entropy(logits.reshape(-1, 2), data.labels.reshape(-1), ignore_index=IGNORED).backward()
    torch.nn.utils.clip_grad_norm_(naive.parameters(), 1.0)
    optimiser.step()
    moved = dict(naive.named_parameters())
    for name, value in model.named_parameters():
        torch.testing.assert_close(value, moved[name], rtol=1e-4, atol=1e-5)
    embeddings = "embeddings.word_embeddings.weight"
    assert not torch.equal(model.base_model.state_dict()[embeddings], start[embeddings])


def test_a_fresh_head_starts_from_the_checkpoint_again(model, data, settings):
    start = {name: value.clone() for name, value in model.base_model.state_dict().items()}
    for _ in range(2):
        adapter_models.fresh_head(model, TASK, 1, start)
        train(model, data, None, settings(tuning="full"), seed=1)
    adapter_models.fresh_head(model, TASK, 1, start)
    assert same(start, model.base_model.state_dict())


def test_seeds_change_only_the_initialisation_if_asked(model, data, settings):
    order = []
    for seeds_affect in ("initialisation", "everything"):
        for seed in (1, 2):
            adapter_models.fresh_adapter(model, TASK, 2, seed=1)
            options = settings(seeds_affect=seeds_affect, epochs=3, batch_size=2)
            train(model, data, None, options, seed)
            order.append(model.heads["task"][1].weight.clone())
    shared_1, shared_2, own_1, own_2 = order
    assert torch.equal(shared_1, shared_2)
    assert not torch.equal(own_1, own_2)


def test_a_seed_does_not_depend_on_the_seeds_before_it(tiny_checkpoint, data, settings):
    used = adapter_models.load_encoder(tiny_checkpoint("bert"))
    trained(used, data, data, settings(), seed=1)
    predict(used, data)
    second = trained(used, data, data, settings(), seed=2)
    alone = trained(
        adapter_models.load_encoder(tiny_checkpoint("bert")), data, data, settings(), seed=2
    )
    assert same(second, alone)


def test_best_keeps_the_epoch_with_the_lowest_validation_loss(model, data, settings, monkeypatch):
    seen = []
    losses = iter([3.0, 1.0, 2.0, 1.0])

    def loss(model, dev):
        seen.append(
            {
                name: value.clone()
                for name, value in adapter_models.trained_parameters(model).items()
            }
        )
        return next(losses)

    monkeypatch.setattr("monoglot.evaluate.finetune.mean_loss", loss)
    kept = trained(model, data, data, settings(epochs=4))
    assert same(kept, seen[1])
    assert not same(kept, seen[3])


def test_loss_is_per_label_whatever_the_batches(model, data, monkeypatch):
    adapter_models.fresh_adapter(model, TASK, 2, seed=1)
    model.eval()
    mask = (torch.arange(data.ids.shape[1]) < data.lengths[:, None]).long()
    with torch.no_grad():
        logits = model(input_ids=data.ids, attention_mask=mask).logits
    naive = F.cross_entropy(logits.flatten(0, 1), data.labels.flatten(), ignore_index=IGNORED)
    monkeypatch.setattr("monoglot.evaluate.finetune.PREDICTION_BATCH", 3)
    assert mean_loss(model, data) == pytest.approx(naive.item(), rel=1e-5)
    inside = data.labels != IGNORED
    assert torch.equal(predict(model, data)[inside], logits.argmax(-1)[inside])


def test_units_are_dropped_in_every_epoch_and_not_where_losses_are_compared(
    model, data, settings, monkeypatch
):
    modes, real = {"mean": [], "sum": []}, finetune._cross_entropy

    def seen(logits, labels, reduction):
        modes[reduction].append(model.training)
        return real(logits, labels, reduction)

    monkeypatch.setattr(finetune, "_cross_entropy", seen)
    trained(model, data, data, settings(epochs=2, batch_size=4, checkpoint="best"))
    assert modes == {"mean": [True, True], "sum": [False, False]}
    predict(model, data)
    assert not model.training


def test_a_batch_without_labels_leaves_finite_weights(model, data, settings):
    unlabelled = Encoded(data.ids, data.lengths, torch.full_like(data.labels, IGNORED), data.words)
    weights = trained(model, unlabelled, None, settings())
    assert all(torch.isfinite(value).all() for value in weights.values())
