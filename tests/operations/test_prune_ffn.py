import pytest
import torch

from monoglot.checkpoints import FILES, count_parameters, load_model
from monoglot.errors import UserError
from monoglot.operations.importance import importance, validation_batches
from monoglot.operations.prune_ffn import NEURON_MEASURES, keep_neurons, prune_ffn, schedule
from monoglot.provenance import NAME as PROVENANCE


@pytest.mark.parametrize("measure", NEURON_MEASURES)
@pytest.mark.parametrize("rounds", [1, 3])
def test_neurons_that_do_nothing_are_pruned_without_a_trace(model, store, inputs, measure, rounds):
    """A neuron with no incoming weight and no bias scores zero and gives GELU(0) = 0.

    Its gradients alone are zero only if it has no outgoing weight either.
    """
    generator = torch.Generator().manual_seed(0)
    dead = [torch.randperm(48, generator=generator)[:16] for _ in range(4)]
    with torch.no_grad():
        for layer, rows in zip(model.base_model.encoder.layer, dead, strict=True):
            layer.intermediate.dense.weight[rows] = 0
            layer.intermediate.dense.bias[rows] = 0
            if measure == "gradient":
                layer.output.dense.weight[:, rows] = 0
    smaller = prune_ffn(model, store, 32, measure, max_length=64, seed=0, rounds=rounds)
    torch.testing.assert_close(
        smaller(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-5
    )


def test_the_kept_neurons_are_the_most_important_ones_in_order(model, store):
    scores = importance(
        model, validation_batches(model, store, 64), store.meta["mask"], "gradient_weight", 5
    ).neurons
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


def test_each_round_scores_what_the_last_one_left(model, store, inputs):
    """Three rounds of 48 to 20 are three prunings, and not the one of all 28 neurons at once."""
    how = {"measure": "taylor", "max_length": 64, "seed": 5}
    expected = model
    for left in (39, 30, 20):
        expected = prune_ffn(expected, store, left, **how)
    found, at_once = (prune_ffn(model, store, 20, **how, rounds=rounds) for rounds in (3, 1))
    state = expected.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.state_dict().items())
    assert not torch.allclose(found(**inputs).logits, at_once(**inputs).logits, atol=1e-6)


@pytest.mark.parametrize(
    ("present", "size", "rounds", "expected"),
    [
        (48, 20, 1, [20]),
        (48, 20, 3, [39, 30, 20]),
        (3072, 2048, 4, [2816, 2560, 2304, 2048]),
        (10, 7, 9, [9, 8, 7]),
        (10, 10, 4, [10]),
    ],
)
def test_rounds_are_even_and_end_at_the_size(present, size, rounds, expected):
    assert schedule(present, size, rounds) == expected


@pytest.mark.parametrize("head_order", ["importance", "cumulative_importance"])
def test_heads_in_order_of_importance_keep_the_outputs(model, store, inputs, head_order):
    arguments = (model, store, 32, "gradient_weight", 64, 5)
    plain, ordered = prune_ffn(*arguments), prune_ffn(*arguments, head_order)
    torch.testing.assert_close(
        ordered(**inputs).logits, plain(**inputs).logits, rtol=1e-5, atol=1e-5
    )
    batches = validation_batches(model, store, 64)
    scores = importance(model, batches, store.meta["mask"], "gradient_weight", 5)
    scores = scores.heads if head_order == "importance" else scores.cumulative_heads
    moved = 0
    for number, row in enumerate(scores.tolist()):
        order = sorted(range(4), key=lambda head: -row[head])
        rows = [6 * head + i for head in order for i in range(6)]
        old, new = (m.base_model.encoder.layer[number].attention for m in (plain, ordered))
        for name in ("query", "key", "value"):
            before, after = old.self.get_submodule(name), new.self.get_submodule(name)
            assert torch.equal(after.weight, before.weight[rows])
            assert torch.equal(after.bias, before.bias[rows])
        assert torch.equal(new.output.dense.weight, old.output.dense.weight[:, rows])
        assert torch.equal(new.output.dense.bias, old.output.dense.bias)
        moved += order != [0, 1, 2, 3]
    assert moved


def test_sizes_and_parameter_count(model, store):
    smaller = prune_ffn(model, store, 32, "gradient", max_length=64, seed=0)
    assert smaller.config.intermediate_size == 32
    assert model.config.intermediate_size == 48
    removed = 4 * (48 - 32) * (24 + 1 + 24)
    assert count_parameters(model) - count_parameters(smaller) == removed
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 49}, "cannot keep 49 feed-forward neurons of 48; give a number from 1 to 48"),
        ({"size": 0}, "cannot keep 0 feed-forward neurons"),
        ({"measure": "luck"}, "importance 'luck' is not known; use one of gradient_weight"),
        ({"head_order": "size"}, "head_order 'size' is not known; use one of as_is, importance"),
        ({"max_length": 65}, "max_length 65 does not fit the model; give a number from 3 to 64"),
        ({"max_length": 2}, "max_length 2 does not fit"),
    ],
)
def test_bad_arguments_are_refused(model, store, change, words):
    arguments = {"size": 32, "measure": "gradient", "max_length": 64, "seed": 0, **change}
    with pytest.raises(UserError, match=words):
        prune_ffn(model, store, **arguments)


def test_unequal_layers_are_refused(model):
    with pytest.raises(UserError, match="must keep the same number"):
        keep_neurons(model, [torch.arange(n) for n in (3, 3, 3, 4)])
    with pytest.raises(UserError, match="do not fit a model of 4 layers"):
        keep_neurons(model, [torch.arange(3)] * 3)


def test_script_writes_the_same_bytes_twice(script, parent, model, store, inputs, tmp_path):
    for name in ("a", "b"):
        arguments = ["--parent", parent, "--out", tmp_path / name, "--max-length", 64]
        message = script(
            "prune_ffn",
            *arguments,
            *("--validation", tmp_path / "tokens"),
            *("--size", 32, "--seed", 3, "--rounds", 2),
        )
        assert message is None
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == sorted([*FILES, PROVENANCE])
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    expected = prune_ffn(model, store, 32, "gradient_weight", max_length=64, seed=3, rounds=2)
    logits = load_model(tmp_path / "a")(**inputs).logits
    torch.testing.assert_close(logits, expected(**inputs).logits, rtol=1e-5, atol=1e-5)


def test_script_refuses_a_folder_that_is_no_store(script, tiny_checkpoint, tmp_path):
    arguments = ["--parent", tiny_checkpoint("bert"), "--out", tmp_path / "x", "--size", 32]
    message = script("prune_ffn", *arguments, "--validation", tmp_path)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert not list(tmp_path.iterdir())
