"""What a change of basis keeps exactly, and what it approximates."""

import copy

import pytest
import torch

from monoglot.errors import UserError
from monoglot.operations import reduce_hidden as operation
from monoglot.operations import surgery
from monoglot.operations.importance import stream
from monoglot.operations.reduce_hidden import reduce_hidden
from monoglot.operations.surgery import Basis, gram, leading_basis


@pytest.fixture(params=["bert", "xlm-roberta", "electra", "deberta-v2"])
def family(request):
    return request.param


def embeddings(rows=50, columns=24):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(5)) + 0.3


def equal_gains(model):
    """Every LayerNorm's gains become their mean: then only, LayerNorm passes a rotation."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("LayerNorm.weight", "layer_norm.weight")):
                parameter.fill_(parameter.mean().item())
    return model


def states(model, inputs):
    """The encoder's last hidden states, where there is no padding."""
    with torch.no_grad():
        hidden = model.base_model(**inputs).last_hidden_state
    return hidden[inputs["attention_mask"].bool()]


def test_gram_matrix_is_that_of_all_rows(monkeypatch):
    monkeypatch.setattr("monoglot.operations.surgery.ROWS", 7)
    weight = embeddings()
    torch.testing.assert_close(gram(weight), weight.double().T @ weight.double())


@pytest.mark.parametrize("size", [1, 2, 12, 24])
def test_directions_are_the_leading_ones_by_a_plain_svd(size):
    weight = embeddings().double()
    basis = leading_basis(gram(weight.float()), size)
    directions = basis.directions
    assert directions.shape == (24, size)
    torch.testing.assert_close(directions.T @ directions, torch.eye(size, dtype=torch.float64))
    # The uniform direction of the one basis is that of the other.
    mean = directions @ torch.ones(size, dtype=torch.float64) / size**0.5
    torch.testing.assert_close(mean, torch.full((24,), 24**-0.5, dtype=torch.float64))
    # What lies in the span is the best approximation, with the same share of the variance.
    centred = weight - weight.mean(1, keepdim=True)
    u, s, v = torch.linalg.svd(centred, full_matrices=False)
    best = u[:, : size - 1] @ torch.diag(s[: size - 1]) @ v[: size - 1]
    torch.testing.assert_close(centred @ directions @ directions.T, best, rtol=1e-5, atol=1e-6)
    share = (s[: size - 1].square().sum() / s.square().sum()).item()
    assert basis.share == pytest.approx(share, abs=1e-7)


def test_layer_norm_commutes_with_the_basis_up_to_its_gains():
    """With equal gains and a stream within the span, LayerNorm in either basis is the same."""
    weight = embeddings(rows=10)  # rank 10, so that 11 directions hold it with its mean
    basis = leading_basis(gram(weight), 12)
    assert basis.share == pytest.approx(1)
    gains, bias = torch.full((24,), 1.7), torch.linspace(-1, 1, 24)
    wide = torch.nn.functional.layer_norm(weight, (24,), gains, bias, 1e-12)
    narrow = torch.nn.functional.layer_norm(
        basis.project(weight, 1), (12,), basis.gains(gains), basis.project(bias, 0), 1e-12
    )
    torch.testing.assert_close(narrow, basis.project(wide, 1), rtol=1e-4, atol=1e-5)


def test_gains_are_the_least_squares_ones():
    basis = leading_basis(gram(embeddings()), 12)
    gains = torch.linspace(0.5, 2, 24)
    matrix = basis.directions.T * gains.double()  # P' diag(g), to be met by diag(g') P'
    naive = [
        torch.linalg.lstsq(column[:, None], row[:, None]).solution.item()
        for column, row in zip(basis.directions.T, matrix, strict=True)
    ]
    shrink = (basis.share * 24 / 12) ** 0.5
    torch.testing.assert_close(basis.gains(gains), shrink * torch.tensor(naive))


def test_a_permutation_of_the_stream_keeps_the_model(model, inputs, monkeypatch):
    order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
    permutation = Basis(torch.eye(24, dtype=torch.float64)[:, order], 1.0)
    monkeypatch.setattr(surgery, "leading_basis", lambda *_: permutation)
    same = reduce_hidden(model, 24, "projection")
    first = same.get_input_embeddings().weight
    assert torch.equal(first, model.get_input_embeddings().weight[:, order])
    torch.testing.assert_close(same(**inputs).logits, model(**inputs).logits, rtol=1e-4, atol=1e-5)


def test_a_rotation_of_the_stream_rotates_the_encoder_if_gains_are_equal(model, inputs):
    model = equal_gains(model)
    basis = leading_basis(gram(model.get_input_embeddings().weight.detach()), 24)
    rotated = states(reduce_hidden(model, 24, "projection"), inputs)
    torch.testing.assert_close(
        rotated, basis.project(states(model, inputs), 1), rtol=1e-3, atol=1e-4
    )


def lifted(model):
    """A model of hidden size 48 that is `model`, of 24, in disguise.

    The stream lies in 24 of 48 dimensions, rotated; every head is six wide in a space of twelve.
    """
    config = copy.deepcopy(model.config)
    surgery.set_hidden_size(config, 48)
    large = type(model)(config).eval()
    generator = torch.Generator().manual_seed(4)
    random = torch.randn(48, 24, generator=generator, dtype=torch.float64)
    random -= random.mean(0)
    uniform = torch.ones(48, 1, dtype=torch.float64) / 48**0.5
    columns = torch.linalg.qr(torch.cat([uniform, random], 1)).Q[:, :24]
    # Uniform to uniform, as `leading_basis` has it, so that means stay means.
    start = torch.linalg.qr(
        torch.cat([torch.ones(24, 1), torch.randn(24, 23, generator=generator)], 1).double()
    ).Q
    start *= (start[0, 0] * columns[0, 0]).sign()
    lift = Basis((columns @ start.T).T.contiguous(), 1.0)  # [24, 48]: up instead of down
    rows = torch.arange(48).unflatten(0, (4, 12))[:, :6].flatten()
    with torch.no_grad():
        for name, target in large.named_parameters():
            source = model.get_parameter(name)
            scale = 2**0.5 if ".query" in name else 1  # the softmax divides by sqrt(12), not 6
            if "attention.self" in name:
                wide = lift.project(source, 1) if source.dim() == 2 else source
                target.zero_()[rows] = scale * wide
            elif "attention.output.dense.weight" in name:
                target.zero_()[:, rows] = lift.project(source, 0)
            elif name.endswith(("LayerNorm.weight", "layer_norm.weight")):
                target.fill_(source[0] / 2**0.5)  # the same length in twice the dimensions
            else:
                target.copy_(operation._narrowed(name, source, torch.arange(24), lift, 24))
    return large


def test_a_small_model_in_disguise_is_found_again(model, inputs):
    """Embeddings, attention, FFN and LayerNorm: nothing of the encoder is lost."""
    model = equal_gains(model)
    large = lifted(model)
    basis = leading_basis(gram(large.get_input_embeddings().weight.detach()), 24)
    assert basis.share == pytest.approx(1)
    wide = states(large, inputs)
    assert wide.norm(dim=1).allclose(states(model, inputs).norm(dim=1), rtol=1e-4)
    assert torch.linalg.matrix_rank(wide - wide.mean(1, keepdim=True), atol=1e-4) < 24
    found = states(reduce_hidden(large, 24, "projection", "low_rank"), inputs)
    torch.testing.assert_close(found, basis.project(wide, 1), rtol=1e-3, atol=1e-4)
    cut = states(reduce_hidden(large, 24, "projection", "cut"), inputs)
    assert not torch.allclose(cut, found, atol=0.1)


def layers(model, inputs):
    """The hidden states of every layer, the embeddings first, where there is no padding."""
    with torch.no_grad():
        found = model.base_model(**inputs, output_hidden_states=True).hidden_states
    return [layer[inputs["attention_mask"].bool()].double() for layer in found]


def test_the_stream_is_measured_in_every_layer_and_without_padding(model, inputs, batches):
    found = stream(model, batches * 2)
    moments, magnitudes = 0, 0
    for layer in layers(model, inputs):
        rows = layer - layer.mean(1, keepdim=True)
        moments = moments + rows.T @ rows / rows.square().sum()
        magnitudes = magnitudes + layer.abs().mean(0)
    torch.testing.assert_close(found.moments, moments)
    torch.testing.assert_close(found.magnitudes, magnitudes)
    with pytest.raises(UserError, match="no token"):
        stream(model, [])


def test_a_small_model_in_disguise_is_found_in_its_hidden_states(model, inputs, batches):
    model = equal_gains(model)
    large = lifted(model)
    narrow = reduce_hidden(large, 24, "hidden_states", "low_rank", stream(large, batches))
    found, wide = states(narrow, inputs), states(large, inputs)
    torch.testing.assert_close(found @ found.T, wide @ wide.T, rtol=1e-3, atol=1e-3)


def test_of_a_stream_that_embeddings_do_not_show_hidden_states_keep_more(model, inputs, batches):
    """Layers that write where no embedding points, as those of real encoders do."""
    model = equal_gains(model)
    with torch.no_grad():
        words = model.get_input_embeddings().weight
        words[:, 12:] = 0.01 * words[:, :12]
    wide = states(model, inputs).double()
    wide = wide - wide.mean(1, keepdim=True)

    def kept(moments):
        directions = leading_basis(moments, 12).directions
        return ((wide @ directions).square().sum() / wide.square().sum()).item()

    assert kept(stream(model, batches).moments) > kept(gram(words.detach())) + 0.02


def test_the_dimensions_that_are_largest_on_text_stay(model, batches):
    """A permuted stream is cut to the same model, whichever dimensions it has first."""
    order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
    permutation = Basis(torch.eye(24, dtype=torch.float64)[:, order], 1.0)
    magnitudes = stream(model, batches).magnitudes
    expected = magnitudes.argsort(descending=True)[:12].sort().values
    narrow = reduce_hidden(model, 12, "activations", "cut", stream(model, batches))
    words = model.get_input_embeddings().weight
    assert torch.equal(narrow.get_input_embeddings().weight, words[:, expected])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surgery, "leading_basis", lambda *_: permutation)
        permuted = reduce_hidden(model, 24, "projection")
    other = reduce_hidden(permuted, 12, "activations", "cut", stream(permuted, batches))
    mine, others = (m.get_input_embeddings().weight.sort(1).values for m in (narrow, other))
    torch.testing.assert_close(mine, others)


@pytest.fixture
def some_batches(model):
    """Return `some_batches(seed)`: two batches of random ids, the second row of each padded."""

    def make(seed):
        generator = torch.Generator().manual_seed(seed)
        mask = torch.ones(12, 20, dtype=torch.int64)
        mask[1, 11:] = 0
        made = []
        for _ in range(2):
            ids = torch.randint(5, 70, mask.shape, generator=generator)
            ids[mask == 0] = model.config.pad_token_id
            made.append((ids, mask, mask * 0))
        return made

    return make


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "distilbert"], indirect=True)
@pytest.mark.parametrize("method", ["hidden_states", "activations"])
def test_refitted_layer_norms_come_closer_to_the_parents_states(model, some_batches, method):
    """On ids that nothing was fitted to; other weights are as they were."""
    measured = stream(model, some_batches(1))
    how = (12, method, "low_rank", measured)
    plain, refitted = (reduce_hidden(model, *how, refit) for refit in (None, some_batches(1)))
    kept = operation._stream(model, 12, method, measured)

    def distance(smaller):
        apart = []
        for ids, mask, _ in some_batches(2):
            given = {"input_ids": ids, "attention_mask": mask}
            apart.append(states(smaller, given) - kept.project(states(model, given), 1))
        return torch.cat(apart).square().mean().item()

    assert distance(refitted) < 0.9 * distance(plain)
    norms = {name for name, one in plain.named_modules() if isinstance(one, torch.nn.LayerNorm)}
    assert len(norms) == 1 + 2 * 4 + 1
    for name, weight in plain.named_parameters():
        changed = not torch.equal(weight, refitted.get_parameter(name))
        assert changed == (name.rpartition(".")[0] in norms), name


def seen_by(model, name, batches):
    """What a module of a model is given and makes of it, without padding."""
    rows = []
    hook = model.get_submodule(name).register_forward_hook(
        lambda _, inputs, output: rows.append((inputs[0], output))
    )
    with torch.no_grad():
        for ids, mask, _ in batches:
            model(input_ids=ids, attention_mask=mask)
    hook.remove()
    present = [mask.bool() for _, mask, _ in batches]
    return [
        torch.cat(
            [one[mask] if one.dim() > 2 else one for one, mask in zip(both, present, strict=True)]
        )
        for both in zip(*rows, strict=True)
    ]


def test_each_layer_norm_is_refitted_by_least_squares_after_those_before_it(model, some_batches):
    batches = some_batches(1)
    measured = stream(model, batches)
    kept = leading_basis(measured.moments, 12)
    refitted = reduce_hidden(model, 12, "hidden_states", "low_rank", measured, batches)
    for name, norm in refitted.named_modules():
        if not isinstance(norm, torch.nn.LayerNorm):
            continue
        given, _ = seen_by(refitted, name, batches)
        _, made = seen_by(model, name, batches)
        x = torch.nn.functional.layer_norm(given, (12,), eps=norm.eps).double()
        y = kept.project(made, 1).double()
        for i in range(12):
            design = torch.stack([x[:, i], torch.ones(len(x))], 1)
            line = torch.linalg.lstsq(design, y[:, i : i + 1]).solution[:, 0]
            found = torch.stack([norm.weight[i], norm.bias[i]]).detach().double()
            torch.testing.assert_close(found, line, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", ["hidden_states", "activations"])
def test_at_the_parents_size_refitting_changes_nothing(model, some_batches, inputs, method):
    """The model is the parent then, or with equal gains the parent in another basis."""
    if method == "hidden_states":
        model = equal_gains(model)
    batches = some_batches(1)
    how = (24, method, "cut", stream(model, batches))
    plain, refitted = (reduce_hidden(model, *how, refit) for refit in (None, batches))
    torch.testing.assert_close(
        states(refitted, inputs), states(plain, inputs), rtol=1e-3, atol=1e-4
    )


def test_a_dimension_that_does_not_vary_keeps_its_gain():
    norm = torch.nn.LayerNorm(2)
    with torch.no_grad():
        norm.weight.fill_(3)
    x = torch.tensor([[0.5, 1.0], [0.5, 2.0], [0.5, 4.0]]).double()
    y = torch.tensor([[1.0, 3.0], [2.0, 5.0], [3.0, 9.0]]).double()
    operation._fit(norm, torch.stack([torch.ones_like(x), x, y, x * x, x * y]).sum(1))
    torch.testing.assert_close(norm.weight.detach(), torch.tensor([3.0, 2.0]))
    torch.testing.assert_close(norm.bias.detach(), torch.tensor([0.5, 1.0]))


def test_methods_that_look_at_no_text_have_none_to_refit_on(model, batches):
    with pytest.raises(UserError, match="'refit' needs a method that looks at text, hidden_states"):
        reduce_hidden(model, 12, "truncate", refit=batches)


@pytest.mark.parametrize("method", ["hidden_states", "activations"])
def test_methods_that_look_at_text_need_some(model, method):
    with pytest.raises(UserError, match=f"method '{method}' looks at hidden states on text"):
        reduce_hidden(model, 12, method)
