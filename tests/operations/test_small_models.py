"""Ready-made small models in the form they are published in: configurations, names, vocabularies.

Weights are random and narrow; the configurations' other keys, the tensors' names and the
tokenizers are those of the uploads. Sizes are those of the true shapes.
"""

import csv
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import byte_fallback
from tokenizers import Tokenizer
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    XLMRobertaConfig,
)

from monoglot.checkpoints import count_parameters, load_model
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.evaluate.task_classification import Classification
from monoglot.operations.pretrained import pretrained
from monoglot.operations.prune_ffn import keep_neurons
from monoglot.operations.reduce_hidden import reduce_hidden
from monoglot.operations.select_layers import select_layers
from monoglot.operations.surgery import gather_rows, longest_input
from monoglot.operations.trim_vocab import Trimming, trim_vocab
from monoglot.tokenizer_json import read_tokenizer, to_json

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
real_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no folder {DATA}")

MINILM = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "vocab_size": 250_037,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "tokenizer_class": "XLMRobertaTokenizer",
}
MMINILM = {
    "architectures": ["XLMRobertaForMaskedLM"],
    "model_type": "xlm-roberta",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "vocab_size": 250_002,
    "layer_norm_eps": 1e-5,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
}
DISTILMBERT = {
    "architectures": ["DistilBertForMaskedLM"],
    "model_type": "distilbert",
    "dim": 768,
    "n_layers": 6,
    "n_heads": 12,
    "hidden_dim": 3072,
    "max_position_embeddings": 512,
    "vocab_size": 119_547,
    "pad_token_id": 0,
    "sinusoidal_pos_embds": False,
    "tie_weights_": True,
    "output_past": True,
    "qa_dropout": 0.1,
    "seq_classif_dropout": 0.2,
}
MMBERT_SMALL = {
    "architectures": ["ModernBertForMaskedLM"],
    "model_type": "modernbert",
    "hidden_size": 384,
    "num_hidden_layers": 22,
    "num_attention_heads": 6,
    "intermediate_size": 1152,
    "max_position_embeddings": 8192,
    "vocab_size": 256_000,
    "global_attn_every_n_layers": 3,
    "local_attention": 128,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "sep_token_id": 1,
    "bos_token_id": 2,
    "cls_token_id": 2,
}
CONFIGS = {"bert": BertConfig, "xlm-roberta": XLMRobertaConfig, "distilbert": DistilBertConfig}
CONFIGS |= {"modernbert": ModernBertConfig}
NARROW = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
NARROW |= {"intermediate_size": 8, "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}
TEXTS = ["il kelb jiġri wara qattus", "il belt hija kbira", "a dog runs after the cat"]


def config_of(published, **changes):
    return CONFIGS[published["model_type"]](**published | changes)


def narrow(published, **changes):
    return published | {k: v for k, v in NARROW.items() if k in published} | changes


def upload(published, folder, head):
    """Write a model as it is published: with its own keys and tensors, pooler included."""
    torch.manual_seed(0)
    kind = AutoModelForMaskedLM if head else AutoModel
    kind.from_config(config_of(published)).save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    if not head:
        weights["embeddings.position_ids"] = torch.arange(512)[None]  # of older versions
        weights = {f"{published['model_type']}.{name}": t for name, t in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(published))


@pytest.mark.parametrize(
    ("published", "layers", "encoder"),
    [
        (MINILM, 12, 117_653_760),  # 96,212,352 + 21,293,568 + a pooler of 147,840
        (MMINILM, 12, 117_640_704),
        (MMINILM, 6, 106_993_920),
        (DISTILMBERT, 6, 134_734_080),
        (MMBERT_SMALL, 22, 140_493_696),
        (MMBERT_SMALL | {"vocab_size": 16_384}, 22, 48_481_152),  # trimmed, for Breton
    ],
)
def test_sizes_are_the_published_ones(published, layers, encoder):
    name = "n_layers" if "n_layers" in published else "num_hidden_layers"
    with torch.device("meta"):
        model = AutoModel.from_config(config_of(published, **{name: layers}))
    assert count_parameters(model) == encoder


@pytest.mark.parametrize(
    ("published", "rows", "whole", "trimmed"),
    [
        (MINILM, 250_002, 117_891_090, 37_042_245),
        (MMINILM, 250_002, 117_891_474, 37_042_629),
        (MMINILM | {"num_hidden_layers": 6}, 250_002, 107_244_690, 26_395_845),
        (DISTILMBERT, 119_547, 135_445_755, 74_277_957),
        (MMBERT_SMALL, 256_000, 140_897_536, 57_739_461),
    ],
)
def test_sizes_as_tables_count_them(published, rows, whole, trimmed):
    """A masked language model without pooler, as `pretrained` writes it and at 40,000 pieces."""
    with torch.device("meta"):
        model = gather_rows(AutoModelForMaskedLM.from_config(config_of(published)), range(rows))
        smaller = gather_rows(model, range(40_005))
    assert (count_parameters(model), count_parameters(smaller)) == (whole, trimmed)


def test_mmbert_smaller_at_its_true_shape():
    """The same counts as of what each operation makes, without a weight."""
    with torch.device("meta"):
        whole = AutoModelForMaskedLM.from_config(config_of(MMBERT_SMALL))
        encoder = whole.base_model
        assert count_parameters(gather_rows(encoder, range(16_384))) == 48_481_152
        layers = select_layers(whole, 11, "stride", seed=0)
        neurons = keep_neurons(layers, [torch.arange(768)] * 11)
        narrow = reduce_hidden(neurons, 256, "truncate")
        trimmed = gather_rows(narrow, range(16_384))
    layer = 4 * 384**2 + 3 * 384 * 1152 + 2 * 384
    rest = 384**2 + 256_001 * 384 + 2 * 384 - 384 + 256_000  # the first layer has one norm
    assert count_parameters(whole) == 22 * layer + rest == 140_897_536
    assert count_parameters(layers) == 11 * layer + rest
    assert count_parameters(neurons) == 11 * (layer - 3 * 384 * 384) + rest
    layer, rest = 4 * 256**2 + 3 * 256 * 768 + 2 * 256, 256**2 + 2 * 256
    assert narrow.config.num_attention_heads == 4
    assert count_parameters(narrow) == 11 * layer + rest + 256_000 * 257
    assert count_parameters(trimmed) == 11 * layer + rest + 16_384 * 257


@pytest.fixture
def mmbert(tmp_path):
    """mmBERT in small: its tokenizer has names for the ends of a text, but none for cls and sep."""
    texts = [f"{one} {two}" for one in TEXTS for two in TEXTS]
    backend = byte_fallback(texts, 60)
    folder, rows = tmp_path / "upload", backend.get_vocab_size()
    shape = {"num_hidden_layers": 6, "intermediate_size": 12, "local_attention": 8}
    upload(narrow(MMBERT_SMALL, vocab_size=rows + 3, **shape), folder, head=True)
    backend.save(str(folder / "tokenizer.json"))
    names = {f"{role}_token": f"<{role}>" for role in ("bos", "eos", "pad", "unk", "mask")}
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return folder


def test_mmbert_in_small_goes_the_whole_way(mmbert, script, tmp_path):
    """From the upload to a score, each step by its script; each loads with stock classes."""
    steps = {name: tmp_path / name for name in ("base", "layers", "ffn", "hidden", "kd", "vocab")}

    def make(name, *options, out=None, parent=None):
        more = ["--parent", steps[parent]] if parent else []
        assert script(name, *more, "--out", steps[out], *map(str, options)) is None

    def tokens(of, name):
        lines = pa.table({"text": TEXTS * 6})
        pq.write_table(lines, tmp_path / "text.parquet")
        made = ["--text", tmp_path / "text.parquet", "--tokenizer", steps[of]]
        assert script("build_tokens", *made, "--out", tmp_path / name) is None
        return tmp_path / name

    make("pretrained", "--folder", mmbert, "--family", "modernbert", out="base")
    settings = json.loads((steps["base"] / "tokenizer_config.json").read_text())
    assert (settings["cls_token"], settings["sep_token"]) == ("<bos>", "<eos>")
    text = tokens("base", "tokens")
    make("select_layers", "--layers", 3, "--strategy", "stride", out="layers", parent="base")
    how = ["--size", 8, "--max-length", 32, "--head-order", "importance", "--validation", text]
    make("prune_ffn", *how, out="ffn", parent="layers")
    make("reduce_hidden", "--size", 4, "--method", "truncate", out="hidden", parent="ffn")
    how = ["--steps", 4, "--max-length", 16, "--loss", "mse", "--teacher", steps["base"]]
    make("train", *how, "--tokens", text, "--validation", text, out="kd", parent="hidden")
    how = ["--size", 270, "--text", tmp_path / "text.parquet"]
    how += ["--heldout", tmp_path / "text.parquet", "--report", tmp_path / "report.json"]
    make("trim_vocab", *how, out="vocab", parent="kd")
    for name, folder in steps.items():
        model = AutoModelForMaskedLM.from_pretrained(folder)
        batch = AutoTokenizer.from_pretrained(folder)(TEXTS[0], return_tensors="pt")
        assert model(**batch).logits.isfinite().all(), name
    config = model.config
    assert (config.num_hidden_layers, config.intermediate_size, config.hidden_size) == (3, 8, 4)
    assert (config.num_attention_heads, config.vocab_size) == (1, 275)
    assert len(list(csv.DictReader((steps["kd"] / "history.csv").open()))) > 1

    rows = [("train", "a dog", "a"), ("dev", "il belt", "b"), ("test", "il kelb", "b")]
    table = pa.table(dict(zip(("split", "text", "label"), zip(*rows, strict=True), strict=True)))
    pq.write_table(table, tmp_path / "examples.parquet")
    task = Classification(labels=["a", "b"], metric="accuracy").named("tc")
    how = TuningSettings(epochs=1, max_length=32, reduction_factor=2)
    names = Names("mmbert", "mt", "vocab")
    out = tmp_path / "scores"
    evaluate(steps["vocab"], tmp_path / "examples.parquet", task, how, [1], names, out)
    record = read_record(out / "seed1.json")
    assert record["parameters"] == count_parameters(load_model(steps["vocab"]))
    assert record["adapter_parameters"] == 3 * (2 * 4 * 2 + 2 + 4)


@pytest.fixture
def minilm(tiny_checkpoint, tmp_path):
    """Multilingual-MiniLM in small: a BERT encoder, and XLM-R's tokenizer three pieces short."""
    xlmr, folder = tiny_checkpoint("xlm-roberta"), tmp_path / "upload"
    rows = Tokenizer.from_file(str(xlmr / "tokenizer.json")).get_vocab_size() + 3
    upload(narrow(MINILM, vocab_size=rows), folder, head=False)
    shutil.copyfile(xlmr / "tokenizer.json", folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512}))
    return folder


@pytest.fixture
def taken(minilm, tmp_path):
    pretrained(minilm, tmp_path / "taken", "bert", head="fresh")
    return tmp_path / "taken"


def test_a_bert_encoder_keeps_the_tokenizer_of_xlmr(minilm, taken, tiny_checkpoint):
    ours, theirs = (
        AutoTokenizer.from_pretrained(f) for f in (taken, tiny_checkpoint("xlm-roberta"))
    )
    assert [ours(text)["input_ids"] for text in TEXTS] == [theirs(t)["input_ids"] for t in TEXTS]
    assert (ours.cls_token, ours.pad_token, ours.mask_token) == ("<s>", "<pad>", "<mask>")
    assert (ours.model_max_length, len(ours)) == (512, len(theirs))
    model = load_model(taken)
    assert (model.config.vocab_size, model.config.pad_token_id) == (len(ours), ours.pad_token_id)
    batch = ours(TEXTS, padding=True, return_tensors="pt")
    upload = AutoModel.from_pretrained(minilm).eval()
    with torch.no_grad():
        found = model.base_model(**batch).last_hidden_state
        assert torch.equal(found, upload(**batch).last_hidden_state)
        stock = AutoModel.from_pretrained(taken)
        assert torch.equal(stock(**batch).last_hidden_state, found)


def test_it_is_trimmed_and_scored_like_the_others(taken, tmp_path):
    out = tmp_path / "trimmed"
    trim_vocab(taken, out, TEXTS, TEXTS, Trimming(size=30), tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["count"] == "tokens"
    assert len(AutoTokenizer.from_pretrained(out)) == load_model(out).config.vocab_size == 35
    assert longest_input(load_model(out).config) == 512
    rows = {"split": ["train", "test"] * 4, "text": TEXTS[:2] * 4, "label": ["a", "b"] * 4}
    pq.write_table(pa.table(rows), tmp_path / "tc.parquet")
    task = Classification(labels=["a", "b"], metric="accuracy").named("tc")
    settings = TuningSettings(
        reduction_factor=2,
        learning_rate=0.01,
        batch_size=4,
        epochs=1,
        max_length=512,
        weight_decay=0.0,
        warmup=0.0,
        checkpoint="last",
        label_subtokens="all",
        seeds_affect="initialisation",
    )
    names = Names("minilm", "mt", "base")
    evaluate(out, tmp_path / "tc.parquet", task, settings, [1], names, tmp_path / "scores")
    record = read_record(tmp_path / "scores" / "seed1.json")
    assert record["parameters"] == count_parameters(load_model(out))


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize("published", [MINILM, MMINILM])
def test_unigram_models_with_the_published_tokenizer(published, tmp_path):
    source, family = tmp_path / "upload", published["model_type"]
    upload(narrow(published), source, head=published is MMINILM)
    tokenizer = read_tokenizer(DATA / "tokenizers" / "xlmr" / "tokenizer.json.gz", "xlm-roberta")
    (source / "tokenizer.json").write_text(to_json(tokenizer))
    (source / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512}))
    pretrained(
        source, tmp_path / "out", family, head="trained" if published is MMINILM else "fresh"
    )
    ours = AutoTokenizer.from_pretrained(tmp_path / "out")
    expected = json.loads((DATA / "tokenizers" / "xlmr" / "expected_mt.json").read_text())
    for row in expected:
        assert ours(row["text"], add_special_tokens=False)["input_ids"] == row["ids"]
    model = load_model(tmp_path / "out")
    assert (model.config.vocab_size, model.config.pad_token_id) == (250_002, 1)
    texts = [row["text"] for row in expected]
    how, report = Trimming(size=400), tmp_path / "report.json"
    trim_vocab(tmp_path / "out", tmp_path / "trimmed", texts, texts, how, report)
    smaller, cut = (
        AutoTokenizer.from_pretrained(tmp_path / "trimmed"),
        load_model(tmp_path / "trimmed"),
    )
    ids = [smaller.convert_tokens_to_ids(t) for t in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]
    assert ids == [0, 1, 2, 3, 404]
    with torch.no_grad():
        old, new = (t(texts[0], return_tensors="pt") for t in (ours, smaller))
        assert smaller.convert_ids_to_tokens(new["input_ids"][0]) == ours.convert_ids_to_tokens(
            old["input_ids"][0]
        )
        whole, part = (m.base_model(**x).last_hidden_state for m, x in ((model, old), (cut, new)))
    assert torch.equal(whole, part)


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize("with_json", [True, False])
def test_distilmbert_with_the_published_vocabulary(with_json, tmp_path):
    source, out = tmp_path / "upload", tmp_path / "out"
    upload(narrow(DISTILMBERT), source, head=True)
    vocabulary = DATA / "tokenizers" / "mbert" / "vocab.txt"
    shutil.copyfile(vocabulary, source / "vocab.txt")
    settings = {"do_lower_case": False, "model_max_length": 512}
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    if with_json:
        tokenizer = to_json(read_tokenizer(vocabulary, "distilbert"))
        (source / "tokenizer.json").write_text(tokenizer)
    pretrained(source, out, "distilbert")
    ours, stock = AutoTokenizer.from_pretrained(out), AutoTokenizer.from_pretrained(source)
    texts = ["Ħobż Maltese, Bratislava žĎ", "habari ya asubuhi", "É [MASK]"]
    assert [dict(ours(text)) for text in texts] == [dict(stock(text)) for text in texts]
    assert ours.tokenize("Bratislava") != ours.tokenize("bratislava")
    assert (ours.pad_token_id, ours.cls_token_id, len(ours)) == (0, 101, 119_547)
    model = AutoModelForMaskedLM.from_pretrained(out).eval()
    batch = ours(texts, padding=True, return_tensors="pt")
    assert set(batch) == {"input_ids", "attention_mask"}
    published = AutoModelForMaskedLM.from_pretrained(source).eval()
    assert torch.equal(model(**batch).logits, published(**batch).logits)
    trim_vocab(
        out, tmp_path / "trimmed", texts, texts, Trimming(size=300), tmp_path / "report.json"
    )
    assert json.loads((tmp_path / "report.json").read_text())["count"] == "documents"
    assert load_model(tmp_path / "trimmed").config.vocab_size == 305
