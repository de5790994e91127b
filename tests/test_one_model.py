"""Models as people have them: what `trim` and `shrink` keep, and what they refuse."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import TEXTS, randomise, tiny
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModel, AutoTokenizer, BertForPreTraining, XLMRobertaModel

from monoglot import tokenizer_json
from monoglot.checkpoints import PRECISIONS, dtypes_of, load_model, parsed_config
from monoglot.errors import UserError, first_line
from monoglot.one_model import find, load, trim_folder
from monoglot.operations.pretrained import pretrained


def saved(folder: Path, architecture: str = "bert", model=None, **changes) -> Path:
    made, tokenizer = tiny(architecture, **changes)
    (model or made).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def with_weights(folder: Path, **more: torch.Tensor) -> None:
    weights = load_file(folder / "model.safetensors")
    named = {name.replace("__", "."): value for name, value in more.items()}
    save_file(weights | named, folder / "model.safetensors", {"format": "pt"})


def trimmed(folder: Path, out: Path, size: int = 60) -> dict:
    return trim_folder(load(folder, "in"), out, TEXTS * 10, size)


# Weights


@pytest.mark.parametrize(
    "name",
    ["crf__transitions", "bert__encoder__layer__0__adapters__x__down__weight", "score__weight"],
)
def test_weights_that_would_be_lost_are_named(tmp_path, name):
    folder = saved(tmp_path / "in")
    with_weights(folder, **{name: torch.ones(2, 2)})
    for read in (lambda: load(folder, "in"), lambda: load_model(folder)):
        with pytest.raises(UserError, match=f"has no place for {name.replace('__', '.')}, which"):
            read()


def test_weights_of_pretraining_may_go(tmp_path):
    made, _ = tiny("bert")
    model = BertForPreTraining(made.config)
    randomise(model)
    folder = saved(tmp_path / "in", model=model)
    pretrained(folder, tmp_path / "out", "bert")
    assert not any(
        "seq_relationship" in name for name in load_file(tmp_path / "out" / "model.safetensors")
    )


def test_an_encoder_without_a_pooler_stays_one(tmp_path):
    made, _ = tiny("xlm-roberta")
    model = XLMRobertaModel(made.config, add_pooling_layer=False)
    randomise(model)
    folder = saved(tmp_path / "in", "xlm-roberta", model)
    trimmed(folder, tmp_path / "out")
    assert not any("pooler" in name for name in load_file(tmp_path / "out" / "model.safetensors"))
    AutoModel.from_pretrained(tmp_path / "out", add_pooling_layer=False)


def test_an_encoder_without_more_than_its_pooler_is_refused(tmp_path):
    made, _ = tiny("xlm-roberta")
    folder = saved(
        tmp_path / "in", "xlm-roberta", XLMRobertaModel(made.config, add_pooling_layer=False)
    )
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        UserError, match=r"has no weights for encoder\.layer\.1\.output\.dense\.weight"
    ):
        load(folder, "in")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_trimming_keeps_the_type_of_weights_and_tells_sizes_on_disk(tmp_path, dtype):
    made, _ = tiny("bert")
    folder = saved(tmp_path / "in", model=made.to(dtype))
    report = trimmed(folder, tmp_path / "out")
    assert {PRECISIONS[one] for one in dtypes_of(tmp_path / "out").values()} == {str(dtype)[6:]}
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == str(dtype)[6:]
    sizes = {name: (tmp_path / name / "model.safetensors").stat().st_size for name in ("in", "out")}
    assert report["bytes"] == {"before": sizes["in"], "after": sizes["out"]}
    assert sizes["out"] < sizes["in"]


def test_each_weight_keeps_its_own_type(tmp_path):
    made, _ = tiny("bert")
    made = made.to(torch.bfloat16)
    made.bert.encoder.layer[1].output.LayerNorm.to(torch.float32)
    folder = saved(tmp_path / "in", model=made)
    trimmed(folder, tmp_path / "out")
    types = dtypes_of(tmp_path / "out")
    fine = {name for name, dtype in types.items() if dtype == "F32"}
    norm = "bert.encoder.layer.1.output.LayerNorm."
    assert fine == {f"{norm}bias", f"{norm}weight"}
    assert set(types.values()) == {"F32", "BF16"}


def test_weights_that_are_no_floating_point_numbers_are_named(tmp_path):
    folder = saved(tmp_path / "in")
    query = "bert.encoder.layer.0.attention.self.query.weight"
    whole = torch.ones(24, 24, dtype=torch.int8)
    with_weights(folder, **{query.replace(".", "__"): whole})
    for read in (lambda: load(folder, "in"), lambda: load_model(folder)):
        with pytest.raises(UserError, match=f"{query} is stored as I8, not as floating"):
            read()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "2_Dense/model.safetensors"])
def test_weights_beside_the_models_are_not_left_behind(tmp_path, name):
    folder = saved(tmp_path / "in")
    (folder / name).parent.mkdir(exist_ok=True)
    save_file({"linear.weight": torch.ones(2, 2)}, folder / name)
    (folder / "modules.json").write_text("[]")
    for read in (lambda: load(folder, "in"), lambda: load_model(folder)):
        with pytest.raises(UserError, match=rf"would be lost \({name}\); merge them"):
            read()


@pytest.mark.parametrize("unit", [64, 128, 256, 512])
def test_embeddings_padded_beyond_the_pieces_are_trimmed_away(tmp_path, unit):
    made, tokenizer = tiny("bert")
    made.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=unit, mean_resizing=False)
    folder = saved(tmp_path / "in", model=made)
    assert trimmed(folder, tmp_path / "out")["vocab"]["after"] == 65
    pretrained(folder, tmp_path / "whole", "bert")
    assert parsed_config(tmp_path / "whole", "whole")["vocab_size"] == len(tokenizer)


# Configurations


@pytest.mark.parametrize(
    "keys",
    [
        {"_attn_implementation": "someone/kernel"},
        {"_attn_implementation_internal": "someone/kernel"},
        {"attn_implementation": "someone/kernel:1"},
        {"auto_map": {"AutoModel": "own.Model"}},
        {"use_kernels": True},
        {"text_config": {"_attn_implementation": "someone/kernel"}},
        {"parts": [{"auto_map": {"AutoModel": "own.Model"}}]},
        {"experts_implementation": "someone/kernel"},
        {"kernel_config": {"Linear": "someone/kernel"}},
        {"transformers_weights": "/elsewhere/model.safetensors"},
    ],
)
def test_keys_that_fetch_code_are_refused_at_any_depth(tmp_path, keys):
    folder = saved(tmp_path / "in")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | keys))
    for read in (
        lambda: load(folder, "in"),
        lambda: load_model(folder),
        lambda: pretrained(folder, tmp_path / "out", "bert"),
    ):
        with pytest.raises(UserError, match="code of a checkpoint is never run"):
            read()


def test_what_names_nothing_is_no_code(tmp_path):
    folder = saved(tmp_path / "in")
    config = json.loads((folder / "config.json").read_text())
    harmless = {"_attn_implementation_autoset": True, "_attn_implementation": None, "kernel": 3}
    labels = {"label2id": {"kernel": 1}, "_name_or_path": "someone/model"}
    (folder / "config.json").write_text(json.dumps(config | harmless | labels))
    load(folder, "in")


def test_advice_to_install_or_to_trust_is_not_passed_on():
    for advice in ("pip install x", "set trust_remote_code=True", "Please install `kernels`"):
        assert first_line(ValueError(advice)) == "it is not what its library expects"
    assert first_line(KeyError("model")) == "it is not what its library expects"
    assert first_line(ValueError("the header is too short.\nMore")) == "the header is too short"


# Tokenizers


@pytest.mark.parametrize("settings", [None, {"tokenizer_class": "BertTokenizer"}])
def test_a_vocabulary_that_does_not_say_whether_it_is_cased_is_refused(tmp_path, settings):
    folder = saved(tmp_path / "in")
    pieces = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(pieces, key=pieces.get)) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    for read in (lambda: load(folder, "in"), lambda: pretrained(folder, tmp_path / "out", "bert")):
        with pytest.raises(UserError, match=r"has no tokenizer .* that says do_lower_case"):
            read()
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert load(folder, "in").tokenizer.tokenize("Kelb") != load(folder, "in").tokenizer.tokenize(
        "kelb"
    )


@pytest.mark.parametrize("settings", ["{}", '{"tokenizer_class": "BertTokenizerFast"}', None])
def test_a_tokenizer_json_is_not_lower_cased_by_what_nobody_said(tmp_path, settings):
    folder = saved(tmp_path / "in")
    (folder / "tokenizer_config.json").unlink()
    if settings:
        (folder / "tokenizer_config.json").write_text(settings)
    own = json.loads((folder / "tokenizer.json").read_text())["normalizer"]
    pretrained(folder, tmp_path / "out", "bert")
    trimmed(folder, tmp_path / "trimmed")
    for name in ("out", "trimmed"):
        made = json.loads((tmp_path / name / "tokenizer.json").read_text())
        assert made["normalizer"] == own


def test_a_folder_without_a_tokenizer_says_so(tmp_path):
    folder = tmp_path / "in"
    tiny("xlm-roberta")[0].save_pretrained(folder)
    with pytest.raises(UserError, match=r"has no tokenizer \(tokenizer\.json, or"):
        load(folder, "in")
    (folder / "sentencepiece.bpe.model").write_bytes(b"\x0a")
    with pytest.raises(UserError, match=r"has sentencepiece\.bpe\.model and no tokenizer\.json"):
        load(folder, "in")


def spoilt(folder: Path, normalizer: dict) -> Path:
    contents = json.loads((folder / "tokenizer.json").read_text())
    contents["normalizer"] = normalizer
    (folder / "tokenizer.json").write_text(json.dumps(contents))
    return folder


@pytest.mark.parametrize("charsmap", ["", "AA==", "BAAAAAECAwQ="])
def test_a_tokenizer_that_breaks_the_library_is_one_sentence(tmp_path, charsmap):
    """When it is read or, the last one, when it encodes."""
    folder = spoilt(
        saved(tmp_path / "in"), {"type": "Precompiled", "precompiled_charsmap": charsmap}
    )
    reads = [
        lambda: find(str(folder), None),
        lambda: pretrained(folder, tmp_path / "out", "bert"),
        *([lambda: load_model(folder)] if len(charsmap) < 5 else []),
    ]
    for read in reads:
        with pytest.raises(UserError, match=r"is not a valid tokenizer\.json"):
            read()
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_that_does_not_come_to_an_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_json, "SECONDS_TO_TRY", 3)
    monkeypatch.setattr(tokenizer_json, "TRIAL", "import time; time.sleep(60)")
    folder = saved(tmp_path / "in")
    with pytest.raises(UserError, match="takes more than 3 seconds to read it and to encode"):
        find(str(folder), None)


def test_a_regular_expression_that_loses_its_way_is_found(tmp_path):
    endless = {"type": "Replace", "pattern": {"Regex": "(a|a|a|aa)+$"}, "content": ""}
    folder = spoilt(saved(tmp_path / "in"), endless)
    with pytest.raises(UserError, match=r"is not a valid tokenizer\.json"):
        find(str(folder), None)


def test_a_space_before_the_text_is_kept(tmp_path):
    """The generic class of tokenizers sets it to False unless its configuration says otherwise."""
    made, tokenizer = tiny("roberta")
    tokenizer.backend_tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=True)
    made.save_pretrained(tmp_path / "in")
    tokenizer.save_pretrained(tmp_path / "in")
    trimmed(tmp_path / "in", tmp_path / "out", size=260)
    pretrained(tmp_path / "in", tmp_path / "whole", "roberta")
    own = Tokenizer.from_file(str(tmp_path / "in" / "tokenizer.json"))
    assert own.encode("il-kelb", add_special_tokens=False).tokens[0][0] == "Ġ"
    for name in ("out", "whole"):
        assert AutoTokenizer.from_pretrained(tmp_path / name).tokenize("il-kelb")[0][0] == "Ġ"


def test_a_token_that_the_configuration_names_and_nobody_has(tmp_path):
    folder = saved(tmp_path / "in")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": 5000}))
    with pytest.raises(UserError, match="names the token id 5000, which the tokenizer does not"):
        trimmed(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
