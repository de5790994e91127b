import copy

import pytest
import torch

from monoglot.checkpoints import FILES, count_parameters, load_model
from monoglot.errors import UserError
from monoglot.masking import mask_tokens
from monoglot.operations.prune_ffn import (
    IMPORTANCE,
    ffn_importance,
    keep_neurons,
    prune_ffn,
    validation_batches,
)
from monoglot.tokens.store import TokenStore, build_store

TEXTS = [
    "il kelb jiġri wara qattus.",
    "id dar hija kbira fil belt.",
    "the dog runs after a cat -" * 3,
    "qattus, kelb u ziju!",
    "belt",
] * 4


@pytest.fixture
def store(parent, tmp_path):
    build_store(TEXTS, parent, tmp_path / "tokens")
    return TokenStore(tmp_path / "tokens")


def importance_by_loops(model, batches, mask_id, importance, seed):
    """Score neurons one weight at a time, by the library's own loss and `backward`."""
    generator = torch.Generator().manual_seed(seed)
    layers = model.base_model.encoder.layer
    scores = [[0.0] * model.config.intermediate_size for _ in layers]
    for ids, attention_mask, special in batches:
        masked, labels = mask_tokens(
            ids, special, mask_id, model.config.vocab_size, 0.15, generator
        )
        model.zero_grad()
        model(input_ids=masked, attention_mask=attention_mask, labels=labels).loss.backward()
        for number, layer in enumerate(layers):
            dense = layer.intermediate.dense
            terms = zip(
                dense.weight.tolist(),
                dense.weight.grad.tolist(),
                dense.bias.tolist(),
                dense.bias.grad.tolist(),
                strict=True,
            )
            for i, (row, gradients, bias, bias_gradient) in enumerate(terms):
                if importance == "gradient_weight":
                    total = sum(g * w for g, w in zip(gradients, row, strict=True))
                    scores[number][i] += abs(total + bias_gradient * bias)
                else:
                    scores[number][i] += sum(map(abs, gradients)) + abs(bias_gradient)
    return torch.tensor(scores, dtype=torch.float64)


@pytest.mark.parametrize("importance", IMPORTANCE)
def test_importance_equals_its_naive_twin(model, store, importance):
    batches = list(validation_batches(model, store, 64))
    assert len(batches) == 3
    scores = ffn_importance(model, batches, store.meta["mask"], importance, seed=7)
    naive = importance_by_loops(model, batches, store.meta["mask"], importance, seed=7)
    assert scores.shape == (4, 48)
    torch.testing.assert_close(scores, naive, rtol=1e-3, atol=float(naive.max()) * 1e-5)
    assert (naive > 0).all()


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
        assert row.tolist() == [i for i in document.tolist() if i not in special]


def test_importance_ignores_dropout_and_leaves_the_model_alone(model, store):
    before = copy.deepcopy(model.state_dict())
    first, second = (
        ffn_importance(
            model.train(),
            validation_batches(model, store, 64),
            store.meta["mask"],
            IMPORTANCE[0],
            7,
        )
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_importance_depends_on_the_seed_of_the_masks(model, store):
    first, second = (
        ffn_importance(
            model, validation_batches(model, store, 64), store.meta["mask"], IMPORTANCE[0], seed
        )
        for seed in (1, 2)
    )
    assert not torch.equal(first, second)


def test_neurons_that_do_nothing_are_pruned_without_a_trace(model, store, inputs):
    """A neuron with no incoming weight and no bias scores zero and gives GELU(0) = 0."""
    generator = torch.Generator().manual_seed(0)
    dead = [torch.randperm(48, generator=generator)[:16] for _ in range(4)]
    with torch.no_grad():
        for layer, rows in zip(model.base_model.encoder.layer, dead, strict=True):
            layer.intermediate.dense.weight[rows] = 0
            layer.intermediate.dense.bias[rows] = 0
    smaller = prune_ffn(model, store, 32, "gradient_weight", max_length=64, seed=0)
    torch.testing.assert_close(
        smaller(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-5
    )


def test_the_kept_neurons_are_the_most_important_ones_in_order(model, store):
    scores = ffn_importance(
        model, validation_batches(model, store, 64), store.meta["mask"], "gradient_weight", 5
    )
    smaller = prune_ffn(model, store, 7, "gradient_weight", max_length=64, seed=5)
    for number, layer in enumerate(smaller.base_model.encoder.layer):
        order = sorted(range(48), key=lambda i: (-scores[number, i].item(), i))[:7]
        parent = model.base_model.encoder.layer[number]
        assert torch.equal(layer.intermediate.dense.weight, parent.intermediate.dense.weight[order])
        assert torch.equal(layer.intermediate.dense.bias, parent.intermediate.dense.bias[order])
        assert torch.equal(layer.output.dense.weight, parent.output.dense.weight[:, order])
        assert torch.equal(layer.output.dense.bias, parent.output.dense.bias)


def test_equal_scores_keep_the_lower_index(model, store):
    with torch.no_grad():
        for layer in model.base_model.encoder.layer:
            layer.intermediate.dense.weight.zero_()
            layer.intermediate.dense.bias.zero_()
            layer.output.dense.weight.copy_(torch.arange(48.0).expand(24, 48))
    smaller = prune_ffn(model, store, 5, "gradient_weight", max_length=64, seed=0)
    for layer in smaller.base_model.encoder.layer:
        assert layer.output.dense.weight[0].tolist() == [0, 1, 2, 3, 4]


def test_a_permutation_of_all_neurons_keeps_the_outputs(model, inputs):
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(48, generator=generator) for _ in range(4)]
    permuted = keep_neurons(model, orders)
    torch.testing.assert_close(
        permuted(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-5
    )
    first = permuted.base_model.encoder.layer[0].intermediate.dense.weight
    assert not torch.equal(first, model.base_model.encoder.layer[0].intermediate.dense.weight)


def test_sizes_and_parameter_count(model, store):
    smaller = prune_ffn(model, store, 32, "gradient", max_length=64, seed=0)
    assert smaller.config.intermediate_size == 32
    assert model.config.intermediate_size == 48
    removed = 4 * (48 - 32) * (24 + 1 + 24)
    assert count_parameters(model) - count_parameters(smaller) == removed
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight


def test_batches_without_a_masked_token_count_for_nothing(model, store):
    """Two special tokens alone can never be masked; their mean loss would not be a number."""
    empty = (
        torch.tensor([[store.meta["cls"], store.meta["sep"]]]),
        torch.ones(1, 2, dtype=torch.int64),
        torch.ones(1, 2, dtype=torch.bool),
    )
    batches = list(validation_batches(model, store, 64))
    arguments = (store.meta["mask"], "gradient_weight", 0)
    expected = ffn_importance(model, batches, *arguments)
    assert torch.equal(ffn_importance(model, [*batches, empty], *arguments), expected)
    with pytest.raises(UserError, match="no token that was masked"):
        ffn_importance(model, [empty], *arguments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 49}, "cannot keep 49 feed-forward neurons of 48; give a number from 1 to 48"),
        ({"size": 0}, "cannot keep 0 feed-forward neurons"),
        ({"importance": "luck"}, "importance 'luck' is not known; use one of gradient_weight"),
        ({"max_length": 65}, "max_length 65 does not fit the model; give a number from 3 to 64"),
        ({"max_length": 2}, "max_length 2 does not fit"),
    ],
)
def test_bad_arguments_are_refused(model, store, change, words):
    arguments = {"size": 32, "importance": "gradient", "max_length": 64, "seed": 0, **change}
    with pytest.raises(UserError, match=words):
        prune_ffn(model, store, **arguments)


def test_tokens_of_another_vocabulary_are_refused(tiny_checkpoint, tmp_path):
    build_store(TEXTS, tiny_checkpoint("bert"), tmp_path / "tokens")
    model = load_model(tiny_checkpoint("xlm-roberta"))
    with pytest.raises(UserError, match="come from a vocabulary of"):
        prune_ffn(model, TokenStore(tmp_path / "tokens"), 32, "gradient", max_length=64, seed=0)


def test_unequal_layers_are_refused(model):
    with pytest.raises(UserError, match="must keep the same number"):
        keep_neurons(model, [torch.arange(n) for n in (3, 3, 3, 4)])
    with pytest.raises(UserError, match="do not fit a model of 4 layers"):
        keep_neurons(model, [torch.arange(3)] * 3)


def test_script_writes_the_same_bytes_twice(script, parent, model, store, inputs, tmp_path):
    for name in ("a", "b"):
        arguments = ["--parent", parent, "--out", tmp_path / name, "--max-length", 64]
        message = script(
            "prune_ffn", *arguments, "--validation", tmp_path / "tokens", "--size", 32, "--seed", 3
        )
        assert message is None
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    expected = prune_ffn(model, store, 32, "gradient_weight", max_length=64, seed=3)
    logits = load_model(tmp_path / "a")(**inputs).logits
    torch.testing.assert_close(logits, expected(**inputs).logits, rtol=1e-5, atol=1e-5)


def test_script_refuses_a_folder_that_is_no_store(script, tiny_checkpoint, tmp_path):
    arguments = ["--parent", tiny_checkpoint("bert"), "--out", tmp_path / "x", "--size", 32]
    message = script("prune_ffn", *arguments, "--validation", tmp_path)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert not list(tmp_path.iterdir())
