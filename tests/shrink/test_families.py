"""Families of the same parts as XLM-R, through the operations that read their files."""

import numpy as np
import pytest
import torch
from tiny_models import OTHER_TEXTS, TEXTS
from transformers import AutoModelForMaskedLM, AutoTokenizer

from monoglot.operations.pretrained import pretrained
from monoglot.operations.trim_vocab import Trimming, trim_vocab
from monoglot.tokens.store import TokenStore, build_store

FAMILIES = ["roberta", "camembert"]


@pytest.mark.parametrize("family", FAMILIES)
def test_pretrained_tokens_and_trimming(model_folder, tmp_path, family):
    source, base, trimmed = model_folder(family), tmp_path / "base", tmp_path / "trimmed"
    pretrained(source, base, family)
    build_store(TEXTS, base, tmp_path / "tokens")
    store = TokenStore(tmp_path / "tokens")
    given, tokenizer = (AutoTokenizer.from_pretrained(folder) for folder in (source, base))
    for number, text in enumerate(TEXTS):
        ids = given(text)["input_ids"]
        assert tokenizer(text)["input_ids"] == ids
        np.testing.assert_array_equal(store[number], ids[1:-1])
    size = len(tokenizer) - 15
    how, report = Trimming(size=size), tmp_path / "trim_report.json"
    trim_vocab(base, trimmed, [store], OTHER_TEXTS, how, report)
    before, after = (AutoModelForMaskedLM.from_pretrained(f) for f in (source, trimmed))
    assert after.config.vocab_size == size + 5
    smaller = AutoTokenizer.from_pretrained(trimmed)
    old, new = (one(TEXTS[0], return_tensors="pt") for one in (tokenizer, smaller))
    names = smaller.convert_ids_to_tokens(new["input_ids"][0])
    assert names == tokenizer.convert_ids_to_tokens(old["input_ids"][0])
    kept = tokenizer.convert_tokens_to_ids(smaller.convert_ids_to_tokens(range(len(smaller))))
    with torch.no_grad():
        torch.testing.assert_close(after(**new).logits, before(**old).logits[..., kept])
