import pytest
import torch
from torch.nn import functional as F

from monoglot.evaluate.packed import FrozenLinear, Pad, Select
from monoglot.training import matmul


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("shape", [(2, 7, 26), (1, 0, 26), (3, 26)])
def test_a_frozen_layer_is_a_linear_layer(monkeypatch, shape, onednn):
    monkeypatch.setattr(matmul, "_available", onednn and matmul._available)
    draw = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(38, 26, generator=draw), torch.randn(38, generator=draw)
    x = torch.randn(shape, generator=draw, requires_grad=True)
    theirs = x.detach().clone().requires_grad_()
    out, expected = FrozenLinear(weight, bias)(x), F.linear(theirs, weight, bias)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    gradient = torch.randn(out.shape, generator=draw)
    out.backward(gradient)
    expected.backward(gradient)
    torch.testing.assert_close(x.grad, theirs.grad, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(
            FrozenLinear(weight, bias).gelu(x), F.gelu(expected), rtol=1e-5, atol=1e-5
        )


def test_a_gradient_in_any_layout_flows_back():
    layer = FrozenLinear(torch.randn(4, 6), torch.randn(4))
    x = torch.randn(1, 5, 6, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(1, 5, 6))


def test_select_is_index_select():
    x = torch.randn(2, 6, 3, requires_grad=True)
    theirs = x.detach().clone().requires_grad_()
    index = torch.tensor([4, 0, 3])
    weights = torch.randn(2, 3, 3)
    (Select.apply(x, index) * weights).sum().backward()
    (theirs.index_select(1, index) * weights).sum().backward()
    assert torch.equal(x.grad, theirs.grad)


def test_pad_is_index_select_where_padding_gets_no_gradient():
    x = torch.randn(1, 3, 2, requires_grad=True)
    theirs = x.detach().clone().requires_grad_()
    pad, places = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 2, 3])
    weights = torch.randn(1, 4, 2)
    weights[:, 1] = 0
    (Pad.apply(x, pad, places) * weights).sum().backward()
    (theirs.index_select(1, pad) * weights).sum().backward()
    assert torch.equal(x.grad, theirs.grad)


def test_in_bf16_a_frozen_layer_rounds_and_nothing_else():
    draw = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(38, 26, generator=draw), torch.randn(38, generator=draw)
    x = torch.randn(2, 7, 26, generator=draw, requires_grad=True)
    layer = FrozenLinear(weight, bias, torch.bfloat16)
    out = layer(x)
    rounded = [one.bfloat16().float() for one in (x.detach(), weight, bias)]
    torch.testing.assert_close(out, F.linear(*rounded), rtol=1e-2, atol=1e-2)
    gradient = torch.randn(out.shape, generator=draw)
    out.backward(gradient)
    assert out.dtype == x.grad.dtype == torch.float32
    expected = gradient.bfloat16().float() @ rounded[1]
    torch.testing.assert_close(x.grad, expected, rtol=1e-2, atol=2e-2)
    with torch.no_grad():
        torch.testing.assert_close(layer.gelu(x), F.gelu(out), rtol=1e-2, atol=1e-2)
