"""Heads in their singular directions: the same function, and the best cut."""

import copy

import pytest
import torch

from monoglot.operations.reduce_hidden import reduce_hidden
from monoglot.operations.surgery import kept_dimensions, principal_heads


def with_weights(model, tensors):
    changed = copy.deepcopy(model)
    changed.load_state_dict(model.state_dict() | tensors)
    return changed


def products(layer, head, width):
    """The two products that a head is seen through, [24 + 1, 24 + 1] and [24, 24 + 1]."""
    rows = slice(head * width, (head + 1) * width)
    query, key, value = (
        torch.cat([dense.weight[rows], dense.bias[rows, None]], 1).double()
        for dense in (layer.self.query, layer.self.key, layer.self.value)
    )
    return query.T @ key, layer.output.dense.weight[:, rows].double() @ value


def test_which_dimensions_stay():
    assert kept_dimensions("cut", 4, 24, 12).tolist() == list(range(12))
    aligned = [0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20]
    assert kept_dimensions("aligned", 4, 24, 12).tolist() == aligned
    assert kept_dimensions("low_rank", 4, 24, 12).tolist() == aligned


def test_singular_directions_of_heads_keep_the_outputs(model, inputs):
    rotated = principal_heads(model, 24)
    assert len(rotated) == 4 * 7
    assert not torch.allclose(rotated[(name := next(iter(rotated)))], model.state_dict()[name])
    same = with_weights(model, rotated)
    torch.testing.assert_close(same(**inputs).logits, model(**inputs).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("product", [0, 1])
def test_a_narrower_head_is_the_best_approximation_of_its_rank(model, product):
    """By an SVD of the whole product; queries make up for the softmax's new scale."""
    config = model.config
    rotated = with_weights(model, principal_heads(model, 12))
    kept = kept_dimensions("low_rank", 4, 24, 12)
    for before, after in zip(
        model.base_model.encoder.layer, rotated.base_model.encoder.layer, strict=True
    ):
        attention = after.attention
        for dense in (attention.self.query, attention.self.key, attention.self.value):
            dense.weight = torch.nn.Parameter(dense.weight[kept])
            dense.bias = torch.nn.Parameter(dense.bias[kept])
        mixing = attention.output.dense
        mixing.weight = torch.nn.Parameter(mixing.weight[:, kept])
        for head in range(config.num_attention_heads):
            whole = products(before.attention, head, 6)[product]
            u, s, v = torch.linalg.svd(whole)
            best = u[:, :3] @ torch.diag(s[:3]) @ v[:3]
            scale = (12 / 24) ** 0.5 if product == 0 else 1
            found = products(attention, head, 3)[product]
            torch.testing.assert_close(found, scale * best, rtol=1e-3, atol=1e-6)


def test_heads_that_are_narrow_in_disguise_lose_nothing(model, inputs):
    """Rank 3 of 6 in a rotated basis, hidden size as it is: only `low_rank` finds it."""
    basis = torch.linalg.qr(torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0))).Q
    flat = torch.block_diag(*(b @ b.T for b in basis))  # projects every head onto 3 directions
    with torch.no_grad():
        for layer in model.base_model.encoder.layer:
            for dense in (layer.attention.self.query, layer.attention.self.value):
                dense.weight.copy_(flat @ dense.weight)
                dense.bias.copy_(flat @ dense.bias)
            # The stream's last half is silent, so that truncating it loses nothing either.
            for dense in (layer.attention.self.query, layer.attention.self.key):
                dense.weight[:, 12:] = 0
    layer = model.base_model.encoder.layer[0].attention
    hidden = torch.randn(2, 5, 24, generator=torch.Generator().manual_seed(1))
    smaller = reduce_hidden(model, 12, "truncate", "low_rank")
    narrow = smaller.base_model.encoder.layer[0].attention
    with torch.no_grad():
        layer.self.value.weight[:, 12:] = 0
        expected = layer.output.dense(layer.self(hidden)[0])[..., :12]
        found = narrow.output.dense(narrow.self(hidden[..., :12])[0])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
