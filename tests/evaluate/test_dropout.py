import pytest
import torch

from monoglot.evaluate.packed import Dropout, keep_all

CPU = torch.device("cpu")


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5])
def test_each_element_is_dropped_with_probability_p_and_the_mean_stays(p):
    mask = Dropout(CPU, 1, 2).mask(p, torch.Size([1000, 400]))
    dropped = (mask == 0).double()
    noise = (p * (1 - p) / mask.numel()) ** 0.5
    assert abs(dropped.mean().item() - p) < 4 * noise
    assert mask.double().mean().item() == pytest.approx(1, abs=5 * noise / (1 - p))
    assert mask[mask > 0].unique().tolist() == pytest.approx([1 / (1 - p)], rel=1e-4)
    # Neighbours, in rows and in columns, are dropped independently.
    for left, right in ((dropped[:, 1:], dropped[:, :-1]), (dropped[1:], dropped[:-1])):
        assert abs((left * right).mean().item() - p * p) < 0.002


def test_masks_are_a_function_of_the_key_and_their_order():
    x = torch.ones(2, 5, 7)
    first, again, other = Dropout(CPU, 1, 2), Dropout(CPU, 1, 2), Dropout(CPU, 1, 3)
    one = first(x, 0.5)
    assert torch.equal(one, again(x, 0.5))
    assert not torch.equal(one, other(x, 0.5))
    assert not torch.equal(one, first(x, 0.5))


def test_seeds_share_a_mask():
    dropped = Dropout(CPU, 5)(torch.ones(3, 20, 4), 0.5)
    assert torch.equal(dropped[0], dropped[1])
    assert torch.equal(dropped[0], dropped[2])


def test_nothing_is_dropped_at_0_and_by_keep_all():
    x = torch.randn(1, 4, 4)
    assert Dropout(CPU, 1)(x, 0.0) is x
    assert keep_all(x, 0.9) is x
