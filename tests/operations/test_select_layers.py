import pytest
import torch
from tiny_models import DIFFERENT, randomise
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    ModernBertConfig,
    ModernBertForMaskedLM,
)

from monoglot.checkpoints import EMBEDDINGS, FILES, load_model
from monoglot.errors import UserError
from monoglot.operations.select_layers import (
    STRATEGIES,
    layers_kept,
    select_layers,
    strategies,
)
from monoglot.operations.surgery import family_of, layers_of
from monoglot.provenance import NAME as PROVENANCE


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.mark.parametrize(
    ("strategy", "layers", "count", "kept"),
    [
        ("first_k", 12, 6, [0, 1, 2, 3, 4, 5]),
        ("last_k", 12, 6, [6, 7, 8, 9, 10, 11]),
        ("stride", 12, 6, [0, 2, 4, 6, 8, 10]),
        ("first_last_k", 12, 6, [0, 1, 2, 9, 10, 11]),
        ("stride", 12, 5, [0, 2, 4, 7, 9]),
        ("first_last_k", 12, 5, [0, 1, 2, 10, 11]),
        ("first_last_k", 4, 1, [0]),
        ("last_k", 4, 4, [0, 1, 2, 3]),
        ("stride", 4, 4, [0, 1, 2, 3]),
        ("random", 12, 6, None),
    ],
)
def test_layers_kept(strategy, layers, count, kept):
    assert layers_kept(layers, count, strategy) == kept


@pytest.mark.parametrize("strategy", ["first_k", "last_k", "stride", "first_last_k"])
def test_every_tensor_is_the_parents(model, strategy):
    if strategy not in strategies(model.config, 2):
        pytest.skip("the first layer must stay")
    smaller = select_layers(model, 2, strategy, seed=0)
    old, new = model.state_dict(), smaller.state_dict()
    prefix = f"{model.base_model_prefix}.{family_of(model.config).layers}"
    renamed = {
        name.replace(f"{prefix}.{index}.", f"{prefix}.{kept}.", 1): (name, tensor)
        for index, kept in enumerate(layers_kept(4, 2, strategy))
        for name, tensor in new.items()
        if name.startswith(f"{prefix}.{index}.")
    }
    others = {name: (name, t) for name, t in new.items() if not name.startswith(prefix)}
    assert len(renamed) + len(others) == len(new)
    for name, (_, tensor) in {**renamed, **others}.items():
        assert torch.equal(tensor, old[name]), name


def test_keeping_all_layers_keeps_the_outputs(model, inputs):
    same = select_layers(model, 4, "stride", seed=0)
    assert torch.equal(same(**inputs).logits, model(**inputs).logits)


def test_the_parent_stays_as_it_is(model):
    smaller = select_layers(model, 2, "stride", seed=0)
    with torch.no_grad():
        for parameter in smaller.parameters():
            parameter.zero_()
    layers = layers_of(model)
    assert model.config.num_hidden_layers == len(layers) == 4
    assert all(parameter.abs().sum() > 0 for parameter in model.parameters())


def test_random_draws_every_weight_anew_from_the_seed(model):
    first, again, other = (select_layers(model, 2, "random", seed) for seed in (1, 1, 2))
    assert first.config.num_hidden_layers == 2
    states = [m.state_dict() for m in (first, again, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    words = next(name for name in states[0] if name.endswith(EMBEDDINGS))
    assert not torch.equal(states[0][words], states[2][words])
    assert not torch.equal(states[0][words], model.state_dict()[words])
    # ModernBERT draws from a normal distribution that is cut off at two standard deviations.
    width = 0.88 if model.config.model_type == "modernbert" else 1
    expected = width * model.config.initializer_range
    assert states[0][words].std() == pytest.approx(expected, rel=0.1)


def test_random_leaves_the_global_generator_alone(model):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    select_layers(model, 2, "random", seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_decoder_stays_tied(model, strategy):
    if strategy not in ("random", *strategies(model.config, 3)):
        pytest.skip("the first layer must stay")
    smaller = select_layers(model, 3, strategy, seed=0)
    assert smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight


@pytest.mark.parametrize(
    ("count", "strategy", "words"),
    [
        (5, "stride", "cannot keep 5 layers of a model with 4; give a number from 1 to 4"),
        (5, "random", "cannot keep 5 layers"),
    ],
)
def test_bad_arguments_are_refused(model, count, strategy, words):
    with pytest.raises(UserError, match=words):
        select_layers(model, count, strategy, seed=0)


def modernbert(layers, every=3):
    """A model whose layers have numbers to be told by, and see two tokens away or everything."""
    shape = {"hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 8}
    model = ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=30,
            num_hidden_layers=layers,
            global_attn_every_n_layers=every,
            local_attention=4,
            pad_token_id=0,
            **shape,
        )
    )
    randomise(model)
    return model.eval()


@pytest.mark.parametrize(
    ("layers", "count", "strategy", "every"),
    [
        (22, 11, "first_k", 3),
        (22, 11, "stride", 3),
        (22, 4, "first_last_k", 3),
        (7, 3, "first_last_k", 2),
        (10, 4, "stride", 4),
        (22, 6, "first_last_k", 5),
        (9, 3, "stride", 1),
        (4, 2, "stride", 3),
        (6, 1, "first_k", 3),
    ],
)
def test_layers_of_two_kinds_stay_what_they_were(layers, count, strategy, every, tmp_path):
    """Global layers see everything and turn their heads more slowly, also once loaded again."""
    model = modernbert(layers)
    smaller = select_layers(model, count, strategy, seed=0)
    assert smaller.config.global_attn_every_n_layers == every
    kept = layers_kept(layers, count, strategy)
    smaller.save_pretrained(tmp_path)
    loaded = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    for made in (smaller, loaded):
        for index, layer in zip(kept, layers_of(made), strict=True):
            old = layers_of(model)[index].attn
            assert (
                layer.attn.local_attention
                == old.local_attention
                == ((-1, -1), (2, 2))[index % 3 > 0]
            )
            assert torch.equal(layer.attn.rotary_emb.inv_freq, old.rotary_emb.inv_freq)
    ids = torch.randint(1, 30, (2, 9), generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(ids).logits, smaller(ids).logits)
    states = [model.model.embeddings(ids)]  # layer by layer, by the parent's own modules
    place = torch.arange(9)
    far = ((place[:, None] - place).abs() > 2) * torch.finfo(torch.float32).min
    for index in kept:
        masks = {"attention_mask": far[None, None] * 0, "sliding_window_mask": far[None, None]}
        states.append(layers_of(model)[index](states[-1], position_ids=place[None], **masks)[0])
    expected = model.decoder(model.head(model.model.final_norm(states[-1])))
    torch.testing.assert_close(smaller(ids).logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "count", "strategy", "words"),
    [
        (22, 11, "last_k", r"cannot keep layers 11, .*the first layer, which has no norm before"),
        (22, 9, "stride", r"global layers are not evenly apart, .*; with 9 layers, use first_k$"),
        (22, 8, "first_last_k", r"cannot keep layers 0, 1, 2, 3, 18, .*, use first_k or stride$"),
    ],
)
def test_other_choices_of_layers_of_two_kinds_are_refused(layers, count, strategy, words):
    with pytest.raises(UserError, match=words):
        select_layers(modernbert(layers), count, strategy, seed=0)


def test_script_writes_a_stock_checkpoint_with_the_same_bytes_twice(
    script, parent, model, inputs, tmp_path
):
    for name in ("a", "b"):
        arguments = ["--parent", parent, "--out", tmp_path / name, "--layers", 2]
        message = script("select_layers", *arguments, "--strategy", "stride")
        assert message is None
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == sorted([*FILES, PROVENANCE])
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    expected = select_layers(model, 2, "stride", seed=0)(**inputs).logits
    assert torch.equal(load_model(tmp_path / "a")(**inputs).logits, expected)
    assert AutoModel.from_pretrained(tmp_path / "a").config.num_hidden_layers == 2
    assert AutoModelForMaskedLM.from_pretrained(tmp_path / "a").num_parameters() > 0
    assert len(AutoTokenizer.from_pretrained(tmp_path / "a")) == model.config.vocab_size


def test_script_says_in_one_line_what_is_wrong(script, tiny_checkpoint, tmp_path):
    arguments = ["--parent", tiny_checkpoint("bert"), "--out", tmp_path / "x"]
    message = script("select_layers", *arguments, "--layers", 9, "--strategy", "stride")
    assert message == "error: cannot keep 9 layers of a model with 4; give a number from 1 to 4"
    assert not list(tmp_path.iterdir())
