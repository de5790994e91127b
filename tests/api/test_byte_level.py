"""Byte-level BPE over fewer pieces segments whatever is made of these as before."""

import random

from tiny_models import TEXTS, tiny

import monoglot
from monoglot.operations.trimming import derivation, kept_merges, with_parts


def test_what_is_made_of_kept_pieces_is_segmented_as_before():
    model, tokenizer = tiny("roberta", pieces=160)
    _, its_tokenizer, report = monoglot.trim_vocab(model, tokenizer, TEXTS[:4], 300)
    kept = set(its_tokenizer.get_vocab())
    letters, same, other = random.Random(0), 0, 0
    words = sorted({word for text in TEXTS for word in text.split()})
    for _ in range(400):
        text = " ".join(letters.choice(words)[: letters.randint(1, 9)] for _ in range(2))
        old, new = tokenizer.tokenize(text), its_tokenizer.tokenize(text)
        if set(old) <= kept:
            assert new == old
            same += 1
        else:
            other += 1
        assert (
            its_tokenizer.decode(its_tokenizer(text)["input_ids"], skip_special_tokens=True) == text
        )
    assert same > 50
    assert other > 50
    assert report["vocab"]["after"] == len(its_tokenizer) == 305


def test_words_are_reported_on_with_the_space_that_is_part_of_their_pieces():
    model, tokenizer = tiny("roberta", pieces=160)
    _, _, report = monoglot.trim_vocab(model, tokenizer, TEXTS[:4], 300, heldout=TEXTS)
    words = [word for text in TEXTS for word in text.split()]
    pieces = [len(tokenizer.tokenize(f" {word}")) for word in words]
    assert report["heldout"]["fertility"]["before"] == sum(pieces) / len(words)
    assert pieces != [len(tokenizer.tokenize(word)) for word in words]


def test_no_byte_is_unknown():
    model, tokenizer = tiny("roberta")
    _, smallest, _ = monoglot.trim_vocab(model, tokenizer, TEXTS, 256)
    text = "ħ 漢字 🙂 \x00"
    ids = smallest(text)["input_ids"]
    assert smallest.unk_token_id not in ids
    assert smallest.decode(ids, skip_special_tokens=True) == text


def test_pieces_come_with_what_they_are_made_of():
    model = {"vocab": {p: i for i, p in enumerate("abc")} | {"ab": 3, "abc": 4, "bc": 5}}
    model["merges"] = [["a", "b"], "ab c", ["b", "c"]]
    way = derivation(model)
    assert list(map(way, range(6))) == [{0}, {1}, {2}, {0, 1, 3}, {0, 1, 2, 3, 4}, {1, 2, 5}]
    assert with_parts([4, 5, 0, 1, 2, 3], 5, [], way) == [0, 1, 2, 3, 4]
    assert with_parts([4, 5, 0, 1, 2, 3], 3, [], way) == [1, 2, 5]
    assert with_parts([4, 0], 2, [2, 1], way) == [0]
    assert kept_merges({**model, "vocab": {"a": 0, "b": 1, "c": 2, "bc": 3}}) == [["b", "c"]]
