"""Arguments that are to be numbers: what is none is refused before a text is read."""

import numpy as np
import pytest
from tiny_models import TEXTS, tiny

import monoglot

WHOLE = "give a whole number"


def unread():
    raise AssertionError("a text was read")
    yield


def layers(*given, **more):
    return lambda m, t, texts: monoglot.select_layers(m, *given, **more)


def hidden(size):
    return lambda m, t, texts: monoglot.reduce_hidden(m, size)


def trim(size):
    return lambda m, t, texts: monoglot.trim_vocab(m, t, texts, size=size)


def prune(*given, **more):
    return lambda m, t, texts: monoglot.prune_ffn(m, t, texts, *given, **more)


def evaluate(**more):
    return lambda m, t, texts: monoglot.evaluate_mlm(m, t, texts, **more)


def adapt(**more):
    return lambda m, t, texts: monoglot.adapt(m, t, texts, **({"steps": 1} | more))


def distill(**more):
    return lambda m, t, texts: monoglot.distill(m, m, t, texts, steps=1, **more)


REFUSED = [
    (layers("6"), f"layers is '6'; {WHOLE}"),
    (layers(None), f"layers is None; {WHOLE}"),
    (layers(2.0), rf"layers is 2\.0; {WHOLE}"),
    (layers(True), f"layers is True; {WHOLE}"),
    (layers(10**30), "layers is 10+; give a number of at most 63 bits"),
    (layers(2, "random", seed="6"), f"seed is '6'; {WHOLE}"),
    (layers(2, "random", seed=-1), "seed is -1; give a number from 0 on"),
    (hidden(12.0), rf"size is 12\.0; {WHOLE}"),
    (trim(2.0), rf"size is 2\.0; {WHOLE}"),
    (trim(float("nan")), f"size is nan; {WHOLE}"),
    (trim(0), "size is 0; give a number from 1 on"),
    (trim(5000), "size is 5000, but the model has"),
    (prune(2.0), rf"size is 2\.0; {WHOLE}"),
    (prune(49), "cannot keep 49 feed-forward neurons of 48"),
    (prune(4, importance="x"), "importance 'x' is not known"),
    (prune(4, head_order="x"), "head_order 'x' is not known"),
    (prune(4, seed=None), f"seed is None; {WHOLE}"),
    (prune(4, max_length=9.5), rf"max_length is 9\.5; {WHOLE}"),
    (evaluate(seed=1.5), rf"seed is 1\.5; {WHOLE}"),
    (evaluate(mlm_probability="0.15"), r"mlm_probability is '0\.15'; give a number"),
    (evaluate(mlm_probability=2), r"mlm_probability is 2\.0; give a number from 0 to 1"),
    (adapt(batch_size=2.0), rf"batch_size is 2\.0; {WHOLE}"),
    (adapt(batch_size=True), f"batch_size is True; {WHOLE}"),
    (adapt(batch_size=None), f"batch_size is None; {WHOLE}"),
    (adapt(micro_batch=2.0), rf"micro_batch is 2\.0; {WHOLE}"),
    (adapt(evaluate_every=0.5), rf"evaluate_every is 0\.5; {WHOLE}"),
    (adapt(steps="1"), f"steps is '1'; {WHOLE}"),
    (adapt(steps=None, epochs="1"), "epochs is '1'; give a number"),
    (adapt(max_length="16"), f"max_length is '16'; {WHOLE}"),
    (adapt(seed=None), f"seed is None; {WHOLE}"),
    (adapt(seed="6"), f"seed is '6'; {WHOLE}"),
    (adapt(seed=2.0), rf"seed is 2\.0; {WHOLE}"),
    (adapt(seed=True), f"seed is True; {WHOLE}"),
    (adapt(seed=10**30), "seed is 10+; give a number of at most 64 bits"),
    (adapt(learning_rate=None), "learning_rate is None; give a number"),
    (adapt(weight_decay=-1), r"weight_decay is -1\.0; it must be at least 0"),
    (adapt(warmup=float("nan")), "warmup is nan; it must be a finite number"),
    (adapt(foo=1), "setting 'foo' is not known; use one of warmup, weight_decay"),
    (adapt(loss="mse"), "setting 'loss' is not known"),
    (adapt(validation="one text"), "the texts are a str"),
    (distill(temperature=10**30), r"temperature is 1e\+30; it must be at most 100"),
    (distill(temperature=10**400), "temperature is 10+; it must be a finite number"),
    (distill(alpha=True), "alpha is True; give a number"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_is_no_number_is_refused_before_a_text_is_read(call, words):
    with pytest.raises(monoglot.UserError, match=words):
        call(*tiny("bert"), unread())


def test_numbers_of_numpy_are_numbers():
    model, tokenizer = tiny("bert")
    smaller = monoglot.select_layers(model, np.int64(2), "random", seed=np.uint64(2**64 - 1))
    assert type(smaller.config.num_hidden_layers) is int
    numbers = {"steps": np.int32(2), "batch_size": np.int16(4), "learning_rate": np.float32(1e-3)}
    adapted, history = monoglot.adapt(model, tokenizer, TEXTS, seed=2**64 - 1, **numbers)
    assert history[-1]["step"] == 2
    narrow = monoglot.reduce_hidden(monoglot.prune_ffn(adapted, tokenizer, TEXTS, np.int8(4)), 12)
    trimmed, _, report = monoglot.trim_vocab(narrow, tokenizer, TEXTS, np.int64(60))
    assert trimmed.config.vocab_size == 65
    assert type(report["size"]) is int
