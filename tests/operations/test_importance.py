import copy

import pytest
import torch

from monoglot.checkpoints import load_model
from monoglot.errors import UserError
from monoglot.operations.importance import importance, validation_batches
from monoglot.operations.surgery import family_of, layers_of
from monoglot.tokens.store import TokenStore, build_store
from monoglot.training.batches import mask_tokens


@pytest.fixture(params=["bert", "xlm-roberta", "electra", "deberta-v2", "modernbert"])
def family(request):
    return request.param


def neurons_by_loops(model, batches, mask_id, measure, seed):
    """Score neurons one weight at a time, by the library's own loss and `backward`."""
    generator = torch.Generator().manual_seed(seed)
    layers, size = layers_of(model), model.config.intermediate_size
    scores = [[0.0] * size for _ in layers]
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, model.config.vocab_size, 0.15, generator
        )
        model.zero_grad()
        model(input_ids=masked, attention_mask=attention_mask, labels=labels).loss.backward()
        for number, layer in enumerate(layers):
            dense = layer.get_submodule(family_of(model.config).inner)
            for i in range(size):
                terms = [
                    gradient * weight if measure == "gradient_weight" else abs(gradient)
                    for tensor in dense.parameters()  # weight, and bias if there is one
                    for row in range(i, len(tensor), size)  # of gated neurons there are two
                    for gradient, weight in zip(
                        tensor.grad[row].flatten().tolist(),
                        tensor[row].flatten().tolist(),
                        strict=True,
                    )
                ]
                scores[number][i] += abs(sum(terms))
    return torch.tensor(scores, dtype=torch.float64)


def heads_by_explicit_masks(model, batches, mask_id, seed):
    """Score heads by the gradient of a factor on each head's output; absolute and cumulative."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(4, 4, requires_grad=True)
    hooks = [
        layer.get_submodule(family_of(model.config).mixing).register_forward_pre_hook(
            lambda _, inputs, factors=mask[number]: inputs[0] * factors.repeat_interleave(6)
        )
        for number, layer in enumerate(layers_of(model))
    ]
    absolute = torch.zeros(4, 4)
    cumulative = torch.zeros(4, 4)
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, model.config.vocab_size, 0.15, generator
        )
        given = {"input_ids": masked, "attention_mask": attention_mask, "labels": labels}
        absolute += torch.autograd.grad(model(**given).loss, mask)[0].abs()
        model(**given).loss.backward()
        cumulative += mask.grad.abs()  # like the paper's code, which never zeroes it
    for hook in hooks:
        hook.remove()
    return absolute.double(), cumulative.double()


def neurons_by_explicit_masks(model, batches, mask_id, seed):
    """Score neurons by the gradient of a factor on what each gives, at every token."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(4, 48, requires_grad=True)
    hooks = [
        layer.get_submodule(family_of(model.config).outer).register_forward_pre_hook(
            lambda _, inputs, factors=mask[number]: inputs[0] * factors
        )
        for number, layer in enumerate(layers_of(model))
    ]
    scores = torch.zeros(4, 48)
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, model.config.vocab_size, 0.15, generator
        )
        loss = model(input_ids=masked, attention_mask=attention_mask, labels=labels).loss
        scores += torch.autograd.grad(loss, mask)[0].abs()
    for hook in hooks:
        hook.remove()
    return scores.double()


@pytest.mark.parametrize("measure", ["gradient_weight", "gradient"])
def test_importance_of_neurons_equals_its_naive_twin(model, store, measure):
    batches = list(validation_batches(model, store, 64))
    assert len(batches) == 3
    scores = importance(model, batches, store.meta["mask"], measure, seed=7).neurons
    naive = neurons_by_loops(model, batches, store.meta["mask"], measure, seed=7)
    assert scores.shape == (4, 48)
    torch.testing.assert_close(scores, naive, rtol=1e-3, atol=float(naive.max()) * 1e-5)
    assert (naive > 0).all()


def test_taylor_is_the_gradient_of_a_factor_on_the_activation(model, store):
    """Which sum_j dL/dV_ji V_ji equals, and the score of the first matrix does not."""
    batches = list(validation_batches(model, store, 64))
    taylor, other = (
        importance(model, batches, store.meta["mask"], measure, seed=7).neurons
        for measure in ("taylor", "gradient_weight")
    )
    naive = neurons_by_explicit_masks(model, batches, store.meta["mask"], seed=7)
    assert (naive > 0).all()
    torch.testing.assert_close(taylor, naive, rtol=1e-3, atol=float(naive.max()) * 1e-5)
    assert not torch.allclose(other, naive, rtol=0.1)


def test_importance_of_heads_equals_its_naive_twin(model, store):
    batches = list(validation_batches(model, store, 64))
    scores = importance(model, batches, store.meta["mask"], "gradient_weight", seed=7)
    absolute, cumulative = heads_by_explicit_masks(model, batches, store.meta["mask"], seed=7)
    close = {"rtol": 1e-3, "atol": float(cumulative.max()) * 1e-5}
    torch.testing.assert_close(scores.heads, absolute, **close)
    torch.testing.assert_close(scores.cumulative_heads, cumulative, **close)
    assert not torch.allclose(absolute, cumulative, rtol=0.1)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])  # ModernBERT's loss is in fp32
def test_importance_of_a_head_is_the_slope_of_the_loss(model, store):
    """One batch, one head, a finite difference in float64."""
    batch = next(iter(validation_batches(model, store, 64)))
    model = model.double()
    scores = importance(model, [batch], store.meta["mask"], "gradient_weight", seed=3)
    ids, attention_mask, special = batch
    generator = torch.Generator().manual_seed(3)
    masked, labels = mask_tokens(
        ids, special, store.meta["mask"], model.config.vocab_size, 0.15, generator
    )
    mixing = layers_of(model)[1].get_submodule(family_of(model.config).mixing)
    columns = mixing.weight.data[:, 12:18]
    losses = []
    for factor in (1 + 1e-5, (1 - 1e-5) / (1 + 1e-5)):
        columns *= factor
        losses.append(model(masked, attention_mask, labels=labels).loss.item())
    slope = abs(losses[0] - losses[1]) / 2e-5
    torch.testing.assert_close(scores.heads[1, 2].item(), slope, rtol=1e-4, atol=1e-9)
    assert torch.equal(scores.heads, scores.cumulative_heads)  # a single batch


def test_batches_hold_every_document_once_and_in_order(model, store):
    batches = list(validation_batches(model, store, 64))
    assert [len(ids) for ids, _, _ in batches] == [8, 8, 4]
    rows = [
        row[~special]
        for ids, _, specials in batches
        for row, special in zip(ids, specials, strict=True)
    ]
    special = store.meta["special"]
    for row, document in zip(rows, store, strict=True):
        assert row.tolist() == [i for i in document.tolist()[: 64 - 2] if i not in special]


def test_importance_ignores_dropout_and_leaves_the_model_alone(model, store):
    before = copy.deepcopy(model.state_dict())
    first, second = (
        importance(
            model.train(),
            validation_batches(model, store, 64),
            store.meta["mask"],
            "gradient_weight",
            7,
        )
        for _ in range(2)
    )
    assert torch.equal(first.neurons, second.neurons)
    assert torch.equal(first.heads, second.heads)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_importance_depends_on_the_seed_of_the_masks(model, store):
    first, second = (
        importance(
            model,
            validation_batches(model, store, 64),
            store.meta["mask"],
            "gradient_weight",
            seed,
        )
        for seed in (1, 2)
    )
    assert not torch.equal(first.neurons, second.neurons)
    assert not torch.equal(first.heads, second.heads)


def test_batches_without_a_masked_token_count_for_nothing(model, store):
    """Two special tokens alone can never be masked; their mean loss would not be a number."""
    empty = (
        torch.tensor([[store.meta["cls"], store.meta["sep"]]]),
        torch.ones(1, 2, dtype=torch.int64),
        torch.ones(1, 2, dtype=torch.bool),
    )
    batches = list(validation_batches(model, store, 64))
    arguments = (store.meta["mask"], "gradient_weight", 0)
    expected = importance(model, batches, *arguments)
    found = importance(model, [*batches, empty], *arguments)
    assert torch.equal(found.neurons, expected.neurons)
    assert torch.equal(found.cumulative_heads, expected.cumulative_heads)
    with pytest.raises(UserError, match="no token that was masked"):
        importance(model, [empty], *arguments)


def test_tokens_of_another_vocabulary_are_refused(tiny_checkpoint, tmp_path):
    build_store(["belt"], tiny_checkpoint("bert"), tmp_path / "tokens")
    model = load_model(tiny_checkpoint("xlm-roberta"))
    with pytest.raises(UserError, match="come from a vocabulary of"):
        validation_batches(model, TokenStore(tmp_path / "tokens"), 64)
