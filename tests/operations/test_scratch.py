import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_models import byte_fallback
from tokenizers import Tokenizer, models
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from monoglot.checkpoints import FILES, load_model
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.operations.scratch import scratch
from monoglot.operations.surgery import longest_input
from monoglot.operations.train_tokenizer import train_tokenizer
from monoglot.tokenizer_json import SPECIAL_TOKENS

ROOT = Path(__file__).parents[2]
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 4, "ffn_size": 24, "max_positions": 32, "seed": 1}
STEMS = ["qattu", "kelb", "dar", "belt", "triq", "ħobż", "ilma", "xemx", "qamar", "baħar", "ġnien"]
ENDINGS = ["", "iet", "ijiet", "u", "ek", "kom", "na"]


def texts(count=400):
    rng = random.Random(5)
    return [
        " ".join(rng.choice(STEMS) + rng.choice(ENDINGS) for _ in range(8)) + rng.choice(".!?")
        for _ in range(count)
    ]


@pytest.fixture(params=["bert", "xlm-roberta", "camembert", "distilbert", "electra", "deberta-v2"])
def family(request):
    return request.param


@pytest.fixture
def made(family, tmp_path):
    scratch(texts(), tmp_path / "made", family, vocab_size=120, **SHAPE)
    return tmp_path / "made"


def test_loads_with_stock_classes(made, family):
    assert sorted(file.name for file in made.iterdir()) == sorted(FILES)
    model = AutoModelForMaskedLM.from_pretrained(made)
    config = model.config
    assert (config.vocab_size, config.hidden_size) == (120, 16)
    ffn = config.hidden_dim if family == "distilbert" else config.intermediate_size
    assert ffn == 24
    assert (config.num_hidden_layers, config.num_attention_heads) == (2, 4)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    extra, types = {
        "bert": (0, 2),
        "xlm-roberta": (2, 1),
        "camembert": (2, 1),
        "distilbert": (0, None),
        "electra": (0, 2),
        "deberta-v2": (0, 0),
    }[family]
    assert config.max_position_embeddings == 32 + extra
    assert getattr(config, "type_vocab_size", None) == types
    assert AutoModel.from_pretrained(made).config.hidden_size == 16
    longest = AutoTokenizer.from_pretrained(made)(
        "qattu " * 50, truncation=True, return_tensors="pt"
    )
    assert longest["input_ids"].shape == (1, 32)
    assert load_model(made)(**longest).logits.isfinite().all()


def test_special_tokens_stand_where_the_published_models_have_them(made, family):
    tokenizer = AutoTokenizer.from_pretrained(made)
    kind = FAMILIES[family].tokenizers[0]
    roles = SPECIAL_TOKENS[kind]
    expected = {"WordPiece": [0, 1, 2, 3, 4], "Unigram": [0, 1, 2, 3, 119]}[kind]
    assert [
        tokenizer.convert_tokens_to_ids(token) for token in dict.fromkeys(roles.values())
    ] == expected
    assert tokenizer.special_tokens_map == roles
    assert sorted(set(tokenizer.all_special_ids)) == expected
    config = json.loads((made / "config.json").read_text())
    assert config["pad_token_id"] == tokenizer.pad_token_id


def test_tokenizer_covers_its_text(made):
    tokenizer = AutoTokenizer.from_pretrained(made)
    for text in texts(20):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert len(ids) < len(text)
        assert tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")
    assert tokenizer.unk_token_id in tokenizer("语")["input_ids"]
    assert tokenizer("Qattu") != tokenizer("qattu")
    assert tokenizer("ħobż")["input_ids"] != tokenizer("hobz")["input_ids"]


def test_marks_stand_apart_from_words(made):
    pieces = Tokenizer.from_file(str(made / "tokenizer.json")).encode(
        "ilma.", add_special_tokens=False
    )
    assert pieces.tokens[-1] == "."


@pytest.mark.parametrize("vocab_size", [60, 120])
def test_training_gives_the_same_tokenizer_every_time(family, vocab_size):
    """The trainers of `tokenizers` alone fail here: each hash map has another order."""
    made = {train_tokenizer(texts(), family, vocab_size).to_str() for _ in range(4)}
    assert len(made) == 1


def test_training_does_not_depend_on_the_hash_seed(family):
    """As above, across processes."""
    code = (
        "import sys, json; from monoglot.operations.train_tokenizer import train_tokenizer;"
        f"print(train_tokenizer(json.load(sys.stdin), '{family}', 90).to_str())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(texts()),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(made) == 1


def test_same_arguments_give_the_same_bytes(made, family, tmp_path):
    scratch(texts(), tmp_path / "again", family, vocab_size=120, **SHAPE)
    scratch(texts(), tmp_path / "seed", family, vocab_size=120, **{**SHAPE, "seed": 2})
    for name in FILES:
        assert (made / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
        same = (made / name).read_bytes() == (tmp_path / "seed" / name).read_bytes()
        assert same == (name != "model.safetensors")


@pytest.mark.parametrize(
    ("shares", "seen"), [((1, 1), "abz"), ((0.5, 0.5), "ab"), ((0, 0.6), "abz")]
)
def test_shares_take_the_first_documents(script, shares, seen, tmp_path):
    for name, word in (("a", "aaa"), ("b", "bbb")):
        pq.write_table(pa.table({"text": [word] * 10 + ["zzz"] * 10}), tmp_path / f"{name}.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    shape = [word for key, value in SHAPE.items() for word in (f"--{key.replace('_', '-')}", value)]
    arguments = ["--text", *files, "--shares", *shares, "--vocab-size", 30, "--family", "bert"]
    assert script("scratch", *arguments, *shape, "--out", tmp_path / "x") is None
    vocabulary = Tokenizer.from_file(str(tmp_path / "x" / "tokenizer.json")).get_vocab()
    assert {piece for piece in vocabulary if len(piece) == 1} == set(seen)


@pytest.mark.parametrize("form", ["folder", "json", "gz"])
def test_takes_a_given_tokenizer(made, family, form, tmp_path):
    source = made if form == "folder" else made / "tokenizer.json"
    if form == "gz":
        source = tmp_path / "tokenizer.json.gz"
        source.write_bytes(gzip.compress((made / "tokenizer.json").read_bytes()))
    scratch([], tmp_path / "again", family, tokenizer_from=source, **SHAPE)
    before, after = (AutoTokenizer.from_pretrained(f) for f in (made, tmp_path / "again"))
    assert [dict(before(text)) for text in texts(20)] == [dict(after(text)) for text in texts(20)]
    assert (made / "model.safetensors").read_bytes() == (
        tmp_path / "again" / "model.safetensors"
    ).read_bytes()


def test_takes_a_bare_vocabulary(tmp_path):
    pieces = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Qattu", "##s", "É", ","]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    scratch([], tmp_path / "x", "bert", tokenizer_from=tmp_path / "vocab.txt", **SHAPE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "x")
    assert tokenizer("Qattus,É qattu").input_ids == [3, 6, 7, 9, 8, 2, 4]
    assert load_model(tmp_path / "x").config.vocab_size == len(pieces)


def bad_tokenizer(kind, made, tmp_path):
    path = tmp_path / {"vocab": "vocab.txt", "twice": "vocab.txt"}.get(kind, "tokenizer.json")
    data = (made / "tokenizer.json").read_bytes()
    specials = "\n".join(SPECIAL_TOKENS["WordPiece"].values())
    contents = {
        "cut": data[:500],
        "vocab": b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n",
        "twice": f"{specials}\na\nb\na\n".encode(),
        "latin": b"\xe9",
        "list": b"[]",
    }
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cut", "tokenizer.json: is not a valid tokenizer.json"),
        ("list", "tokenizer.json: is not a valid tokenizer.json"),
        ("latin", "tokenizer.json: is cut off or not UTF-8"),
        ("vocab", r"vocab.txt: has no line \[MASK\]"),
        ("twice", "vocab.txt, line 8: 'a' is there twice"),
    ],
)
def test_refuses_a_bad_tokenizer(made, kind, words, tmp_path):
    path = bad_tokenizer(kind, made, tmp_path)
    with pytest.raises(UserError, match=words):
        scratch([], tmp_path / "x", "bert", tokenizer_from=path, **SHAPE)
    assert not (tmp_path / "x").exists()


def test_refuses_a_kind_of_tokenizer_that_the_family_does_not_have(made, family, tmp_path):
    other = "distilbert" if family in ("xlm-roberta", "camembert", "deberta-v2") else "xlm-roberta"
    with pytest.raises(UserError, match=f"tokenizer; the family {other} needs a"):
        scratch([], tmp_path / "x", other, tokenizer_from=made, **SHAPE)


def test_refuses_a_tokenizer_without_the_special_tokens(tmp_path):
    Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]")).save(
        str(tmp_path / "tokenizer.json")
    )
    with pytest.raises(UserError, match=r"no piece '\[PAD\]', its pad_token"):
        scratch([], tmp_path / "x", "bert", tokenizer_from=tmp_path, **SHAPE)
    assert not (tmp_path / "x").exists()


def test_a_parent_lends_its_tokenizer_byte_for_byte_and_no_weights(parent, family, tmp_path):
    shape = SHAPE | {"hidden_size": 40, "layers": 1, "heads": 8}
    scratch([], tmp_path / "student", family, parent=parent, **shape)
    bytes_of = [
        (folder / "tokenizer.json").read_bytes() for folder in (parent, tmp_path / "student")
    ]
    assert bytes_of[0] == bytes_of[1]
    student, teacher = load_model(tmp_path / "student"), load_model(parent)
    assert student.config.vocab_size == teacher.config.vocab_size
    assert (student.config.hidden_size, student.config.num_attention_heads) == (40, 8)
    assert AutoTokenizer.from_pretrained(tmp_path / "student").model_max_length == 32


def test_a_parent_of_another_family_is_refused(parent, family, tmp_path):
    other = "distilbert" if family in ("xlm-roberta", "camembert", "deberta-v2") else "xlm-roberta"
    with pytest.raises(UserError, match=f"the family {other} needs a"):
        scratch([], tmp_path / "student", other, parent=parent, **SHAPE)


@pytest.mark.parametrize(
    ("given", "changed", "words"),
    [
        (texts(), {"vocab_size": 12}, "vocab_size is 12, but the characters of the text"),
        ([], {"vocab_size": 50}, "the text holds no words"),
        (["", " "], {"vocab_size": 50}, "the text holds no words"),
        (texts(), {"vocab_size": 50, "heads": 3}, "16 is not divisible by 3 attention heads"),
        (texts(), {}, "give one of these: a vocab_size"),
        (texts(), {"tokenizer_from": "missing"}, "missing: cannot be read"),
        ([], {"parent": "missing"}, "missing: cannot be read"),
        ([], {"parent": "missing", "vocab_size": 50}, "give one of these"),
    ],
)
def test_refuses_bad_arguments(family, given, changed, words, tmp_path):
    with pytest.raises(UserError, match=words):
        scratch(given, tmp_path / "x", family, **{**SHAPE, **changed})
    assert not list(tmp_path.iterdir())


def test_a_text_with_few_pieces_gives_a_small_vocabulary(family, tmp_path):
    scratch(["ab ab ab"], tmp_path / "x", family, vocab_size=1000, **SHAPE)
    model = load_model(tmp_path / "x")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "x")
    assert model.config.vocab_size == len(tokenizer) < 20


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_an_encoder_over_bytes(family, tmp_path):
    for name in ("a", "b"):
        scratch(texts(), tmp_path / name, family, vocab_size=300, dropout=0.2, **SHAPE)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "a")
    config, tokenizer = model.config, AutoTokenizer.from_pretrained(tmp_path / "a")
    assert (config.vocab_size, config.hidden_size, config.intermediate_size) == (300, 16, 24)
    assert (config.num_hidden_layers, config.num_attention_heads) == (2, 4)
    assert (longest_input(config), tokenizer.model_max_length) == (32, 32)
    if family == "modernbert":
        assert config.embedding_dropout == config.mlp_dropout == config.attention_dropout == 0.2
    else:
        assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.2
    for role in ("bos", "eos", "pad", *(("cls", "sep") if family == "modernbert" else ())):
        assert getattr(config, f"{role}_token_id") == getattr(tokenizer, f"{role}_token_id")
    assert tokenizer.decode(tokenizer("qattus ħ漢🙂")["input_ids"][1:-1]).strip() == "qattus ħ漢🙂"
    words = ["qattus", "kelb"]
    given = tokenizer(words, is_split_into_words=True)["input_ids"]
    assert given == tokenizer(" ".join(words))["input_ids"]
    assert model(**tokenizer("qattus", return_tensors="pt")).logits.isfinite().all()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hidden_size": 20}, "gives each of 4 attention heads an odd width.*a multiple of 8"),
        ({"vocab_size": 200}, "the text and the special tokens alone are 261 pieces"),
    ],
)
def test_a_modernbert_that_cannot_be_is_refused(changed, words, tmp_path):
    with pytest.raises(UserError, match=words):
        scratch(texts(), tmp_path / "x", "modernbert", **{"vocab_size": 300, **SHAPE, **changed})
    with pytest.raises(UserError, match="the text holds no words"):
        scratch([" "], tmp_path / "x", "modernbert", vocab_size=300, **SHAPE)


def test_a_given_tokenizer_with_gemmas_special_tokens(tmp_path):
    byte_fallback(texts(), 60).save(str(tmp_path / "tokenizer.json"))
    scratch([], tmp_path / "x", "modernbert", tokenizer_from=tmp_path, **SHAPE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "x")
    assert (tokenizer.cls_token, tokenizer.sep_token) == ("<bos>", "<eos>")
    assert load_model(tmp_path / "x").config.cls_token_id == tokenizer.cls_token_id == 2
