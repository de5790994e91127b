"""Sequences out of stores, and batches out of sequences."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from monoglot.training.batches import Batches, Mixture, Sequences, collate, mixed_seed
from monoglot.training.settings import Settings

DOCUMENTS = [[10, 11, 12, 13, 14], [20, 21], [30, 31, 32, 33]]
SPECIAL = {"cls": 1, "sep": 2, "pad": 0, "special": [0, 1, 2, 3, 4]}


def store(documents=DOCUMENTS):
    ends = np.cumsum([0, *map(len, documents)])
    return SimpleNamespace(tokens=np.concatenate(documents).astype(np.uint32), offsets=ends)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ("truncate", [[10, 11], [20, 21], [30, 31]]),
        ("chunk", [[10, 11], [12, 13], [14], [20, 21], [30, 31], [32, 33]]),
        ("pack", [[10, 11], [12, 13], [14, 20], [21, 30], [31, 32]]),
    ],
)
def test_long_documents(documents, expected):
    sequences = Sequences(store(), 2, documents)
    assert [sequences[i].tolist() for i in range(len(sequences))] == expected


def test_packing_drops_the_last_of_two_if_it_is_short():
    sequences = Sequences(store([[7, 8, 9]]), 2, "pack")
    assert [sequences[i].tolist() for i in range(len(sequences))] == [[7, 8]]


def test_packing_keeps_a_single_short_sequence():
    sequences = Sequences(store([[7, 8]]), 5, "pack")
    assert [sequences[i].tolist() for i in range(len(sequences))] == [[7, 8]]


def test_a_mixture_takes_the_first_share_of_each():
    whole = Sequences(store(), 9, "truncate")
    mixture = Mixture([whole, whole], [0.34, 1.0])
    assert [mixture[i][0] for i in range(len(mixture))] == [10, 10, 20, 30]


def test_collate_adds_specials_cuts_and_pads():
    ids, attention, special = collate([np.array(d) for d in DOCUMENTS], SPECIAL, 6)
    assert ids.tolist() == [[1, 10, 11, 12, 13, 2], [1, 20, 21, 2, 0, 0], [1, 30, 31, 32, 33, 2]]
    assert attention.tolist() == [[1] * 6, [1, 1, 1, 1, 0, 0], [1] * 6]
    assert special.tolist() == [[i < 5 for i in row] for row in ids.tolist()]


def test_collate_pads_to_a_length():
    ids, attention, _ = collate([np.array([10])], SPECIAL, 6, pad_to=6)
    assert ids.tolist() == [[1, 10, 2, 0, 0, 0]]
    assert attention.sum() == 3


def test_seeds_of_steps_epochs_and_processes_are_what_they_were_when_results_were_published():
    assert mixed_seed(42, 3) == 42_000_129
    assert mixed_seed(42, -1) == 42_000_125
    assert mixed_seed(42, 3, 2) == 42_000_129 + 2**49
    assert mixed_seed(-43, 3) == 2**63 - 43_000_126


def test_redrawn_masks_of_validation_are_those_of_no_training_step():
    special = SPECIAL | {"mask": 4, "vocab": 40}
    sequences = Sequences(store([list(range(10, 40))] * 8), 30, "truncate")

    def masked(step: int, **changes) -> list:
        given = {"steps": 1, "batch_size": 8, "max_length": 32, "mlm_probability": 0.3}
        batches = Batches(special, Settings(**given | changes))
        return [batch.labels.tolist() for batch in batches.of_validation(sequences, step)]

    redrawn = [masked(step, validation_masks="redrawn") for step in (0, 1, 1)]
    assert redrawn[0] != redrawn[1] == redrawn[2]
    assert masked(1, validation_masks="redrawn", seed=1) != redrawn[1]
    assert masked(0) == masked(1)
    assert mixed_seed(-1 - 42, 3) != mixed_seed(42, 3)
    assert masked(3, validation_masks="redrawn") != masked(3, validation_masks="redrawn", seed=41)


def test_epochs_are_shuffled_anew_and_by_the_seed():
    documents = [np.array([10 + i]) for i in range(6)]
    batches = Batches(SPECIAL | {"mask": 4, "vocab": 20}, Settings(steps=9, batch_size=4, seed=42))

    def order(step):
        batch = batches.of_step(documents, step)
        return torch.where(batch.labels >= 0, batch.labels, batch.ids)[:, 1].tolist()

    orders = [order(step) for step in range(4)]
    assert [len(one) for one in orders] == [4, 2, 4, 2]
    assert sorted(orders[0] + orders[1]) == sorted(orders[2] + orders[3]) == list(range(10, 16))
    assert orders[0] + orders[1] == [12, 10, 14, 13, 15, 11]
    assert orders[2] + orders[3] == [15, 11, 12, 14, 13, 10]
    assert order(1) == orders[1], "whatever step was asked for before"
