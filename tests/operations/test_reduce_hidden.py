import copy
from typing import get_args

import pytest
import torch
from tiny_models import randomise, tiny
from transformers import AutoModel, AutoModelForMaskedLM, ModernBertConfig, ModernBertForMaskedLM
from transformers.models.modernbert.modeling_modernbert import apply_rotary_pos_emb

from monoglot.checkpoints import FILES, load_model
from monoglot.errors import UserError
from monoglot.operations.importance import stream, validation_batches
from monoglot.operations.reduce_hidden import OF_TEXT, Heads, Method, low_rank, reduce_hidden
from monoglot.operations.surgery import family_of, layers_of, longest_input
from monoglot.provenance import NAME as PROVENANCE


@pytest.fixture(params=["bert", "xlm-roberta", "electra", "deberta-v2"])
def family(request):
    return request.param


def sliced(tensor, shape):
    return tensor[: shape[0]] if len(shape) == 1 else tensor[: shape[0], : shape[1]]


def test_truncation_equals_slicing_the_state_dict(model):
    smaller = reduce_hidden(model, 12, "truncate")
    old, new = model.state_dict(), smaller.state_dict()
    assert set(old) == set(new)
    for name, tensor in new.items():
        shape = [12 if length == 24 else length for length in old[name].shape]
        assert list(tensor.shape) == shape, name
        assert torch.equal(tensor, sliced(old[name], shape)), name


@pytest.mark.parametrize("width", [16, 40])
@pytest.mark.parametrize("method", ["truncate", "svd"])
def test_embeddings_of_another_width_than_the_layers_stay(width, method, tmp_path):
    model, _ = tiny("electra", embedding_size=width)
    smaller = reduce_hidden(model, 12, method)
    assert (smaller.config.hidden_size, smaller.config.embedding_size) == (12, width)
    old = model.state_dict()
    for name, tensor in smaller.state_dict().items():
        shape = [12 if length == 24 else length for length in old[name].shape]
        assert list(tensor.shape) == shape, name
        if method == "truncate" or 24 not in old[name].shape:
            assert torch.equal(tensor, sliced(old[name], shape)), name
    smaller.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(again[name], one) for name, one in smaller.state_dict().items())


def test_what_embeddings_of_another_width_do_not_allow_is_refused():
    model, _ = tiny("electra", embedding_size=16)
    with pytest.raises(UserError, match="size 16 is the width of the model's embeddings"):
        reduce_hidden(model, 16, "truncate")
    with pytest.raises(UserError, match="'projection' takes directions of the word embeddings"):
        reduce_hidden(model, 12, "projection")


def test_svd_equals_its_naive_twin(model):
    """The rank is the hidden size; `intermediate.dense` has the FFN size, so is only cut."""
    smaller = reduce_hidden(model, 12, "svd")
    old, approximated = model.state_dict(), 0
    for name, tensor in smaller.state_dict().items():
        source = old[name]
        if source.dim() == 2 and "intermediate" not in name:
            u, s, v = torch.linalg.svd(source.double(), full_matrices=False)
            source = (u[:, :12] @ torch.diag(s[:12]) @ v[:12]).float()
            approximated += not torch.equal(tensor, sliced(old[name], tensor.shape))
        expected = sliced(source, tensor.shape)
        torch.testing.assert_close(tensor, expected, rtol=1e-4, atol=1e-6, msg=name)
    # Words, positions, the head and, in 4 layers, query, key, value and both outputs; the tied
    # decoder is one of the state dict's names. Two token types have no rank to lose.
    assert approximated == 4 + 4 * 5


@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (16, 16), (40_000, 8)])
def test_low_rank_is_the_best_approximation(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, s, v = torch.linalg.svd(weight.double(), full_matrices=False)
    for rank in (1, 5, 8):
        best = (u[:, :rank] @ torch.diag(s[:rank]) @ v[:rank]).float()
        torch.testing.assert_close(low_rank(weight, rank), best, rtol=1e-4, atol=1e-5)
    assert low_rank(weight, 16) is weight


@pytest.mark.parametrize("method", ["truncate", "svd"])
def test_the_same_size_keeps_the_model(model, inputs, method):
    same = reduce_hidden(model, 24, method)
    assert torch.equal(same(**inputs).logits, model(**inputs).logits)


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("heads", get_args(Heads))
def test_shape_ties_and_determinism(model, inputs, batches, method, heads):
    before = copy.deepcopy(model.state_dict())
    measured = stream(model, batches)
    smaller, again = (reduce_hidden(model, 12, method, heads, measured) for _ in range(2))
    config = smaller.config
    assert (config.hidden_size, config.num_attention_heads, config.intermediate_size) == (12, 4, 48)
    attention = smaller.base_model.encoder.layer[0].attention.self
    assert attention.attention_head_size == 3
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight
    assert smaller(**inputs).logits.isfinite().all()
    state = again.state_dict()
    assert all(torch.equal(t, state[name]) for name, t in smaller.state_dict().items())
    assert model.config.hidden_size == 24
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


@pytest.mark.parametrize(
    ("size", "method", "words"),
    [
        (25, "truncate", "cannot reduce hidden size 24 to 25; give a number from 1 to 24"),
        (14, "truncate", "14 is not divisible by the model's 4 attention heads; give a multiple"),
    ],
)
def test_bad_arguments_are_refused(model, size, method, words):
    with pytest.raises(UserError, match=words):
        reduce_hidden(model, size, method)


def test_aligned_heads_keep_their_first_dimensions(model):
    """Head size 6 becomes 3."""
    smaller = reduce_hidden(model, 12, "truncate", "aligned")
    rows = [6 * head + i for head in range(4) for i in range(3)]
    for layer, parent in zip(layers_of(smaller), layers_of(model), strict=True):
        for name in family_of(model.config).projections:
            new, old = layer.get_submodule(name), parent.get_submodule(name)
            assert torch.equal(new.weight, old.weight[rows][:, :12])
            assert torch.equal(new.bias, old.bias[rows])
        output = parent.attention.output.dense
        assert torch.equal(layer.attention.output.dense.weight, output.weight[:12, rows])
        assert torch.equal(layer.attention.output.dense.bias, output.bias[:12])
    cut = reduce_hidden(model, 12, "truncate").state_dict()
    for name, tensor in smaller.state_dict().items():
        if "attention.self" not in name and "attention.output.dense.weight" not in name:
            assert torch.equal(tensor, cut[name]), name


@pytest.fixture
def rotary():
    """A model with rotary positions and heads of 24 dimensions."""
    shape = {"hidden_size": 48, "num_attention_heads": 2, "intermediate_size": 50}
    config = ModernBertConfig(
        vocab_size=30, num_hidden_layers=4, local_attention=4, pad_token_id=0, **shape
    )
    model = ModernBertForMaskedLM(config)
    randomise(model)
    return model.eval()


def asked_and_offered(layer, states):
    """Queries and keys, turned by their positions, [heads, tokens, width]; and values."""
    attention = layer.attn
    parts = attention.Wqkv(states).unflatten(-1, (3, attention.num_heads, -1))
    cos, sin = attention.rotary_emb(states, position_ids=torch.arange(states.shape[1])[None])
    query, key, value = parts.transpose(3, 1).unbind(2)
    query, key = apply_rotary_pos_emb(query, key, cos, sin)
    return query[0], key[0], value[0]


@pytest.mark.parametrize(
    ("heads", "size", "count"),
    [("cut", 24, 1), ("cut", 48, 2), ("aligned", 24, 2), ("aligned", 16, 2), ("aligned", 8, 2)],
)
def test_positions_turn_what_is_kept_as_before(rotary, heads, size, count, tmp_path):
    """Far from position 0 too: `cut` keeps whole heads, `aligned` pairs of the right speed."""
    smaller = reduce_hidden(rotary, size, "truncate", heads)
    assert (smaller.config.hidden_size, smaller.config.num_attention_heads) == (size, count)
    smaller.save_pretrained(tmp_path)
    loaded = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    states = torch.randn(1, 500, 48, generator=torch.Generator().manual_seed(0))
    states[..., size:] = 0  # of the stream, the first dimensions stay
    kept = torch.arange(24)
    if heads == "aligned":
        kept = kept.unflatten(0, (2, 12))[:, :: 48 // size].flatten()
    for old, new, again in zip(*map(layers_of, (rotary, smaller, loaded)), strict=True):
        before = [part[:count][..., kept] for part in asked_and_offered(old, states)]
        for one in (new, again):
            after = asked_and_offered(one, states[..., :size])
            for left, right in zip(before, after, strict=True):
                torch.testing.assert_close(right, left, rtol=1e-4, atol=1e-4)
        rows = (torch.arange(count)[:, None] * 24 + kept).flatten()
        assert torch.equal(new.attn.Wo.weight, old.attn.Wo.weight[:size, rows])
        assert torch.equal(new.mlp.Wi.weight, old.mlp.Wi.weight[:, :size])
        assert torch.equal(new.mlp.Wo.weight, old.mlp.Wo.weight[:size])
        assert torch.equal(new.mlp_norm.weight, old.mlp_norm.weight[:size])
    assert torch.equal(smaller.head.dense.weight, rotary.head.dense.weight[:size, :size])
    assert torch.equal(smaller.decoder.bias, rotary.decoder.bias)
    assert torch.equal(loaded(ids := torch.arange(1, 30)[None]).logits, smaller(ids).logits)


@pytest.mark.parametrize("method", get_args(Method))
def test_methods_on_a_model_with_rotary_positions(rotary, method):
    ids = torch.randint(1, 30, (2, 20), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    measured = stream(rotary, [(ids, mask, mask == 0)])
    smaller, same = (reduce_hidden(rotary, size, method, "cut", measured) for size in (24, 48))
    assert smaller(ids, mask).logits.isfinite().all()
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight
    if method in ("truncate", "svd", "activations"):
        assert torch.equal(same(ids, mask).logits, rotary(ids, mask).logits)


def test_a_stream_that_is_normalised_within_layers_is_measured_as_they_see_it(rotary):
    """A layer that writes more does not weigh more."""
    ids = torch.randint(1, 30, (2, 20), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    measured = stream(rotary, [(ids, mask, mask == 0)])
    states = rotary(ids, mask, output_hidden_states=True).hidden_states
    rows = [one[mask.bool()] for one in states]
    rows = [
        (one - one.mean(1, keepdim=True)) / one.std(1, keepdim=True, correction=0) for one in rows
    ]
    expected = sum(one.abs().mean(0) for one in rows).double()
    torch.testing.assert_close(measured.magnitudes, expected, rtol=1e-3, atol=1e-4)
    moments = sum((one.T @ one / one.square().sum()).double() for one in rows)
    torch.testing.assert_close(measured.moments, moments, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "heads", "words"),
    [
        (36, "cut", "does not keep whole attention heads.*multiple of 24, or with .* give 4 or 8"),
        (36, "aligned", "turn at other speeds; with heads 'aligned' give 4 or 8 or 12 or 16 or 24"),
        (24, "low_rank", "'low_rank' changes the basis of queries and keys.*; use cut or aligned"),
    ],
)
def test_heads_that_rotary_positions_do_not_allow_are_refused(rotary, size, heads, words):
    with pytest.raises(UserError, match=words):
        reduce_hidden(rotary, size, "truncate", heads)


@pytest.mark.parametrize("method", get_args(Method))
def test_script_writes_a_stock_checkpoint_with_the_same_bytes_twice(
    script, parent, model, inputs, store, method, tmp_path
):
    for name in ("a", "b"):
        arguments = ["--parent", parent, "--out", tmp_path / name, "--size", 12]
        arguments += ["--validation", tmp_path / "tokens"] if method in OF_TEXT else []
        message = script("reduce_hidden", *arguments, "--method", method, "--heads", "aligned")
        assert message is None
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == sorted([*FILES, PROVENANCE])
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    loaded = load_model(tmp_path / "a")
    assert loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
    measured = stream(model, validation_batches(model, store, longest_input(model.config)))
    expected = reduce_hidden(model, 12, method, "aligned", measured)(**inputs).logits
    torch.testing.assert_close(loaded(**inputs).logits, expected, rtol=1e-5, atol=1e-6)
    assert AutoModel.from_pretrained(tmp_path / "a").config.hidden_size == 12
    stock = AutoModelForMaskedLM.from_pretrained(tmp_path / "a").eval()
    assert torch.equal(stock(**inputs).logits, loaded(**inputs).logits)


def test_script_says_in_one_line_what_is_wrong(script, tiny_checkpoint, tmp_path):
    arguments = ["--parent", tiny_checkpoint("bert"), "--out", tmp_path / "x", "--size", 13]
    message = script("reduce_hidden", *arguments)
    assert message.startswith("error: hidden size 13 is not divisible")
    assert "\n" not in message
    assert not list(tmp_path.iterdir())
