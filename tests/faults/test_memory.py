"""Too little memory ends a job with a sentence that names what to lower."""

import resource

import pytest
import torch

from monoglot.tokens.store import build_store
from tests.faults.conftest import TEXTS, only_sentence, train

LIMIT = 4 << 30
"""Bytes of addresses: enough for the libraries, too little for the batch below."""


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def many(given, tmp_path_factory):
    store = tmp_path_factory.mktemp("many") / "store"
    build_store(TEXTS * 3000, given["checkpoint"], store)
    return given | {"store": store}


def test_a_batch_larger_than_memory_names_the_key_that_helps(many, tmp_path):
    batch = ("--steps", 1, "--batch-size", 80_000)
    said = only_sentence(train(many, tmp_path / "out", *batch, preexec_fn=limit_memory))
    assert "not enough memory (" in said
    assert "lower `micro_batch` (or `batch_size`, `max_length`) of the variant" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_batch_larger_than_the_gpus_memory_names_the_key_that_helps(many, tmp_path):
    batch = ("--steps", 1, "--batch-size", 80_000)
    limit = {"variables": {"PYTORCH_CUDA_ALLOC_CONF": "per_process_memory_fraction:0.005"}}
    said = only_sentence(train(many, tmp_path / "out", *batch, **limit))
    assert "lower `micro_batch`" in said
