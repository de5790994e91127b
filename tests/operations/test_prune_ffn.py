from typing import get_args

import pytest
import torch

from monoglot.checkpoints import FILES, count_parameters, load_model
from monoglot.errors import UserError
from monoglot.operations.importance import importance, validation_batches
from monoglot.operations.prune_ffn import NeuronMeasure, PruneFfn, keep_neurons, schedule
from monoglot.operations.prune_ffn import prune_ffn as pruned_by
from monoglot.operations.surgery import family_of, layers_of
from monoglot.provenance import NAME as PROVENANCE


@pytest.fixture(params=["bert", "xlm-roberta", "electra", "deberta-v2", "modernbert"])
def family(request):
    return request.param


def prune_ffn(model, store, size, **how):
    return pruned_by(model, store, PruneFfn(parent="", size=size, **{"max_length": 64, **how}))


def ffn(model):
    """Of each layer, the two feed-forward matrices, and how many neurons there are."""
    names = family_of(model.config)
    size = model.config.intermediate_size
    for layer in layers_of(model):
        yield layer.get_submodule(names.inner), layer.get_submodule(names.outer), size


def made(inner, neurons, size):
    """The rows of the first matrix that make neurons: two for each, if they are gated."""
    return torch.cat([neurons + at for at in range(0, inner.out_features, size)])


@pytest.mark.parametrize("measure", get_args(NeuronMeasure))
@pytest.mark.parametrize("rounds", [1, 3])
def test_neurons_that_do_nothing_are_pruned_without_a_trace(model, store, inputs, measure, rounds):
    """A neuron with no incoming weight and no bias scores zero and gives GELU(0) = 0.

    Its gradients alone are zero only if it has no outgoing weight either.
    """
    generator = torch.Generator().manual_seed(0)
    dead = [torch.randperm(48, generator=generator)[:16] for _ in range(4)]
    with torch.no_grad():
        for (inner, outer, size), neurons in zip(ffn(model), dead, strict=True):
            for tensor in inner.parameters():
                tensor[made(inner, neurons, size)] = 0
            if measure == "gradient":
                outer.weight[:, neurons] = 0
    smaller = prune_ffn(model, store, 32, importance=measure, seed=0, rounds=rounds)
    torch.testing.assert_close(
        smaller(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-5
    )


def test_the_kept_neurons_are_the_most_important_ones_in_order(model, store):
    scores = importance(
        model, validation_batches(model, store, 64), store.meta["mask"], "gradient_weight", 5
    ).neurons
    smaller = prune_ffn(model, store, 7, seed=5)
    for number, (new, old) in enumerate(zip(ffn(smaller), ffn(model), strict=True)):
        order = sorted(range(48), key=lambda i: (-scores[number, i].item(), i))[:7]
        rows = made(old[0], torch.tensor(order), 48)
        for after, before in zip(new[0].parameters(), old[0].parameters(), strict=True):
            assert torch.equal(after, before[rows])
        assert torch.equal(new[1].weight, old[1].weight[:, order])
        assert new[1].bias is old[1].bias is None or torch.equal(new[1].bias, old[1].bias)
        assert (new[0].out_features, new[1].in_features) == (len(rows), 7)


def test_equal_scores_keep_the_lower_index(model, store):
    with torch.no_grad():
        for inner, outer, _ in ffn(model):
            for tensor in inner.parameters():
                tensor.zero_()
            outer.weight.copy_(torch.arange(48.0).expand(24, 48))
    smaller = prune_ffn(model, store, 5, seed=0)
    for _, outer, _ in ffn(smaller):
        assert outer.weight[0].tolist() == [0, 1, 2, 3, 4]


def test_a_permutation_of_all_neurons_keeps_the_outputs(model, inputs):
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(48, generator=generator) for _ in range(4)]
    permuted = keep_neurons(model, orders)
    torch.testing.assert_close(
        permuted(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-5
    )
    assert not torch.equal(next(ffn(permuted))[0].weight, next(ffn(model))[0].weight)


def test_each_round_scores_what_the_last_one_left(model, store, inputs):
    """Three rounds of 48 to 20 are three prunings, and not the one of all 28 neurons at once."""
    how = {"importance": "taylor", "seed": 5}
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
    plain, ordered = (
        prune_ffn(model, store, 32, seed=5, head_order=order) for order in ("as_is", head_order)
    )
    torch.testing.assert_close(
        ordered(**inputs).logits, plain(**inputs).logits, rtol=1e-5, atol=1e-5
    )
    batches = validation_batches(model, store, 64)
    scores = importance(model, batches, store.meta["mask"], "gradient_weight", 5)
    scores = scores.heads if head_order == "importance" else scores.cumulative_heads
    names, moved = family_of(model.config), 0
    for number, row in enumerate(scores.tolist()):
        order = sorted(range(4), key=lambda head: -row[head])
        rows = torch.tensor([6 * head + i for head in order for i in range(6)])
        old, new = (layers_of(one)[number] for one in (plain, ordered))
        for name in names.projections:
            before, after = old.get_submodule(name), new.get_submodule(name)
            assert torch.equal(after.weight, before.weight[made(before, rows, 24)])
            if before.bias is not None:
                assert torch.equal(after.bias, before.bias[made(before, rows, 24)])
        before, after = (one.get_submodule(names.mixing) for one in (old, new))
        assert torch.equal(after.weight, before.weight[:, rows])
        assert before.bias is after.bias is None or torch.equal(after.bias, before.bias)
        moved += order != [0, 1, 2, 3]
    assert moved


def test_sizes_and_parameter_count(model, store):
    smaller = prune_ffn(model, store, 32, importance="gradient")
    assert smaller.config.intermediate_size == 32
    assert model.config.intermediate_size == 48
    gated = model.config.model_type == "modernbert"  # two rows of weights and no bias
    removed = 4 * (48 - 32) * (24 + (2 * 24 if gated else 24 + 1))
    assert count_parameters(model) - count_parameters(smaller) == removed
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 49}, "cannot keep 49 feed-forward neurons of 48; give a number from 1 to 48"),
        ({"max_length": 65}, "max_length 65 does not fit the model; give a number from 3 to 64"),
    ],
)
def test_bad_arguments_are_refused(model, store, change, words):
    with pytest.raises(UserError, match=words):
        prune_ffn(model, store, **{"size": 32, **change})


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
    expected = prune_ffn(model, store, 32, seed=3, rounds=2)
    logits = load_model(tmp_path / "a")(**inputs).logits
    torch.testing.assert_close(logits, expected(**inputs).logits, rtol=1e-5, atol=1e-5)


def test_script_refuses_a_folder_that_is_no_store(script, tiny_checkpoint, tmp_path):
    arguments = ["--parent", tiny_checkpoint("bert"), "--out", tmp_path / "x", "--size", 32]
    message = script("prune_ffn", *arguments, "--validation", tmp_path)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert not list(tmp_path.iterdir())
