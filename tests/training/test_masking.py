import pytest
import torch

from monoglot.training.batches import IGNORED, mask_tokens

MASK, VOCAB = 4, 1000


def masked(shape=(200, 500), probability=0.15, seed=1):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, VOCAB, shape, generator=generator)
    special = torch.rand(shape, generator=generator) < 0.2
    ids[special] = 2
    new, labels = mask_tokens(
        ids, special, MASK, VOCAB, probability, torch.Generator().manual_seed(seed)
    )
    return ids, special, new, labels


def test_shares_of_chosen_masked_random_and_kept_tokens():
    ids, special, new, labels = masked()
    chosen = labels != IGNORED
    assert chosen.sum() / (~special).sum() == pytest.approx(0.15, abs=0.005)
    assert (new[chosen] == MASK).float().mean() == pytest.approx(0.8, abs=0.01)
    assert (new[chosen] == ids[chosen]).float().mean() == pytest.approx(0.1, abs=0.01)


def test_labels_hold_the_old_ids_and_other_tokens_stay():
    ids, _, new, labels = masked()
    chosen = labels != IGNORED
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(new[~chosen], ids[~chosen])


def test_special_tokens_are_never_chosen():
    ids, special, new, labels = masked(probability=1.0)
    assert (labels[special] == IGNORED).all()
    assert torch.equal(new[special], ids[special])
    assert torch.equal(labels[~special], ids[~special])


def test_random_pieces_come_from_the_whole_vocabulary():
    _, _, new, labels = masked(shape=(400, 1000), probability=1.0)
    random = new[(labels != IGNORED) & (new != labels) & (new != MASK)]
    assert {0, 1, 2, 3, VOCAB - 1} <= set(random.tolist())
    assert random.float().mean() == pytest.approx((VOCAB - 1) / 2, rel=0.02)


def test_a_seed_gives_the_same_masks_and_another_seed_others():
    assert torch.equal(masked(seed=1)[2], masked(seed=1)[2])
    assert not torch.equal(masked(seed=1)[3], masked(seed=2)[3])


def test_the_generator_moves_on_between_batches():
    ids, special = torch.full((10, 50), 7), torch.zeros(10, 50, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    first = mask_tokens(ids, special, MASK, VOCAB, 0.15, generator)[1]
    second = mask_tokens(ids, special, MASK, VOCAB, 0.15, generator)[1]
    assert not torch.equal(first, second)


def test_arguments_stay_as_they_are_and_zero_probability_chooses_nothing():
    ids, special = torch.full((10, 50), 7), torch.zeros(10, 50, dtype=torch.bool)
    new, labels = mask_tokens(ids, special, MASK, VOCAB, 1.0, torch.Generator().manual_seed(0))
    assert (ids == 7).all()
    assert new is not ids
    new, labels = mask_tokens(ids, special, MASK, VOCAB, 0.0, torch.Generator().manual_seed(0))
    assert torch.equal(new, ids)
    assert (labels == IGNORED).all()
