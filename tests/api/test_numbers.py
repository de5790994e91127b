"""Arguments that are to be numbers: what is none is refused before a text is read."""

import numpy as np
import pytest
from tiny_models import TEXTS, tiny

import monoglot

WHOLE = "is not of type integer"
NUMBER = "is not of type number"
SEED = f"must be a whole number from 0 to {2**63 - 1}"


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
    (layers("6"), f"layers: '6' {WHOLE}"),
    (layers(None), f"layers: None {WHOLE}"),
    (layers(2.0), rf"layers: 2\.0 {WHOLE}"),
    (layers(True), f"layers: True {WHOLE}"),
    (layers(10**30), "layers: 10+ is greater than or equal to the maximum of"),
    (layers(2, "random", seed="6"), f"seed: '6' {SEED}"),
    (layers(2, "random", seed=-1), f"seed: -1 {SEED}"),
    (layers(2, "odd"), "strategy: 'odd' must be one of first_k, last_k"),
    (hidden(12.0), rf"size: 12\.0 {WHOLE}"),
    (trim(2.0), rf"size: 2\.0 {WHOLE}"),
    (trim(float("nan")), f"size: nan {WHOLE}"),
    (trim(0), "size: 0 is less than the minimum of 1"),
    (trim(5000), "size is 5000, but the model has"),
    (prune(2.0), rf"size: 2\.0 {WHOLE}"),
    (prune(49), "cannot keep 49 feed-forward neurons of 48"),
    (prune(4, importance="x"), "importance: 'x' must be one of gradient_weight"),
    (prune(4, head_order="x"), "head_order: 'x' must be one of as_is"),
    (prune(4, seed=None), f"seed: None {SEED}"),
    (prune(4, max_length=9.5), rf"max_length: 9\.5 {WHOLE}"),
    (evaluate(seed=1.5), rf"seed: 1\.5 {SEED}"),
    (evaluate(mlm_probability="0.15"), rf"mlm_probability: '0\.15' {NUMBER}"),
    (evaluate(mlm_probability=2), "mlm_probability: 2 is greater than or equal to the maximum of"),
    (adapt(batch_size=2.0), rf"batch_size: 2\.0 {WHOLE}"),
    (adapt(batch_size=True), f"batch_size: True {WHOLE}"),
    (adapt(batch_size=None), f"batch_size: None {WHOLE}"),
    (adapt(micro_batch=2.0), rf"micro_batch: 2\.0 {WHOLE}"),
    (adapt(evaluate_every=0.5), rf"evaluate_every: 0\.5 {WHOLE}"),
    (adapt(steps="1"), f"steps: '1' {WHOLE}"),
    (adapt(steps=None, epochs="1"), f"epochs: '1' {NUMBER}"),
    (adapt(max_length="16"), f"max_length: '16' {WHOLE}"),
    (adapt(max_length=7), "max_length: 7 is less than the minimum of 8"),
    (adapt(seed=None), f"seed: None {SEED}"),
    (adapt(seed="6"), f"seed: '6' {SEED}"),
    (adapt(seed=2.0), rf"seed: 2\.0 {SEED}"),
    (adapt(seed=True), f"seed: True {SEED}"),
    (adapt(seed=10**30), f"seed: 10+ {SEED}"),
    (adapt(learning_rate=None), f"learning_rate: None {NUMBER}"),
    (adapt(weight_decay=-1), "weight_decay: -1 is less than the minimum of 0"),
    (adapt(warmup=float("nan")), "warmup: is nan; it must be a finite number"),
    (adapt(foo=1), "setting 'foo' is not known; use one of warmup, weight_decay"),
    (adapt(loss="mse"), "setting 'loss' is not known"),
    (adapt(validation="one text"), "the texts are a str"),
    (distill(temperature=10**30), "temperature: 10+ is greater than the maximum of 100"),
    (distill(temperature=10**400), "temperature: "),
    (distill(alpha=True), f"alpha: True {NUMBER}"),
    (distill(attention_weight=0.5), "setting 'attention_weight' is not known"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_is_no_number_is_refused_before_a_text_is_read(call, words):
    with pytest.raises(monoglot.UserError, match=words):
        call(*tiny("bert"), unread())


def test_numbers_of_numpy_are_numbers():
    model, tokenizer = tiny("bert")
    smaller = monoglot.select_layers(model, np.int64(2), "random", seed=np.uint64(2**63 - 1))
    assert type(smaller.config.num_hidden_layers) is int
    numbers = {"steps": np.int32(2), "batch_size": np.int16(4), "learning_rate": np.float32(1e-3)}
    adapted, history = monoglot.adapt(model, tokenizer, TEXTS, seed=2**63 - 1, **numbers)
    assert history[-1]["step"] == 2
    narrow = monoglot.reduce_hidden(monoglot.prune_ffn(adapted, tokenizer, TEXTS, np.int8(4)), 12)
    trimmed, _, report = monoglot.trim_vocab(narrow, tokenizer, TEXTS, np.int64(60))
    assert trimmed.config.vocab_size == 65
    assert type(report["size"]) is int
