"""What adapters are timed on can be made: the benchmark itself takes too long for a test."""

from argparse import Namespace

import pytest
from adapter_jobs import Inputs


@pytest.mark.parametrize("model", ["xlmr", "mbert"])
def test_an_encoder_reads_the_examples_of_a_task(model):
    options = {"data": None, "model": model, "steps": 1, "epochs": 1, "reduction_factor": 16}
    inputs = Inputs(Namespace(**options))
    encoder, job = inputs.encoder("2x24-48"), inputs.job("tc")
    assert encoder.config.vocab_size > int(job.train.ids.max())
    assert len(job.train.ids) == job.settings.batch_size
    assert encoder.base_model(job.train.ids[:2])[0].shape == (2, job.train.ids.shape[1], 24)
