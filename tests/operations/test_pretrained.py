import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import DIFFERENT
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertForPreTraining,
    BertTokenizerFast,
    XLMRobertaModel,
)

from monoglot.checkpoints import FILES, load_model
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.operations.pretrained import pretrained

HUB = "some-team/some-model"
REVISION = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["il kelb jiġri.", "Il ÉKELB", "x", "", "dar <mask> [MASK] ß"]


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.fixture
def source(parent, tmp_path):
    """A copy of the tiny checkpoint that a test may spoil."""
    shutil.copytree(parent, tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Return `cache(folder)`, which lays a folder out as the Hub's cache does; no connection."""
    from huggingface_hub import constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))

    def lay_out(folder):
        repository = cache / f"models--{HUB.replace('/', '--')}"
        shutil.copytree(folder, repository / "snapshots" / REVISION)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(REVISION)

    return lay_out


def encodings(folder):
    """Ids of single texts and a pair; all inputs where the model has token types."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    types = tokenizer.cls_token == "[CLS]"
    given = [(text,) for text in TEXTS] + [("il", "dar")]
    return [dict(tokenizer(*texts, return_token_type_ids=types)) for texts in given]


def test_a_local_checkpoint_keeps_weights_and_encodings(parent, family, model, inputs, tmp_path):
    pretrained(parent, tmp_path / "out", family)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILES)
    taken = load_model(tmp_path / "out")
    assert torch.equal(taken(**inputs).logits, model(**inputs).logits)
    assert encodings(tmp_path / "out") == encodings(parent)
    for name in ("tokenizer.json", "model.safetensors"):
        assert (tmp_path / "out" / name).read_bytes() == (parent / name).read_bytes()
    settings = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["model_max_length"] == 64
    assert "source" not in (tmp_path / "out" / "config.json").read_text()


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "GemmaTokenizerFast"])
def test_a_decoders_tokenizer_gets_names_for_the_ends_of_a_text(tiny_checkpoint, kind, tmp_path):
    """As mmBERT's may be given; Gemma's class puts what it is told to around a text."""
    source = tmp_path / "source"
    shutil.copytree(tiny_checkpoint("modernbert"), source)
    names = {f"{role}_token": f"<{role}>" for role in ("bos", "eos", "pad", "unk", "mask")}
    about = {"tokenizer_class": kind, "add_bos_token": True, "add_eos_token": True, **names}
    (source / "tokenizer_config.json").write_text(json.dumps(about | {"model_max_length": 64}))
    pretrained(source, tmp_path / "out", "modernbert")
    assert encodings(tmp_path / "out") == encodings(source) != []
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = tokenizer("il kelb")["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id) == (2, 1)


def test_a_decoder_without_a_bias_is_refused(tmp_path, tiny_checkpoint):
    source = tmp_path / "source"
    shutil.copytree(tiny_checkpoint("modernbert"), source)
    config = json.loads((source / "config.json").read_text()) | {"decoder_bias": False}
    (source / "config.json").write_text(json.dumps(config))
    weights = load_file(source / "model.safetensors")
    del weights["decoder.bias"]
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="decoder has no bias"):
        pretrained(source, tmp_path / "out", "modernbert")


def test_pooler_and_next_sentence_head_are_left_out(tiny_checkpoint, tmp_path):
    parent = tiny_checkpoint("bert")
    torch.manual_seed(0)
    BertForPreTraining.from_pretrained(parent).half().save_pretrained(tmp_path / "source")
    AutoTokenizer.from_pretrained(parent).save_pretrained(tmp_path / "source")
    pretrained(tmp_path / "source", tmp_path / "out", "bert")
    weights = load_file(tmp_path / "out" / "model.safetensors")
    assert weights.keys() == load_file(parent / "model.safetensors").keys()
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("with_json", [True, False])
def test_a_bert_tokenizer_class_keeps_its_encodings(tiny_checkpoint, lower, with_json, tmp_path):
    """The class may overrule tokenizer.json; what it does is what must be written."""
    source = tmp_path / "source"
    shutil.copytree(tiny_checkpoint("bert"), source)
    vocabulary = AutoTokenizer.from_pretrained(source).get_vocab()
    (source / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)))
    settings = {"do_lower_case": lower, "tokenizer_class": "BertTokenizer", "model_max_length": 512}
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    if not with_json:
        (source / "tokenizer.json").unlink()
    stock = AutoTokenizer.from_pretrained(source)
    assert isinstance(stock, BertTokenizerFast)
    assert (stock.tokenize("IL") == ["il"]) == lower
    pretrained(source, tmp_path / "out", "bert")
    assert encodings(tmp_path / "out") == encodings(source)
    assert AutoTokenizer.from_pretrained(tmp_path / "out").model_max_length == 64


def test_stored_truncation_does_not_come_along(parent, family, source, tmp_path):
    data = json.loads((source / "tokenizer.json").read_text())
    cut = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    (source / "tokenizer.json").write_text(json.dumps({**data, "truncation": cut}))
    pretrained(source, tmp_path / "out", family)
    written = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    assert written == data


def test_another_tokenizer_can_be_taken(parent, family, source, tmp_path):
    (source / "tokenizer.json").unlink()
    pretrained(source, tmp_path / "out", family, tokenizer=parent / "tokenizer.json")
    assert encodings(tmp_path / "out") == encodings(parent)


def test_a_cached_hub_model_needs_no_connection(parent, family, hub_cache, script, tmp_path):
    hub_cache(parent)
    arguments = ["--hub", HUB, "--revision", REVISION, "--family", family]
    assert script("pretrained", *arguments, "--out", tmp_path / "out") is None
    assert encodings(tmp_path / "out") == encodings(parent)
    files = (folder / "model.safetensors" for folder in (parent, tmp_path / "out"))
    first, second = (file.read_bytes() for file in files)
    assert first == second


def test_without_cache_and_connection_both_ways_on_are_named(hub_cache, family, script, tmp_path):
    arguments = ["--hub", HUB, "--revision", REVISION, "--family", family]
    message = script("pretrained", *arguments, "--out", tmp_path / "out")
    assert message.startswith(f"error: {HUB} at revision {REVISION} is not in the cache")
    assert "connect to the Hub once" in message
    assert "local folder" in message
    assert "models.NAME.folder" in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()


def test_an_incomplete_cache_is_refused(parent, family, hub_cache, tmp_path):
    shutil.copytree(parent, tmp_path / "half")
    (tmp_path / "half" / "model.safetensors").unlink()
    hub_cache(tmp_path / "half")
    with pytest.raises(UserError, match=f"{HUB} at revision {REVISION}: has no model.safetensors"):
        pretrained(HUB, tmp_path / "out", family, REVISION)


@pytest.mark.parametrize("revision", ["main", "0123456", REVISION.upper()])
def test_a_revision_must_be_a_commit(family, revision, tmp_path):
    with pytest.raises(UserError, match=f"the revision is '{revision}'; it must be the 40"):
        pretrained(HUB, tmp_path / "out", family, revision)


def remove(name):
    return lambda source: (source / name).unlink()


def pickled(source):
    (source / "model.safetensors").rename(source / "pytorch_model.bin")


def cut(source):
    data = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(data[: len(data) // 2])


def gpt2(source):
    (source / "config.json").write_text('{"model_type": "gpt2"}')


def other_rows(source):
    config = json.loads((source / "config.json").read_text())
    weights = load_file(source / "model.safetensors")
    rows = config["vocab_size"]
    for name, tensor in weights.items():
        if tensor.shape[0] == rows:
            weights[name] = torch.cat([tensor, tensor[:64]])
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    (source / "config.json").write_text(json.dumps({**config, "vocab_size": rows + 64}))


def other_shapes(source):
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(
        json.dumps({**config, "intermediate_size": 40, "hidden_dim": 40})
    )


def untied(source):
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))


def broken_tokenizer(source):
    (source / "tokenizer.json").write_text('{"version": "1.0"')


def broken_config(source):
    (source / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, "there is no such folder"),
        (remove("config.json"), "has no config.json"),
        (broken_config, "config.json is not valid JSON"),
        (gpt2, "model_type 'gpt2'; it must be"),
        (remove("model.safetensors"), "has no model.safetensors"),
        (pickled, r"pickle files such as pytorch_model.bin are not read"),
        (cut, "the weights cannot be read"),
        (other_shapes, "the weights cannot be read"),
        (untied, "decoder is not tied"),
        (remove("tokenizer.json"), "has no tokenizer"),
        (broken_tokenizer, "is not a valid tokenizer.json"),
        (other_rows, r"the tokenizer has \d+ ids up to \d+, the model has \d+ embeddings"),
    ],
)
def test_bad_sources_are_refused(source, family, spoil, words, tmp_path):
    spoil(source)
    with pytest.raises(UserError, match=words) as caught:
        pretrained(source, tmp_path / "out", family)
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_encoder_without_its_head_is_refused(tiny_checkpoint, tmp_path):
    parent = tiny_checkpoint("xlm-roberta")
    shutil.copytree(parent, tmp_path / "source")
    XLMRobertaModel.from_pretrained(parent).save_pretrained(tmp_path / "source")
    with pytest.raises(UserError, match="has no weights for lm_head"):
        pretrained(tmp_path / "source", tmp_path / "out", "xlm-roberta")


def test_another_family_is_refused(parent, family, tmp_path):
    other = "bert" if family == "xlm-roberta" else "xlm-roberta"
    with pytest.raises(UserError, match=f"model_type '{family}'; it must be '{other}'"):
        pretrained(parent, tmp_path / "out", other)


@pytest.fixture
def deberta(tiny_checkpoint, tmp_path):
    """Return `deberta(**changes)`: a folder whose config.json has some changes."""

    def build(**changes):
        folder = shutil.copytree(tiny_checkpoint("deberta-v2"), tmp_path / "deberta")
        config = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return build


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv_kernel_size": 3}, "conv_kernel_size is 3; of the family deberta-v2, only models"),
        ({"relative_attention": False}, "relative_attention is False"),
        ({"share_att_key": False}, "share_att_key is False"),
        ({"position_biased_input": True}, "position_biased_input is True"),
        ({"pos_att_type": "c2p"}, "pos_att_type is 'c2p'"),
        ({"pos_att_type": 2}, "pos_att_type is 2"),
        ({"norm_rel_ebd": "none"}, "norm_rel_ebd is 'none'"),
        ({"legacy": False}, "legacy is False"),
        ({"attention_head_size": 8}, "attention_head_size is 8; .* it must be 6"),
        ({"embedding_size": 12}, "embedding_size is 12; .* hidden size 24 it must be 24"),
    ],
)
def test_a_deberta_of_other_parts_is_refused(deberta, changes, words, tmp_path):
    with pytest.raises(UserError, match=f"config.json: {words}"):
        pretrained(deberta(**changes), tmp_path / "out", "deberta-v2")


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.required])
def test_what_a_file_does_not_state_is_what_transformers_takes(name):
    """The plan reads the file alone."""
    family, usual = FAMILIES[name], AutoConfig.for_model(name).to_dict()
    for key, wanted in family.required.items():
        said = family.unstated.get(key, type(wanted)())
        assert (usual.get(key) or type(wanted)()) == said, key


def test_a_deberta_as_microsoft_uploads_it(deberta, tmp_path):
    """With heads of its own pretraining, unused positions, and rows up to a round number."""
    folder = deberta(vocab_size=200)
    weights = load_file(folder / "model.safetensors")
    weights = {name: one for name, one in weights.items() if name.startswith("deberta.")}
    words = weights["deberta.embeddings.word_embeddings.weight"]
    weights["deberta.embeddings.word_embeddings.weight"] = torch.cat([words, words[:80]])
    weights["deberta.embeddings.position_embeddings.weight"] = torch.ones(64, 24)
    for head in ("lm_predictions.lm_head", "mask_predictions"):
        for name in ("dense.weight", "dense.bias", "LayerNorm.weight", "LayerNorm.bias"):
            weights[f"{head}.{name}"] = torch.ones(24, 24) if name == "dense.weight" else words[0]
    weights["lm_predictions.lm_head.bias"] = torch.ones(200)
    weights = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="if 'head' is set to fresh"):
        pretrained(folder, tmp_path / "out", "deberta-v2")
    pretrained(folder, tmp_path / "out", "deberta-v2", head="fresh")
    made = load_model(tmp_path / "out")
    assert made.config.vocab_size == 120
    assert torch.equal(made.get_input_embeddings().weight, words)
    assert made.cls.predictions.bias.abs().sum() == 0
