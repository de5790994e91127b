"""Products by oneDNN against those of torch, and which of the two is asked."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from monoglot.training import matmul

pytestmark = pytest.mark.skipif(not matmul._available, reason="this torch has no oneDNN")
M, N, K = 300, 400, 500  # 1.2e8 operations, just large enough


@pytest.fixture
def asked(monkeypatch) -> list[tuple[int, ...]]:
    """The shapes of weights that oneDNN is asked to multiply with."""
    real, shapes = matmul.onednn, []

    def watched(x, weight, *more):
        shapes.append(tuple(weight.shape))
        return real(x, weight, *more)

    monkeypatch.setattr(matmul, "onednn", watched)
    return shapes


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("transposed", [False, True])
def test_a_large_product_goes_to_onednn_in_any_layout(asked, transposed):
    left, right = random(M, K, seed=1), random(N, K, seed=2)
    if transposed:
        left, right = random(K, M, seed=1).T, random(K, N, seed=2).T
    bias = random(N, seed=3)
    expected = (left.double() @ right.double().T + bias).float()
    torch.testing.assert_close(matmul.product(left, right, bias), expected, rtol=1e-4, atol=1e-4)
    assert asked == [(N, K)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (random(8, 8), random(8, 8)),
        (random(M, K).double(), random(N, K).double()),
        (random(0, K), random(N, K)),
    ],
    ids=["small", "double", "empty"],
)
def test_other_products_stay_with_torch(asked, left, right):
    torch.testing.assert_close(matmul.product(left, right), left @ right.T)
    assert not asked


def test_a_product_is_added_block_by_block(monkeypatch):
    monkeypatch.setattr(matmul, "BLOCK", 7)
    total, left, right = random(20, 5, seed=1), random(20, 3, seed=2), random(5, 3, seed=3)
    expected = total - 0.5 * left @ right.T
    matmul.add_product(total, left, right, -0.5)
    torch.testing.assert_close(total, expected)


def test_an_inner_product_is_summed_block_by_block(monkeypatch):
    monkeypatch.setattr(matmul, "BLOCK", 7)
    left, right = random(20, 5, seed=1), random(20, 3, seed=2)
    torch.testing.assert_close(matmul.inner_product(left, right), left.T @ right)


def test_where_onednn_is_not_asked_nothing_is_cut_into_blocks(monkeypatch):
    """On a GPU each block would be kernels of its own; another precision stands for it here."""
    monkeypatch.setattr(matmul, "BLOCK", 7)
    total, left, right = random(20, 5).double(), random(20, 3).double(), random(5, 3).double()
    expected = total - 0.5 * left @ right.T
    with Operations() as operations:
        matmul.add_product(total, left, right, -0.5)
        found = matmul.inner_product(total, left)
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(found, total.T @ left)
    assert [name for name in operations.names if "mm" in name] == ["addmm_", "mm"]


class Operations(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


def test_a_matrix_with_gaps_is_copied(asked):
    left, right = random(M, 2 * K, seed=1)[:, K:], random(2 * K, N, seed=2)[K:].T
    torch.testing.assert_close(matmul.product(left, right), left @ right.T, rtol=1e-4, atol=1e-4)
    assert asked == [(N, K)]


@pytest.mark.parametrize("bias", [True, False])
def test_large_linear_layers_have_the_same_output_and_gradients(asked, bias):
    layer, x = nn.Linear(K, N, bias=bias), random(3, M, K).requires_grad_()
    inputs = [x, *layer.parameters()]
    gradient = random(3, M, N, seed=4)
    expected = layer(x)
    wanted = torch.autograd.grad(expected, inputs, gradient)
    with matmul.large_linear_layers():
        found = layer(x)
    assert asked == [(N, K)]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for mine, other in zip(torch.autograd.grad(found, inputs, gradient), wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)


def test_small_layers_and_those_under_autocast_are_left_alone(asked):
    with matmul.large_linear_layers():
        nn.Linear(4, 4)(random(2, 4))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert nn.Linear(K, N)(random(M, K)).dtype == torch.bfloat16
    assert not asked


def test_operations_of_onednn_are_counted():
    weight = nn.Parameter(random(N, K))
    with matmul.count_operations() as counter, matmul.large_linear_layers():
        F.linear(random(M, K).requires_grad_(), weight).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * M * N * K


@pytest.mark.parametrize("has_bf16", [False, True])
def test_bf16_is_fp32_on_processors_that_have_none(monkeypatch, caplog, has_bf16):
    monkeypatch.setattr(matmul, "_has_bf16", has_bf16)
    matmul._say_that_it_is_fp32.cache_clear()
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    taken = {matmul.usable("bf16", cpu) for _ in range(2)}
    assert taken == {"bf16" if has_bf16 else "fp32"}
    assert caplog.text.count("no instructions for bf16") == (not has_bf16)
    assert matmul.usable("bf16", gpu) == "bf16"
    assert matmul.usable("fp32", cpu) == matmul.usable("fp32", gpu) == "fp32"
