"""Encoding by words: exactly the ids of the tokenizer, whatever the text."""

import os
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from monoglot.data.readers import numbered_lines
from monoglot.tokenizer_json import read_tokenizer, to_json, unigram, wordpiece
from monoglot.tokens import encode as encoding
from monoglot.tokens import encode as words
from monoglot.tokens.encode import WordEncoder, encode, separator, splits_at_white_space

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
ODD = ["́", "̈", "\u200d", "️", "\u0600", "ำ", "ः", "ﾞ", "🏻", "\U000e0061"]
ODD += [
    "\xa0",
    "\u2003",
    "\u3000",
    "\u1680",
    "\u200b",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\x85",
    "\x1c",
    "\x00",
    "\x07",
    "\x0b",
    "\x0c",
]
ODD += [
    "¨",
    "´",
    "‾",
    "�",
    "\xad",
    "▁",
    "▁▁",
    "ß",
    "ǆ",
    "ﬁ",
    "ǅ",
    "İ",
    "Å",
    "ẛ",
    "²",
    "½",
    "…",
    "„",
    "“",
    "’",
    "–",
    "‒",
    "#",
    "##",
    "##a",
]
ODD += [
    "漢字",
    "かな",
    "한국",
    "ᄒ",
    "ᅡ",
    "ชื่อ",
    "שלום",
    "مرحبا",
    "लोक",
    "क्ष",
    "👩\u200d👩\u200d👧",
    "🇲🇹",
    "🇲",
    "❤️",
    "é",
    "👨",
]
ODD += [
    "<s>",
    "</s>",
    "<pad>",
    "<unk>",
    "<mask>",
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[MASK]",
    "<",
    "<m",
    "＜mask＞",
    "＜s＞",
    "[",
    "［MASK］",
    "<MASK>",
]
SPACES = [" ", " ", " ", "", "  ", "\n", "\t", "\r\n", "\r", " \n ", "\n\n"]
PLAIN = [
    "il",
    "kelb",
    "jiġri",
    "wara",
    "qattus",
    "dar.",
    "hija",
    "kbira,",
    "fil",
    "belt!",
    "the",
    "dog's",
    "(cats)",
    "12",
    "3.5",
    "a",
    "aa",
]
text = st.lists(
    st.sampled_from(PLAIN + ODD) | st.sampled_from(SPACES) | st.text(max_size=4), max_size=24
).map("".join)
PIECES = ["a", "l", "b", "e", "i", "kelb", "belt", "dar", ".", ",", "'", "#"]


def unigram_pieces():
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    rest = [("▁", -3.0), ("▁▁", -9.0), ("▁a", -4.0), ("▁kelb", -5.0)]
    rest += [(piece, -4.0 - i / 10) for i, piece in enumerate(PIECES)]
    return [*special, *rest, ("\u0301", -8.0), ("漢", -8.0), ("<mask>", 0.0)]


def wordpieces():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return [*special, *PIECES, *(f"##{p}" for p in PIECES), "\u0301", "漢", "字", "##字", "…"]


@cache
def make(kind):
    """Return a tokenizer of ours, changed as `kind` says."""
    kind, _, change = kind.partition("-")
    tokenizer = wordpiece(wordpieces()) if kind == "wordpiece" else unigram(unigram_pieces())
    if change == "uncased":
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    if change == "kept":  # nothing is cleaned
        tokenizer.normalizer = normalizers.BertNormalizer(clean_text=False, lowercase=False)
    if change == "normalized":
        tokenizer.normalizer = normalizers.Sequence([tokenizer.normalizer, normalizers.Lowercase()])
        tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, normalized=True)])
        tokenizer.add_tokens([AddedToken("kelb", single_word=True, normalized=True)])
    if change == "published":  # as transformers converts sentencepiece models
        folding = normalizers.Replace(Regex(" {2,}"), "▁")
        tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
        tokenizer.normalizer = normalizers.Sequence(
            [tokenizer.normalizer, normalizers.Strip(left=False, right=True), folding]
        )
    if change == "split":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
    return tokenizer


KINDS = ["wordpiece", "wordpiece-uncased", "wordpiece-kept", "wordpiece-normalized", "unigram"]
KINDS += ["unigram-normalized", "unigram-published", "unigram-split"]


def plainly(tokenizer, texts):
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


@cache
def encoder(kind):
    """Return the encoder of a tokenizer; it knows the words of all tests before."""
    return WordEncoder(make(kind), separator(make(kind)))


def check(kind, texts):
    expected = plainly(make(kind), texts)
    assert encoder(kind).encode(texts).split() == expected
    assert encoder(kind).encode(texts).split() == expected  # all words are known now


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(st.lists(text, min_size=1, max_size=8))
def test_ids_are_the_tokenizers(kind, texts):
    check(kind, texts)


@pytest.mark.parametrize("kind", KINDS)
def test_odd_characters_at_every_place_of_a_word(kind):
    forms = ["{0}", "{0}a", "a{0}", "a{0}a", "a {0}", "{0} a", "a {0} a", "a {0}a a{0} {0}{0}"]
    check(kind, [form.format(odd) for odd in ODD for form in forms])
    everything = map(chr, [*range(0xD800), *range(0xE000, 0x11000), *range(0x1F000, 0x20000)])
    check(kind, [f"a {c}a a{c} a" for c in everything])


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_taken_one_by_one(kind):
    assert splits_at_white_space(make(kind))


@pytest.mark.parametrize(
    ("normalizer", "pre_tokenizer"),
    [
        (None, pre_tokenizers.Metaspace()),
        (normalizers.NFKC(), pre_tokenizers.Metaspace()),
        (normalizers.Replace("l ", "L"), pre_tokenizers.BertPreTokenizer()),
        (normalizers.Prepend("a"), pre_tokenizers.BertPreTokenizer()),
        (None, None),
        (None, pre_tokenizers.ByteLevel()),
        (None, pre_tokenizers.Metaspace(prepend_scheme="first")),
        (None, pre_tokenizers.Metaspace(prepend_scheme="never")),
        (None, pre_tokenizers.Digits()),
    ],
)
def test_other_tokenizers_encode_whole_texts(normalizer, pre_tokenizer):
    for tokenizer in (unigram(unigram_pieces()), wordpiece(wordpieces())):
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
        assert not splits_at_white_space(tokenizer)
        texts = ["a kelb", " a  belt\na", "", "il dar"]
        assert list(encode(tokenizer, texts)) == plainly(tokenizer, texts)


def test_truncation_and_white_space_in_added_tokens_are_seen():
    tokenizer = wordpiece(wordpieces())
    tokenizer.enable_truncation(2)
    assert not splits_at_white_space(tokenizer)
    tokenizer.no_truncation()
    assert splits_at_white_space(tokenizer)
    tokenizer.add_tokens(["kelb il"])
    assert not splits_at_white_space(tokenizer)


def test_a_tokenizer_without_a_usable_separator_encodes_whole_texts():
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(wordpieces())}))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    texts = ["a kelb dar", "belt"]
    assert separator(tokenizer) is None
    assert list(encode(tokenizer, texts)) == plainly(tokenizer, texts)
    tokenizer.add_tokens([AddedToken("|", lstrip=True), AddedToken("||")])
    assert separator(tokenizer) is None


@pytest.mark.parametrize("memory", [0, 700])
def test_words_beyond_the_memory_are_encoded_again(memory, monkeypatch):
    monkeypatch.setattr(words, "MEMORY", memory)
    tokenizer = make("unigram")
    encoder = WordEncoder(tokenizer, separator(tokenizer))
    for texts in (PLAIN, ["a <mask> a", "\u0301"], [" ".join(PLAIN)], PLAIN[:3], ["kelb belt ﬁ"]):
        assert encoder.encode(texts).split() == plainly(tokenizer, texts)
    assert len(encoder._numbers) <= memory // words.BYTES_PER_WORD
    assert len(encoder._starts) == len(encoder._lengths) == len(encoder._numbers)


def test_text_that_does_not_repeat_is_encoded_plainly_for_a_while(monkeypatch):
    monkeypatch.setattr(encoding, "BATCH", 2)
    calls = []
    by_words = WordEncoder.encode
    monkeypatch.setattr(WordEncoder, "encode", lambda *given: calls.append(1) or by_words(*given))
    tokenizer = make("unigram")
    texts = [f"{i}a{i}" for i in range(40)]
    assert list(encode(tokenizer, texts)) == plainly(tokenizer, texts)
    assert len(calls) == 5  # of 20 batches, with pauses of 1, 2, 4 and 8 in between
    calls.clear()
    assert list(encode(tokenizer, ["il kelb il kelb"] * 40)) == plainly(
        tokenizer, ["il kelb il kelb"] * 40
    )
    assert len(calls) == 20


@pytest.mark.real_data
@pytest.mark.skipif(not (DATA / "tokenizers").is_dir(), reason=f"{DATA} has no tokenizers")
@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_real_text_under_the_published_tokenizers(family):
    names = {"bert": "mbert/vocab.txt", "xlm-roberta": "xlmr/tokenizer.json.gz"}
    published = read_tokenizer(DATA / "tokenizers" / names[family], family)
    tokenizer = Tokenizer.from_str(to_json(published))
    files = sorted((DATA / "raw").glob("*/*.txt.gz"))
    texts = [line for f in files for line in lines(f, 150)]
    texts += ["\r\n".join(lines(f, 40)) for f in files]
    texts += ODD
    assert list(encode(tokenizer, texts)) == plainly(tokenizer, texts)


def lines(path, count):
    return [line for _, line in islice(numbered_lines(path), count)]
