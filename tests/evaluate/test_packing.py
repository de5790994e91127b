import pytest
import torch
from packed_inputs import encoded

from monoglot.evaluate.packing import Packing, _split

CPU = torch.device("cpu")


def test_a_batch_holds_every_token_once_in_the_order_of_lengths():
    data = encoded("tagging", 0)
    packing = Packing(data, 0, 0, CPU)
    rows = torch.tensor([3, 0, 7, 5, 9])
    batch = packing.batch(rows[torch.argsort(data.lengths[rows])], packing.words)
    assert len(batch.ids) == data.lengths[rows].sum() == len(batch.positions)
    sorted_rows = sorted(rows.tolist(), key=lambda row: int(data.lengths[row]))
    expected = torch.cat([data.ids[row, : data.lengths[row]] for row in sorted_rows])
    assert torch.equal(batch.ids, expected)
    assert torch.equal(data.ids[batch.rows, batch.columns], batch.ids[batch.wanted])
    assert torch.equal(data.labels[batch.rows, batch.columns], batch.labels)


def test_groups_pad_and_unpad():
    data = encoded("tagging", 0, 20)
    packing = Packing(data, 0, 0, CPU)
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
    assert start == len(batch.ids)


@pytest.mark.parametrize(("spread", "parts"), [(1.0, 4), (1.5, 3), (2.0, 2), (float("inf"), 1)])
def test_groups_are_of_like_length(spread, parts):
    cut = list(_split(torch.tensor([2, 2, 4, 6, 7]), spread))
    assert torch.equal(torch.cat(cut), torch.tensor([2, 2, 4, 6, 7]))
    assert len(cut) == parts
    assert all(part[-1] <= spread * part[0] for part in cut)


def test_parts_of_a_batch_stay_below_the_cap_unless_one_text_is_longer():
    data = encoded("classification", 0, 30)
    packing = Packing(data, 0, 0, CPU)
    parts = packing.batches(torch.randperm(30), 25)
    assert sorted(torch.cat([part.rows for part in parts]).tolist()) == list(range(30))
    assert all(len(part.ids) <= 25 for part in parts)
    assert len(packing.batches(torch.arange(30), 1)) == 30
    assert sorted(torch.cat(list(packing.by_length(10**6))).tolist()) == list(range(30))


def test_positions_of_xlmr_skip_padding_within_a_text():
    data = encoded("classification", 1)
    data.ids[0, 1] = 1
    packing = Packing(data, 1, 2, CPU)
    batch = packing.batch(torch.tensor([0]), packing.words)
    length = int(data.lengths[0])
    expected = [2, 1, *range(3, length + 1)]
    assert batch.positions.tolist() == expected


def test_a_text_without_tokens_is_read_as_one_of_padding():
    data = encoded("classification", 0)
    data.lengths[2] = 0
    batch = Packing(data, 0, 0, CPU).batch(torch.tensor([2, 0]), data.ids >= 0)
    assert len(batch.ids) == 1 + data.lengths[0]
