"""The token store: the same ids as the tokenizer gives, whatever the batch."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from monoglot.errors import UserError
from monoglot.tokens import encode, store
from monoglot.tokens.store import TokenStore, build_store

TEXTS = ["il kelb jiġri", "", "the cat runs after a dog", " ", "dar kbira fil belt"] * 3


def test_documents_are_the_tokenizers_ids(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "BATCH", 4)
    build_store(iter(TEXTS), parent, tmp_path / "store")
    tokenizer = Tokenizer.from_file(str(parent / "tokenizer.json"))
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    expected = [ids for ids in encoded if ids]
    built = TokenStore(tmp_path / "store")
    assert len(built) == len(expected)
    for index, ids in enumerate(expected):
        np.testing.assert_array_equal(built[index], ids)


def test_meta_holds_the_special_ids(parent, family, tmp_path):
    build_store(TEXTS, parent, tmp_path / "store")
    meta = TokenStore(tmp_path / "store").meta
    config = json.loads((parent / "config.json").read_text())
    assert meta["pad"] == config["pad_token_id"]
    assert meta["vocab"] == config["vocab_size"]
    assert meta["special"] == sorted({meta["cls"], meta["sep"], meta["mask"], meta["pad"]})


def test_the_same_text_gives_the_same_bytes(parent, tmp_path):
    for name in ("a", "b"):
        build_store(TEXTS, parent, tmp_path / name)
    for file in store.FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_no_text_is_refused_and_nothing_is_left(parent, tmp_path):
    with pytest.raises(UserError, match="no document with a token"):
        build_store(["", ""], parent, tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_a_cut_store_is_refused(parent, tmp_path):
    build_store(TEXTS, parent, tmp_path)
    (tmp_path / "tokens.bin").write_bytes((tmp_path / "tokens.bin").read_bytes()[:-4])
    with pytest.raises(
        UserError, match=r"tokens\.bin is not what was written; build the store anew"
    ):
        TokenStore(tmp_path)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no tokens\.bin"):
        TokenStore(tmp_path)
