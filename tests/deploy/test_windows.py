"""Text cut to lengths."""

import numpy as np
import pytest

from monoglot.checkpoints import load_tokenizer
from monoglot.deploy.measure import windows
from monoglot.errors import UserError

WORDS = ["kelb", "qattus", "dar", "kbira", "fil", "belt", "dog", "cat"]
SENTENCES = [" ".join(WORDS[i:] + WORDS[:i]) for i in range(5)]


def test_windows_are_running_text_from_different_sentences(parent):
    tokenizer = load_tokenizer(parent)
    found = windows(tokenizer, SENTENCES, 30, 5, "here")
    assert found.shape == (5, 30)
    assert found.dtype == np.int64
    first, last = found[0, 0], found[0, -1]
    assert (found[:, 0] == first).all()
    assert (found[:, -1] == last).all()
    assert len(np.unique(found, axis=0)) == 5
    running = tokenizer.encode(" ".join(SENTENCES[1:] + SENTENCES[:1])).ids
    assert found[1, :-1].tolist() == running[:29]


def test_the_text_starts_again_where_it_is_short(parent):
    tokenizer = load_tokenizer(parent)
    found = windows(tokenizer, ["kelb qattus"], 12, 3, "here")
    assert found.shape == (3, 12)
    assert (found == found[0]).all()
    assert tokenizer.truncation is None


def test_text_without_tokens_is_refused(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint("bert"))
    with pytest.raises(UserError, match=r"^here: is too little text for 9 tokens"):
        windows(tokenizer, ["", "  "], 9, 2, "here")
