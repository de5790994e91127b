import json
import random

import numpy as np
import pytest
from tiny_models import byte_fallback, byte_level
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.operations.trimming import (
    choose_pieces,
    count_pieces,
    derivation,
    kept_merges,
    number_pieces,
    special_ids,
    trim_tokenizer,
    vocabulary,
    with_parts,
)
from monoglot.tokenizer_json import SPECIAL_TOKENS, read_settings, read_tokenizer, to_json
from monoglot.tokens import store
from monoglot.tokens.encode import BATCH, encode, encode_batches
from monoglot.tokens.store import TokenStore, build_store

LETTERS = "abcdefghijklmnopqrstuvwxyzàċġħż"
WORDS = [
    "il",
    "kelb",
    "jiġri",
    "wara",
    "qattus",
    "dar",
    "hija",
    "belt",
    "kelbat",
    "darna",
    "runsin",
]


def sentences(count, seed=0):
    """Known words, made-up words, marks, and now and then a character no piece has."""
    rng = random.Random(seed)

    def word():
        if rng.random() < 0.7:
            return rng.choice(WORDS)
        made_up = "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 5)))
        return made_up + ("ß" if rng.random() < 0.1 else "")

    return [
        " ".join(word() for _ in range(rng.randint(0, 6))) + rng.choice(".,!?")
        for _ in range(count)
    ]


@pytest.fixture
def tokenizer(parent, family):
    return read_tokenizer(parent, family)


@pytest.fixture
def special(tokenizer, parent):
    return special_ids(tokenizer, read_settings(parent))


def load(tokenizer):
    return Tokenizer.from_str(to_json(tokenizer))


def count(tokenizer, texts):
    return count_pieces(encode_batches(load(tokenizer), texts), len(vocabulary(tokenizer)))


def trim(tokenizer, special, size, texts, keep_characters=False):
    chosen = choose_pieces(
        tokenizer, count(tokenizer, texts).tokens, size, special, keep_characters
    )
    kept = number_pieces(chosen, special)
    return trim_tokenizer(tokenizer, kept), kept


def test_counts_equal_encoding_one_at_a_time(tokenizer):
    texts = sentences(BATCH + 300)
    encoder, size = load(tokenizer), len(vocabulary(tokenizer))
    tokens, documents = [0] * size, [0] * size
    for text in texts:
        ids = encoder.encode(text, add_special_tokens=False).ids
        for i in ids:
            tokens[i] += 1
        for i in set(ids):
            documents[i] += 1
    counts = count_pieces(encode_batches(encoder, iter(texts)), size)
    assert counts.tokens.tolist() == tokens
    assert counts.documents.tolist() == documents
    assert counts.texts == len(texts)
    assert tokens != documents


def test_counts_of_a_store_are_those_of_its_text(parent, tokenizer, tmp_path, monkeypatch):
    texts = ["", *sentences(300), ""]
    build_store(texts, parent, tmp_path / "store")
    stored = TokenStore(tmp_path / "store")
    whole = stored.batches()
    monkeypatch.setattr(store, "BATCH_TOKENS", 50)
    size = len(vocabulary(tokenizer))
    expected = count_pieces(encode_batches(load(tokenizer), texts), size)
    assert expected.texts == len(stored) == 300
    assert len(list(stored.batches())) > 10
    for batches in (whole, stored.batches()):
        counts = count_pieces(batches, size)
        assert counts.texts == expected.texts
        assert counts.tokens.tolist() == expected.tokens.tolist()
        assert counts.documents.tolist() == expected.documents.tolist()


def test_special_ids_are_those_of_the_special_tokens(tokenizer, special, family):
    ids = vocabulary(tokenizer)
    roles = SPECIAL_TOKENS[FAMILIES[family].tokenizers[0]]
    assert special == sorted({ids[token] for token in roles.values()})
    bare = {**tokenizer, "added_tokens": []}
    expected = {"bert": ["[UNK]", "[CLS]", "[SEP]"], "xlm-roberta": ["<s>", "</s>", "<unk>"]}
    assert special_ids(bare, {}) == sorted(ids[token] for token in expected[family])
    mask = {"mask_token": {"content": roles["mask_token"]}}
    assert len(special_ids(bare, mask)) == 4
    assert len(special_ids(bare, {}, [ids["a"]])) == 4


@pytest.mark.parametrize("size", [20, 35, 50])
def test_texts_whose_pieces_survive_are_encoded_alike(tokenizer, special, size):
    """The exactness of trimming, over many sentences, with special tokens and pairs."""
    trimmed, kept = trim(tokenizer, special, size, sentences(300))
    old, new = load(tokenizer), load(trimmed)
    assert new.get_vocab_size() == size + len(special) < old.get_vocab_size()
    pieces = vocabulary(tokenizer)
    unknown = {"[UNK]", "<unk>"} & pieces.keys()
    survived = changed = 0
    for text in sentences(400, seed=1):
        before, after = old.encode(text).ids, new.encode(text).ids
        if set(before) <= set(kept) - {pieces[unknown_piece] for unknown_piece in unknown}:
            assert [kept[i] for i in after] == before, text
            survived += 1
        else:
            changed += [kept[i] for i in after] != before
    assert survived > 10
    assert changed > 3
    pair = "kelb", "dar il"
    assert [kept[i] for i in new.encode(*pair).ids] == old.encode(*pair).ids
    assert new.encode(*pair).type_ids == old.encode(*pair).type_ids


def test_unigram_texts_with_unknown_characters_are_encoded_alike():
    """Costs of unknown characters hang on the lowest score; without it some texts change."""
    pieces = [("<unk>", 0.0), ("▁", -1.0), ("ab", -9.0), ("a", -2.0), ("bcd", -30.0), ("x", -40.0)]
    pieces += [("b", -31.0), ("cd", -1.0)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = json.loads(backend.to_str())
    counts = np.array([0, 9, 9, 9, 9, 0, 1, 9])
    chosen = choose_pieces(tokenizer, counts, 6, [0])
    assert chosen == [1, 2, 3, 4, 5, 7]  # x never occurs, b does
    kept = number_pieces(chosen, [0])
    new = load(trim_tokenizer(tokenizer, kept))
    for text in ("abcd", "aab", "abcdß", "cdßa"):
        before = backend.encode(text).ids
        assert 6 not in before
        assert [kept[i] for i in new.encode(text).ids] == before


def test_everything_but_the_vocabulary_stays(tokenizer, special):
    trimmed, kept = trim(tokenizer, special, 30, sentences(100))
    old, new = vocabulary(tokenizer), vocabulary(trimmed)
    assert sorted(new.values()) == list(range(30 + len(special)))
    assert all(old[piece] == kept[i] for piece, i in new.items())
    for key in ("normalizer", "pre_tokenizer", "decoder", "truncation", "padding", "version"):
        assert trimmed[key] == tokenizer[key], key
    assert trimmed["model"].keys() == tokenizer["model"].keys()
    for before, after in zip(tokenizer["added_tokens"], trimmed["added_tokens"], strict=True):
        assert {**after, "id": kept[after["id"]]} == before
    if tokenizer["model"]["type"] == "Unigram":
        scores = dict(map(tuple, tokenizer["model"]["vocab"]))
        assert all(scores[piece] == score for piece, score in trimmed["model"]["vocab"])
        assert trimmed["model"]["unk_id"] == 3
        assert trimmed["model"]["vocab"][-1][0] == "<mask>"
    else:
        assert list(trimmed["model"]["vocab"].values()) == list(range(30 + len(special)))


def test_special_tokens_keep_their_ids_where_they_can():
    assert number_pieces([4, 6, 9], [0, 1, 2, 3, 10]) == [0, 1, 2, 3, 4, 6, 9, 10]
    assert number_pieces([1, 2, 8, 9], [0, 5, 6]) == [0, 1, 2, 8, 9, 5, 6]


def test_the_most_frequent_pieces_are_kept_and_ties_go_by_id():
    backend = Tokenizer(models.WordPiece({p: i for i, p in enumerate("?abcdef")}, unk_token="?"))
    tokenizer = json.loads(backend.to_str())
    counts = np.array([99, 0, 5, 7, 5, 0, 0])
    expected = {1: [3], 2: [2, 3], 3: [2, 3, 4], 4: [1, 2, 3, 4], 6: [1, 2, 3, 4, 5, 6]}
    for size, pieces in expected.items():
        assert choose_pieces(tokenizer, counts, size, [0]) == pieces


def test_keep_characters_leaves_no_word_unknown(tokenizer, special, family):
    texts = [text.replace("ß", "") for text in sentences(200)]
    trimmed, kept = trim(tokenizer, special, 66, texts, keep_characters=True)
    unknown = trimmed["model"].get("unk_id", vocabulary(trimmed).get("[UNK]"))
    assert all(unknown not in ids for ids in encode(load(trimmed), texts))
    assert len(kept) == 66 + len(special)
    if family == "bert":
        without, _ = trim(tokenizer, special, 66, texts)
        unknown = vocabulary(without)["[UNK]"]
        assert any(unknown in ids for ids in encode(load(without), texts))


def test_sizes_that_do_not_fit_are_refused(tokenizer, special):
    counts = count(tokenizer, sentences(200)).tokens
    available = len(vocabulary(tokenizer)) - len(special)
    assert len(choose_pieces(tokenizer, counts, available, special)) == available
    with pytest.raises(UserError, match=f"size is {available + 1}, but the model has {available}"):
        choose_pieces(tokenizer, counts, available + 1, special)
    with pytest.raises(
        UserError, match=r"size is 5, but \d+ pieces must stay; .* or do not keep all"
    ):
        choose_pieces(tokenizer, counts, 5, special, keep_characters=True)


@pytest.mark.parametrize("kind", ["BertProcessing", "RobertaProcessing", "Sequence"])
def test_every_post_processor_gets_the_new_ids(kind, tiny_checkpoint):
    backend = Tokenizer.from_file(str(tiny_checkpoint("bert") / "tokenizer.json"))
    ends = ("[SEP]", 3), ("[CLS]", 2)
    if kind == "Sequence":
        template = backend.post_processor
        backend.post_processor = processors.Sequence([processors.ByteLevel(), template])
    else:
        backend.post_processor = getattr(processors, kind)(*ends)
    tokenizer = json.loads(backend.to_str())
    kept = [0, 1, 3, 2, 4, *range(30, 50)]  # another order, so that ids do change
    new = load(trim_tokenizer(tokenizer, kept))
    assert new.encode("").ids == [3, 2]
    assert new.encode("").tokens == ["[CLS]", "[SEP]"]


def test_an_added_token_outside_the_model_stays_the_last(tokenizer, special):
    backend = load(tokenizer)
    backend.add_tokens(["☃"])
    tokenizer = json.loads(backend.to_str())
    special = special_ids(tokenizer, {})
    trimmed, kept = trim(tokenizer, special, 30, sentences(100))
    assert vocabulary(trimmed)["☃"] == len(kept) - 1
    text = "il ☃ kelb"
    assert [kept[i] for i in load(trimmed).encode(text).ids] == backend.encode(text).ids


def test_unigram_words_given_one_by_one_stay_known():
    """Running text may never need the bare word start; a comma as a word of its own does."""
    pieces = [("<unk>", 0.0), ("▁", -5.0), ("▁ab", -1.0), (",", -2.0), ("c", -3.0), ("d", -9.0)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = json.loads(backend.to_str())
    counts = np.array([0, 0, 9, 9, 8, 0])  # of "ab," and the like
    kept = number_pieces(choose_pieces(tokenizer, counts, 4, [0]), [0])
    new = load(trim_tokenizer(tokenizer, kept))
    assert new.encode(["ab", ","], is_pretokenized=True).tokens == ["▁ab", "▁", ","]


def test_pieces_of_bytes_stay_whatever_the_kind():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [("<unk>", 0.0), *((one, -9.0) for one in [*letters, "ab"])]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = json.loads(backend.to_str())
    counts = np.zeros(len(letters) + 2, dtype=np.int64)
    counts[-1] = 9
    with pytest.raises(UserError, match="256 pieces must stay"):
        choose_pieces(tokenizer, counts, 10, [0])
    assert len(choose_pieces(tokenizer, counts, 257, [0])) == 257


def bpe(merges, prefix=None):
    pieces = ["<unk>", "a", "b", "c", "ab", "abc", "bc", "x", "zb", "bq"]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return {"vocab": vocab, "merges": merges, "continuing_subword_prefix": prefix}


MERGES = ["a b", ["ab", "c"], ["b", "c"]]
ASTRAY = [["c", "x"], ["z", "b"], ["b", "q"]]
"""The result of the first is no piece, a part of each of the others."""


def test_the_way_to_a_piece_is_the_one_that_its_characters_take():
    way = derivation(bpe([*MERGES, *ASTRAY]))
    assert [way(i) for i in (1, 4, 5, 6)] == [{1}, {1, 2, 4}, {1, 2, 3, 4, 5}, {2, 3, 6}]
    assert way(8) == {8}, "of which a part is no piece"
    others = derivation(bpe([*MERGES, ["a", "bc"]]))
    assert others(5) == {1, 2, 3, 4, 5}, "what it is merged from, not all that it could be"
    first = derivation(bpe([["b", "c"], ["a", "bc"], *MERGES[:2]]))
    assert first(5) == {1, 2, 3, 5, 6}
    inner = {"vocab": {"a": 0, "##b": 1, "ab": 2, "##c": 3, "##bc": 4}}
    inner |= {"merges": ["a ##b", "##b ##c"], "continuing_subword_prefix": "##"}
    assert derivation(inner)(2) == {0, 1, 2}
    assert derivation(inner)(4) == {1, 3, 4}
    ending = {"vocab": {"a": 0, "b</w>": 1, "ab</w>": 2}, "merges": ["a b</w>"]}
    assert derivation({**ending, "end_of_word_suffix": "</w>"})(2) == {0, 1, 2}


def test_a_piece_that_characters_do_not_lead_to_comes_with_all_it_could_be_merged_from():
    """As bytes that are merged before they make up a character."""
    vocab = {"<0xC3>": 0, "<0xBF>": 1, "<0xC3><0xBF>": 2, "x": 3}
    model = {"vocab": vocab, "merges": [["<0xC3>", "<0xBF>"]]}
    assert derivation(model)(2) == {0, 1, 2}
    assert derivation(model)(7) == {7}, "an added token, which is no piece of the model"


def test_merges_stay_in_order_if_parts_and_result_are_pieces():
    assert kept_merges(bpe([ASTRAY[0], *MERGES, *ASTRAY[1:]])) == MERGES


@pytest.mark.parametrize(
    ("size", "special", "kept"),
    [
        (1, [0], [7]),
        (3, [0], [7]),
        (4, [0], [2, 3, 6, 7]),
        (3, [0, 2], [3, 6, 7]),
        (5, [0], [1, 2, 3, 4, 5]),
        (6, [0], [1, 2, 3, 4, 5, 7]),
        (7, [0], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_piece_comes_with_all_that_it_is_made_of_or_not_at_all(size, special, kept):
    """`abc` is wanted most and needs five; then `x`; then `bc`, which needs three."""
    assert with_parts([5, 7, 6], size, special, derivation(bpe(MERGES))) == kept


def test_what_unigram_needs_is_kept_though_it_never_occurs(tiny_checkpoint):
    """The bare word start, and the piece that an unknown character is ten worse than."""
    tokenizer = read_tokenizer(tiny_checkpoint("xlm-roberta"), "xlm-roberta")
    special = special_ids(tokenizer, read_settings(tiny_checkpoint("xlm-roberta")))
    pieces = tokenizer["model"]["vocab"]
    scores = {i: score for i, (_, score) in enumerate(pieces) if i not in special}
    counts = np.full(len(vocabulary(tokenizer)), 5)
    lowest, start = min(scores, key=scores.get), vocabulary(tokenizer)["▁"]
    counts[[lowest, start]] = 0
    assert choose_pieces(tokenizer, counts, 2, special) == sorted([lowest, start])
    assert {lowest, start} < set(choose_pieces(tokenizer, counts, 3, special))
    with pytest.raises(UserError, match="size is 1, but 2 pieces must stay"):
        choose_pieces(tokenizer, counts, 1, special)


SCRIPTS = {
    "Latin": "abċdefgħijżnorstu",
    "Greek": "αβγδεηιλνοςτ",
    "Cyrillic": "абвгдежиклнорстя",
    "Arabic": "ابتجدرسكلمني",
    "Devanagari": "कखगतनपबमरलसािीे",
    "Han": "人生而自由在尊严和权利上一律平等",
    "Hangul": "모든인간은태어날때부터자유",
    "others": "🙂😀👍🏽é̂ÿ\t\n ",
}


def in_many_scripts(count, seed, lexicon=None):
    """Texts of words of one script each; of `lexicon` four in five, the others made up."""
    draw = random.Random(seed)

    def word(script):
        if lexicon and draw.random() < 0.8:
            return draw.choice(lexicon[script])
        return "".join(draw.choices(SCRIPTS[script], k=draw.randint(1, 6)))

    scripts = draw.choices(list(SCRIPTS), k=count)
    spaces = (" ", " ", " ", "  ", ", ", ".\n")
    return [
        "".join(word(one) + draw.choice(spaces) for _ in range(draw.randint(1, 5)))
        for one in scripts
    ]


def words_of_scripts(seed):
    draw = random.Random(seed)
    return {
        script: ["".join(draw.choices(letters, k=draw.randint(2, 7))) for _ in range(12)]
        for script, letters in SCRIPTS.items()
    }


@pytest.mark.parametrize("make", [byte_fallback, byte_level])
@pytest.mark.parametrize("room", [0, 40, 150, 400])
def test_bpe_of_many_scripts_is_exact_and_loses_nothing(make, room):
    """What is kept is encoded as before, what is dropped falls apart, and nothing is unknown."""
    lexicon = words_of_scripts(seed=3)
    old = make(in_many_scripts(1500, 0, lexicon), 700)
    tokenizer = json.loads(old.to_str())
    special = special_ids(tokenizer, {})
    letters = ["▁", *(f"<0x{byte:02X}>" for byte in range(256))]
    if make is byte_level:
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    size = len(letters) + room
    trimmed, kept = trim(tokenizer, special, size, in_many_scripts(300, 1, lexicon))
    new = load(trimmed)
    assert len(kept) == new.get_vocab_size() == size + len(special) < old.get_vocab_size()
    assert set(letters) <= new.get_vocab().keys()
    assert all(old.token_to_id(new.id_to_token(i)) == one for i, one in enumerate(kept))
    survived, fell = set(), 0
    for text in in_many_scripts(1500, 2, lexicon):
        before, after = old.encode(text).ids, [kept[i] for i in new.encode(text).ids]
        if set(before) <= set(kept):
            assert after == before, text
            survived.update(after)
        else:
            assert after != before, text
            fell += 1
        assert old.decode(after) == old.decode(before) == text
        assert new.decode(new.encode(text).ids) == text
        assert old.token_to_id("<unk>") not in after
    assert fell > 100
    assert len(survived) > min(room, 200) / 4
    pair = "αβ", "人 κ"
    assert new.decode(new.encode(*pair).ids) == old.decode(old.encode(*pair).ids)


def test_a_character_may_fall_apart_into_bytes_but_no_byte_goes():
    old = byte_fallback(["人 生 自 由"] * 3, 20)
    tokenizer = json.loads(old.to_str())
    special, bytes_ = special_ids(tokenizer, {}), [f"<0x{byte:02X}>" for byte in range(256)]
    trimmed, _ = trim(tokenizer, special, 257, ["a"])
    assert load(trimmed).encode("生").tokens[1:-1] == ["<0xE7>", "<0x94>", "<0x9F>"]
    with pytest.raises(UserError, match="size is 256, but 257 pieces must stay"):
        trim(tokenizer, special, 256, ["a"])
    del tokenizer["model"]["vocab"][bytes_[7]]  # then not every character has its bytes
    tokenizer["model"]["vocab"] = {piece: i for i, piece in enumerate(tokenizer["model"]["vocab"])}
    special = special_ids(tokenizer, {})
    with pytest.raises(UserError, match="size is 256, but 260 pieces must stay"):
        trim(tokenizer, special, 256, ["a"])


def test_merges_that_are_never_made_cost_no_room():
    """Every two pieces that make up a third are a merge, but few of them lead to it."""
    old = byte_fallback(["kelbiet kelbiet kelb biet iet et"] * 5, 40)
    model = json.loads(old.to_str())["model"]
    pieces = {i: piece for piece, i in model["vocab"].items()}
    found = {pieces[i] for i in derivation(model)(model["vocab"]["▁kelbiet"])}
    pairs = [merge for merge in model["merges"] if "".join(merge) == "▁kelbiet"]
    assert len(pairs) > 1
    assert sum({left, right} <= found for left, right in pairs) == 1
