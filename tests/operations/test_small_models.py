"""Ready-made small models in the form they are published in: configurations, names, vocabularies.

Weights are random and narrow; the configurations' other keys, the tensors' names and the
tokenizers are those of the uploads. Sizes are those of the true shapes.
"""

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    XLMRobertaConfig,
)

from monoglot.checkpoints import count_parameters, load_model
from monoglot.evaluate import adapter_models
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.evaluate.task_classification import Classification
from monoglot.operations.pretrained import pretrained
from monoglot.operations.surgery import gather_rows
from monoglot.operations.trim_vocab import trim_vocab
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
CONFIGS = {"bert": BertConfig, "xlm-roberta": XLMRobertaConfig, "distilbert": DistilBertConfig}
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
    ],
)
def test_sizes_as_tables_count_them(published, rows, whole, trimmed):
    """A masked language model without pooler, as `pretrained` writes it and at 40,000 pieces."""
    with torch.device("meta"):
        model = gather_rows(AutoModelForMaskedLM.from_config(config_of(published)), range(rows))
        smaller = gather_rows(model, range(40_005))
    assert (count_parameters(model), count_parameters(smaller)) == (whole, trimmed)


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
    trim_vocab(taken, out, TEXTS, TEXTS, 30, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["count"] == "tokens"
    assert len(AutoTokenizer.from_pretrained(out)) == load_model(out).config.vocab_size == 35
    assert adapter_models.max_positions(adapter_models.load_encoder(out)) == 512
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
    trim_vocab(tmp_path / "out", tmp_path / "trimmed", texts, texts, 400, tmp_path / "report.json")
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
    trim_vocab(out, tmp_path / "trimmed", texts, texts, 300, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["count"] == "documents"
    assert load_model(tmp_path / "trimmed").config.vocab_size == 305
