"""Pieces that stay however rare: characters of scripts, and what prompts need."""

import json

import numpy as np
import pytest
from tiny_models import tiny
from tokenizers import Tokenizer, models, pre_tokenizers

import monoglot
from monoglot.errors import UserError
from monoglot.operations.trimming import (
    choose_pieces,
    count_pieces,
    derivation,
    number_pieces,
    pieces_of_scripts,
    trim_tokenizer,
    vocabulary,
)
from monoglot.tokenizer_json import to_json
from monoglot.tokens.encode import encode_batches

LATIN, CYRILLIC, GREEK = "abcdefgqxyzGHQħżġ", "бгдежик", "αβγδ"
COMMON, ARABIC_MARK, PICTURE = "0123456789.,;!?€%+-", "؟", "☃"
WORDS = ["da", "fa", "head", "dead", "cab"]
TEXTS = ["da fa da dead head", "head, dead cab. 12"] * 5
NEVER_SEEN = ["xyz Qħażż", "zqx! 9876? 3+5%", "Gġ; €40"]


def unigram() -> Tokenizer:
    characters = LATIN + CYRILLIC + GREEK + COMMON + ARABIC_MARK + "م" + PICTURE
    pieces = [("<unk>", 0.0), ("▁", -3.0), *((f"▁{word}", -4.0) for word in WORDS)]
    pieces += [("ab", -5.0), *((one, -8.0) for one in characters)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    return backend


def wordpiece() -> Tokenizer:
    characters = LATIN + CYRILLIC + GREEK + COMMON + ARABIC_MARK + "م" + PICTURE
    pieces = ["[UNK]", *WORDS, "##ab", *characters, *(f"##{one}" for one in characters)]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    backend = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return backend


@pytest.fixture(params=[unigram, wordpiece], ids=["unigram", "wordpiece"])
def parsed(request):
    found = json.loads(request.param().to_str())
    return {**found, "post_processor": None}


def counts_of(parsed, texts):
    encoder = Tokenizer.from_str(to_json(parsed))
    return count_pieces(encode_batches(encoder, texts), len(vocabulary(parsed))).tokens


def trimmed(parsed, counts, size, needed=()):
    kept = number_pieces(choose_pieces(parsed, counts, size, [0], needed=needed), [0])
    return Tokenizer.from_str(to_json(trim_tokenizer(parsed, kept)))


def test_no_text_in_the_scripts_of_a_text_turns_unknown(parsed):
    counts = counts_of(parsed, TEXTS)
    needed = pieces_of_scripts(vocabulary(parsed), counts)
    assert not counts[[vocabulary(parsed)[one] for one in "xzqħ9;"]].any()
    small, without = (trimmed(parsed, counts, len(needed) + 2, n) for n in (needed, ()))
    for text in NEVER_SEEN:
        assert 0 not in small.encode(text).ids, text
    assert all(0 in small.encode(one).ids for one in ("бгд", "αβ", "م", PICTURE))
    few = trimmed(parsed, counts, 15)
    assert all(0 in few.encode(text).ids for text in NEVER_SEEN)
    assert without.get_vocab_size() == small.get_vocab_size()


def test_what_stays_is_of_the_scripts_or_of_none(parsed):
    ids = vocabulary(parsed)
    kept = pieces_of_scripts(ids, counts_of(parsed, TEXTS))
    names = {piece for piece, i in ids.items() if i in kept}
    characters = {piece.removeprefix("##") for piece in names}
    assert characters - {"▁"} == set(LATIN + COMMON)
    in_both = parsed["model"]["type"] == "WordPiece"
    assert all((f"##{one}" in names) == in_both for one in LATIN)


def test_a_script_counts_from_one_letter_in_a_hundred_on(parsed):
    ids = vocabulary(parsed)
    counts = np.zeros(len(ids), dtype=np.int64)
    counts[[ids[one] for one in "xyбα"]] = 500, 489, 10, 1
    kept = pieces_of_scripts(ids, counts)
    assert {ids[one] for one in CYRILLIC} <= kept
    assert not {ids[one] for one in GREEK} & kept
    counts[ids["x"]] = 501
    assert not {ids[one] for one in CYRILLIC} & pieces_of_scripts(ids, counts)


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta", "roberta"])
def test_a_prompt_stays_as_it_is_alone_and_before_words(architecture):
    model, tokenizer = tiny(architecture)
    prompt, words = "għandna bżonn: ", ["il-kelb", "dar"]
    texts = ["il-kelb u l-qattus fid-dar", "il-belt hija kbira"]
    size = 280 if architecture == "roberta" else 45
    found = {
        keep: monoglot.trim_vocab(model, tokenizer, texts, size, keep=keep)
        for keep in ((prompt,), ())
    }

    def start(its_tokenizer, text):
        encoded = its_tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens = its_tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        ends = [end for _, end in encoded["offset_mapping"]]
        ours = len(prompt.rstrip())  # its last space may become part of the word
        return [token for token, end in zip(tokens, ends, strict=True) if end <= ours]

    for text in (prompt, *(prompt + word for word in words)):
        kept, cut = (start(one, text) for _, one, _ in found.values())
        assert kept == start(tokenizer, text)
        assert cut != kept
    report = found[prompt,][2]
    assert report["keep"] == [prompt]
    assert report["vocab"]["after"] == size + 5


def test_a_needed_piece_of_bpe_comes_with_its_parts():
    _, tokenizer = tiny("roberta")
    parsed = json.loads(tokenizer.backend_tokenizer.to_str())
    ids, way = vocabulary(parsed), derivation(parsed["model"])
    special = [token["id"] for token in parsed["added_tokens"]]
    longest = max(ids.values(), key=lambda piece: len(way(piece)))
    assert len(way(longest)) > 2
    counts = np.zeros(len(ids), dtype=np.int64)
    chosen = choose_pieces(parsed, counts, 280, special, needed=[longest])
    assert way(longest) <= set(chosen)
    with pytest.raises(UserError, match=r"pieces must stay; .* or ask for fewer to be kept"):
        choose_pieces(parsed, counts, 257, special, needed=[longest])


def test_texts_to_keep_that_are_none_are_refused():
    wrong = {"not of type array": "query: ", "does not match": [""], "not of type string": [3]}
    for words, keep in wrong.items():
        with pytest.raises(UserError, match=words):
            monoglot.trim_vocab(*tiny("bert"), ["il"], 50, keep=keep)
