import copy
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, BertConfig

from monoglot.checkpoints import FILES, count_parameters, load_model
from monoglot.errors import UserError
from monoglot.keys import flags
from monoglot.operations.surgery import gather_rows
from monoglot.operations.trim_vocab import Trimming, _renumbered, trim_vocab
from monoglot.operations.trimming import special_ids, trim
from monoglot.tokenizer_json import read_settings, read_tokenizer, to_json
from monoglot.tokens import store as store_module
from monoglot.tokens.encode import encode_batches
from monoglot.tokens.store import TokenStore, build_store

ROOT = Path(__file__).parents[2]
TEXTS = [
    "il kelb jiġri wara qattus",
    "il belt hija kbira",
    "il dar",
    "a a a a a a a a",
    "kelbat fil dar.",
]
HELDOUT = ["il kelb hija kbira.", "the dog runs after cat ß xyz", "il kelb il kelb"]


@pytest.fixture(params=["bert", "xlm-roberta", "distilbert", "electra", "deberta-v2"])
def family(request):
    return request.param


@pytest.fixture
def trimmed(parent, tmp_path):
    out = tmp_path / "trimmed"
    trim_vocab(parent, out, TEXTS, HELDOUT, Trimming(size=24), out / "trim_report.json")
    return out


@pytest.fixture
def kept(parent, trimmed):
    """Old id of every new id, by the pieces' names."""
    old, new = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (parent, trimmed))
    return [old.token_to_id(new.id_to_token(i)) for i in range(new.get_vocab_size())]


def test_loads_with_stock_classes(trimmed):
    assert sorted(f.name for f in trimmed.iterdir()) == sorted((*FILES, "trim_report.json"))
    model = AutoModelForMaskedLM.from_pretrained(trimmed)
    assert model.config.vocab_size == 29
    assert model.get_input_embeddings().weight.shape[0] == 29
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert AutoModel.from_pretrained(trimmed).get_input_embeddings().weight.shape[0] == 29
    assert len(AutoTokenizer.from_pretrained(trimmed)) == 29


def test_logits_at_kept_pieces_are_the_parents(parent, model, trimmed, kept):
    tokenizers = [AutoTokenizer.from_pretrained(folder) for folder in (parent, trimmed)]
    assert any(i != old for i, old in enumerate(kept))
    smaller = load_model(trimmed)
    for text in ("il kelb", "dar il belt hija", "kelb il dar dar dar"):
        old, new = (tokenizer(text, return_tensors="pt") for tokenizer in tokenizers)
        assert [kept[i] for i in new["input_ids"][0]] == old["input_ids"][0].tolist()
        expected = model(**old).logits[..., kept]
        torch.testing.assert_close(smaller(**new).logits, expected, rtol=1e-5, atol=1e-6)


def test_rows_and_bias_are_gathered_and_the_rest_stays(model, trimmed, kept):
    old, new = model.state_dict(), load_model(trimmed).state_dict()
    assert old.keys() == new.keys()
    vocab_sized = 0
    for name, tensor in new.items():
        rows = tensor.shape[0] == 29
        vocab_sized += rows
        assert torch.equal(tensor, old[name][kept] if rows else old[name]), name
    # Embeddings, the tied decoder, and the bias, which most families have under two names.
    assert vocab_sized == (3 if model.config.model_type in ("distilbert", "electra") else 4)


def test_gathered_model_equals_its_naive_twin(model, inputs):
    """A second model, initialised at random, and every tensor copied into it."""
    kept = [0, 1, 2, 3, 4, *range(70, 10, -2)]
    config = copy.deepcopy(model.config)
    config.vocab_size = len(kept)
    torch.manual_seed(0)
    twin = type(model)(config).eval()
    rows = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().bias)}
    with torch.no_grad():
        for name, target in twin.named_parameters():
            source = model.get_parameter(name)
            target.copy_(source[kept] if id(source) in rows else source)
    found = gather_rows(model, kept)
    assert not found.training
    assert [name for name, _ in found.named_parameters()] == [n for n, _ in twin.named_parameters()]
    expected = twin.state_dict()
    assert found.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[n]) for n, tensor in found.state_dict().items())
    assert found.get_input_embeddings().weight is found.get_output_embeddings().weight
    assert [b.device.type for b in found.buffers()] == [b.device.type for b in twin.buffers()]
    assert all(parameter.requires_grad for parameter in found.parameters())
    given = {**inputs, "input_ids": inputs["input_ids"] % len(kept)}
    assert torch.equal(found(**given).logits, twin(**given).logits)


def test_a_store_of_the_text_gives_the_same_bytes_as_the_text(parent, trimmed, tmp_path):
    build_store([*TEXTS, ""], parent, tmp_path / "store")
    out, store = tmp_path / "other", TokenStore(tmp_path / "store")
    trim_vocab(parent, out, [store], HELDOUT, Trimming(size=24), out / "trim_report.json")
    for name in (*FILES, "trim_report.json"):
        assert (out / name).read_bytes() == (trimmed / name).read_bytes(), name


def test_stores_with_shares_are_their_first_documents(parent, tmp_path):
    build_store(TEXTS, parent, tmp_path / "one")
    build_store(HELDOUT * 2, parent, tmp_path / "two")
    found = {}
    for name, texts, shares in (
        ("texts", [*TEXTS[:2], *HELDOUT[:1]], None),
        ("stores", [TokenStore(tmp_path / "one"), TokenStore(tmp_path / "two")], [0.4, 0.01]),
        ("all", [TokenStore(tmp_path / "one"), TokenStore(tmp_path / "two")], None),
    ):
        out = tmp_path / name
        report = out / "trim_report.json"
        trim_vocab(parent, out, texts, HELDOUT, Trimming(size=24), report, shares=shares)
        found[name] = [(out / name).read_bytes() for name in (*FILES, "trim_report.json")]
    assert found["stores"] == found["texts"]
    assert json.loads(found["all"][-1])["text"]["documents"] == len(TEXTS) + 2 * len(HELDOUT)


def test_the_first_documents_of_a_store_in_batches(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "BATCH_TOKENS", 8)
    build_store(TEXTS, parent, tmp_path / "store")
    store = TokenStore(tmp_path / "store")
    for number in range(1, len(TEXTS) + 1):
        batches = list(store.batches(number))
        ids = [one for batch in batches for one in batch.split()]
        assert ids == [store[i].tolist() for i in range(number)]


def test_a_vocabulary_of_a_multiple(parent, tmp_path):
    out = tmp_path / "out"
    report = out / "trim_report.json"
    how = Trimming(size=24, pad_to_multiple_of=16)
    trim_vocab(parent, out, TEXTS, HELDOUT, how, report)
    assert load_model(out).config.vocab_size == 32
    assert Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab_size() == 32
    assert json.loads(report.read_text())["size"] == 27


def test_a_store_of_another_tokenizer_is_refused(parent, trimmed, tmp_path):
    build_store(TEXTS, trimmed, tmp_path / "store")
    store = TokenStore(tmp_path / "store")
    with pytest.raises(UserError, match="was made by another tokenizer than"):
        how, report = Trimming(size=24), tmp_path / "report.json"
        trim_vocab(parent, tmp_path / "x", [store], HELDOUT, how, report)
    assert not (tmp_path / "x").exists()


def test_ids_in_the_configuration_follow(parent, trimmed, model, kept):
    old, new = (json.loads((f / "config.json").read_text()) for f in (parent, trimmed))
    keys = [key for key, value in old.items() if key.endswith("_token_id") and value is not None]
    assert "pad_token_id" in keys
    assert all(kept[new[key]] == old[key] for key in keys)
    ids = {"pad_token_id": 9, "eos_token_id": [8, 9], "sep_token_id": 7, "mask_token_id": 6}
    config = BertConfig(vocab_size=10, hidden_size=12, num_hidden_layers=1, **ids)
    smaller = gather_rows(AutoModelForMaskedLM.from_config(config), [0, 9, 8, 7, 6]).config
    assert (smaller.pad_token_id, smaller.eos_token_id) == (1, [2, 1])
    assert (smaller.sep_token_id, smaller.mask_token_id, smaller.vocab_size) == (3, 4, 5)


def test_special_tokens_of_the_tokenizer_follow(parent, trimmed):
    old, new = (AutoTokenizer.from_pretrained(folder) for folder in (parent, trimmed))
    assert old.special_tokens_map == new.special_tokens_map
    assert new.mask_token_id == new.convert_tokens_to_ids(new.mask_token) < 29
    assert new.unk_token_id == old.unk_token_id
    assert new.pad_token_id == old.pad_token_id
    assert (new.model_max_length, new.model_input_names) == (64, old.model_input_names)
    batch = new(["il", "il kelb"], padding=True)["input_ids"]
    assert batch[0][-1] == new.pad_token_id
    text = f"il {new.mask_token} dar"
    assert new.decode(new(text)["input_ids"]) == old.decode(old(text)["input_ids"])


def test_added_tokens_in_the_tokenizers_settings_follow(parent, trimmed, family):
    """They are listed by their ids there, and once more in `tokenizer.json`."""
    old, new = (
        json.loads((f / "tokenizer_config.json").read_text())["added_tokens_decoder"]
        for f in (parent, trimmed)
    )
    old_ids, new_ids = ({t["content"]: i for i, t in side.items()} for side in (old, new))
    assert {old_ids[content]: new[i] for content, i in new_ids.items()} == old
    listed = json.loads((trimmed / "tokenizer.json").read_text())["added_tokens"]
    expected = {str(token["id"]): token["content"] for token in listed}
    assert {i: token["content"] for i, token in new.items()} == expected
    last = family in ("xlm-roberta", "deberta-v2")
    assert (old.keys() != new.keys()) == last, "their mask is the last piece"


def test_settings_without_a_list_of_added_tokens_get_none():
    assert _renumbered({"do_lower_case": True}, [2, 1]) == {"do_lower_case": True}


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_counting_by_documents_and_by_tokens_differ(parent, family, tmp_path):
    """`a` is the most frequent token, but stands in one document only."""
    kept = {}
    unigram = family == "xlm-roberta"
    size = 3 if unigram else 1  # two Unigram pieces stay whatever the counts
    default = "tokens" if unigram else "documents"
    for count in (None, "documents", "tokens"):
        out = tmp_path / str(count)
        how = Trimming(size=size, count=count)
        trim_vocab(parent, out, TEXTS, HELDOUT, how, tmp_path / "report.json")
        kept[count] = set(Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab())
        assert json.loads((tmp_path / "report.json").read_text())["count"] == (count or default)
    a = "▁a" if unigram else "a"
    assert a in kept["tokens"]
    assert a not in kept["documents"]
    assert kept[None] == kept[default]


def test_report_equals_its_naive_twin(parent, trimmed, kept):
    report = json.loads((trimmed / "trim_report.json").read_text())
    old, new = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (parent, trimmed))
    tokens = Counter(i for text in TEXTS for i in old.encode(text, add_special_tokens=False).ids)
    assert report["text"] == {
        "documents": len(TEXTS),
        "tokens": tokens.total(),
        "coverage": sum(tokens[i] for i in kept) / tokens.total(),
        "pieces": len(tokens),
        "pieces_kept": sum(i in tokens for i in kept),
    }
    assert (report["vocab"], report["special"]) == (
        {"before": old.get_vocab_size(), "after": 29},
        5,
    )
    words = [word for text in HELDOUT for word in text.split()]
    unknown = old.token_to_id("[UNK]") or old.token_to_id("<unk>")
    before = [old.encode(word, add_special_tokens=False).ids for word in words]
    after = [[kept[i] for i in new.encode(w, add_special_tokens=False).ids] for w in words]
    expected = {"words": len(words), "unknown_rate": {}, "fertility": {}}
    for name, encoded in (("before", before), ("after", after)):
        ids = [i for word in encoded for i in word]
        expected["unknown_rate"][name] = ids.count(unknown) / len(ids)
        expected["fertility"][name] = len(ids) / len(words)
    expected["changed_words"] = sum(b != a for b, a in zip(before, after, strict=True)) / len(words)
    assert report["heldout"] == expected
    assert 0 < expected["changed_words"] < 1
    assert expected["unknown_rate"]["before"] > 0


def test_ids_that_only_the_configuration_names_stay(model, parent, family):
    """As one of a model that generates may be: a piece that is no special token otherwise."""
    tokenizer, names = read_tokenizer(parent, family), read_settings(parent)
    free = model.config.vocab_size - 2  # never occurs
    assert free not in special_ids(tokenizer, names)
    encoder = Tokenizer.from_str(to_json(tokenizer))
    model.config.decoder_start_token_id = free
    made = trim(model, tokenizer, names, encode_batches(encoder, TEXTS), None, Trimming(size=20))
    assert free in made.kept
    assert made.kept[made.model.config.decoder_start_token_id] == free
    assert "heldout" not in made.report


def test_script_gives_the_same_bytes_whatever_the_hash_seed(parent, tmp_path):
    for name, texts in (("text", TEXTS), ("heldout", HELDOUT)):
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{name}.parquet")
    for seed in ("0", "1"):
        out = tmp_path / seed
        command = [sys.executable, ROOT / "scripts" / "trim_vocab.py", "--parent", parent]
        command += ["--text", tmp_path / "text.parquet", "--heldout", tmp_path / "heldout.parquet"]
        command += ["--size", "24", "--out", out, "--report", out / "trim_report.json"]
        command += shlex.split(flags({"keep": ["dog: ", "il"]}))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, env=environment)
    for name in (*FILES, "trim_report.json"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes(), name
    assert json.loads((tmp_path / "0" / "trim_report.json").read_text())["keep"] == ["dog: ", "il"]


def test_script_with_a_share_for_each_store(parent, tmp_path):
    pq.write_table(pa.table({"text": HELDOUT}), tmp_path / "heldout.parquet")
    stores = [tmp_path / "one", tmp_path / "two"]
    for folder in stores:
        build_store(TEXTS, parent, folder)
    out = tmp_path / "out"
    words = ["--parent", parent, "--tokens", *stores, "--heldout", tmp_path / "heldout.parquet"]
    words += [tmp_path / "heldout.parquet", "--out", out, "--report", out / "trim_report.json"]
    words += ["--size", "24", "--shares", "1"]
    command = [sys.executable, ROOT / "scripts" / "trim_vocab.py", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "--shares needs one number for each store" in wrong.stderr
    subprocess.run([*command, "0.2"], check=True, env=environment)
    report = json.loads((out / "trim_report.json").read_text())
    assert report["text"]["documents"] == len(TEXTS) + 1
    words = sum(len(text.split()) for text in HELDOUT)
    assert report["heldout"]["words"] == 2 * words


@pytest.mark.parametrize(
    ("texts", "heldout", "size", "words"),
    [
        ([], HELDOUT, 20, "the text holds no words"),
        (["", ""], HELDOUT, 20, "the text holds no words"),
        (TEXTS, [" "], 20, "the held-out text holds no words"),
        (TEXTS, HELDOUT, 5000, "size is 5000, but the model has"),
    ],
)
def test_bad_arguments_are_refused(parent, texts, heldout, size, words, tmp_path):
    with pytest.raises(UserError, match=words):
        trim_vocab(
            parent, tmp_path / "x", texts, heldout, Trimming(size=size), tmp_path / "report.json"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [564, 456, 312])
@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_paper_sizes(family, width):
    """40,000 pieces and five special tokens give the paper's exact parameter counts."""
    from transformers import XLMRobertaConfig

    expected = {
        "bert": {564: 44_751_549, 456: 34_960_917, 312: 22_813_941},
        "xlm-roberta": {564: 44_752_113, 456: 34_961_373, 312: 22_814_253},
    }
    shape = {"hidden_size": width, "num_hidden_layers": 6, "intermediate_size": 2048}
    if family == "bert":
        config = BertConfig(vocab_size=40_010, **shape)
    else:
        config = XLMRobertaConfig(
            vocab_size=40_010, max_position_embeddings=514, type_vocab_size=1, **shape
        )
    with torch.device("meta"):
        model = AutoModelForMaskedLM.from_config(config)
        smaller = gather_rows(model, range(40_005))
    assert count_parameters(smaller) == expected[family][width]
