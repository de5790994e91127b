import pytest
import torch
from packed_inputs import encoded

from monoglot.evaluate.encoding import IGNORED
from monoglot.evaluate.packed import Packing, _split

CPU = torch.device("cpu")


def test_a_batch_holds_every_token_once_in_the_order_of_lengths():
    data = encoded("tagging", 0)
    packing = Packing(data, 0, 0, 4, CPU)
    rows = torch.tensor([3, 0, 7, 5, 9])
    batch = packing.batch(rows[torch.argsort(data.lengths[rows])], packing.words)
    tokens = int(data.lengths[rows].sum())
    assert len(batch.ids) == len(batch.positions) == tokens + batch.filler
    assert len(batch.ids) % 32 == len(batch.wanted) % 32 == 0
    sorted_rows = sorted(rows.tolist(), key=lambda row: int(data.lengths[row]))
    expected = torch.cat([data.ids[row, : data.lengths[row]] for row in sorted_rows])
    assert torch.equal(batch.ids[:tokens], expected)
    read = len(batch.rows)
    assert read == (data.words[rows] >= 0).sum()
    assert torch.equal(data.ids[batch.rows, batch.columns], batch.ids[batch.wanted[:read]])
    assert torch.equal(data.labels[batch.rows, batch.columns], batch.labels[:read])
    assert (batch.labels[read:] == IGNORED).all()
    assert len(batch.wanted.unique()) == len(batch.wanted) == len(batch.labels)


def test_groups_pad_and_unpad():
    data = encoded("tagging", 0, 20)
    packing = Packing(data, 0, 0, 200, CPU)
    rows = torch.argsort(data.lengths)
    batch = packing.batch(rows, packing.words)
    assert len(batch.groups) > 1
    start = 0
    for group in batch.groups:
        tokens = batch.ids[start : start + group.tokens]
        start += group.tokens
        if group.pad is None:
            assert group.tokens == group.sequences * group.length
            continue
        padded = tokens[group.pad]
        assert torch.equal(padded[group.places], tokens)
        inside = (group.bias == 0).flatten()
        assert torch.equal(inside.nonzero().squeeze(1), group.places)
    assert start + batch.filler == len(batch.ids)


@pytest.mark.parametrize(
    ("waste", "expected"),
    [(0, [2, 1, 1, 1]), (13, [1, 2, 2]), (23, [1, 2, 2]), (24, [3, 2]), (1e9, [5])],
)
def test_groups_are_of_like_length(waste, expected):
    cut = _split(torch.tensor([2, 2, 4, 6, 7]), waste)
    assert torch.equal(torch.cat(cut), torch.tensor([2, 2, 4, 6, 7]))
    assert list(map(len, cut)) == expected


def test_parts_of_a_batch_stay_below_the_cap_unless_one_text_is_longer():
    data = encoded("classification", 0, 30)
    packing = Packing(data, 0, 0, 4, CPU)
    parts = packing.batches(torch.randperm(30), 25)
    assert sorted(torch.cat([part.rows for part in parts]).tolist()) == list(range(30))
    assert all(len(part.ids) - part.filler <= 25 for part in parts)
    assert len(packing.batches(torch.arange(30), 1)) == 30
    assert sorted(torch.cat(list(packing.by_length(10**6))).tolist()) == list(range(30))


def test_positions_of_xlmr_skip_padding_within_a_text():
    data = encoded("classification", 1)
    data.ids[0, 1] = 1
    packing = Packing(data, 1, 2, 4, CPU)
    batch = packing.batch(torch.tensor([0]), packing.words)
    length = int(data.lengths[0])
    expected = [2, 1, *range(3, length + 1)]
    assert batch.positions[:length].tolist() == expected


def test_a_text_without_tokens_is_read_as_one_of_padding():
    data = encoded("classification", 0)
    data.lengths[2] = 0
    batch = Packing(data, 0, 0, 4, CPU).batch(torch.tensor([2, 0]), data.ids >= 0)
    assert len(batch.ids) - batch.filler == 1 + data.lengths[0]
