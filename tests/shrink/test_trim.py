"""`monoglot trim`, from a folder and text files to a model with fewer pieces."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tiny_models import TEXTS, tiny
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from monoglot.one_model import save


def test_a_classifier_with_a_vocabulary_of_one_language(monoglot, text_file, tmp_path):
    _, tokenizer = tiny("xlm-roberta")
    config = tiny("xlm-roberta")[0].config
    config.num_labels = 3
    save(AutoModelForSequenceClassification.from_config(config), tokenizer, tmp_path / "model")
    out = tmp_path / "small"
    result = monoglot("trim", tmp_path / "model", out, "--text", text_file, "--size", 55)
    assert result.exit_code == 0, result.output
    assert "XLMRobertaForSequenceClassification.from_pretrained" in result.stdout
    model = AutoModelForSequenceClassification.from_pretrained(out)
    old = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    its_tokenizer = AutoTokenizer.from_pretrained(out)
    for text in TEXTS:
        new_ids, old_ids = (one(text, return_tensors="pt") for one in (its_tokenizer, tokenizer))
        names = its_tokenizer.convert_ids_to_tokens(new_ids["input_ids"][0])
        if names == tokenizer.convert_ids_to_tokens(old_ids["input_ids"][0]):
            with torch.no_grad():
                torch.testing.assert_close(model(**new_ids).logits, old(**old_ids).logits)
    report = json.loads((out / "trim_report.json").read_text())
    assert report["vocab"]["after"] == len(its_tokenizer) == 60
    assert report["bytes"]["after"] == (out / "model.safetensors").stat().st_size
    assert report["parameters"]["after"] == model.num_parameters()
    assert f"{report['parameters']['before']:,}" in result.stdout
    assert json.loads((out / "provenance.json").read_text())["script"] == "monoglot/cli/models.py"


def test_camembert_as_it_is_published(monoglot, text_file, tmp_path):
    """Its special tokens are not the first ids, which stand for pieces that are never used."""
    model, tokenizer = tiny("camembert")
    contents = json.loads(tokenizer.backend_tokenizer.to_str())
    pieces = contents["model"]["vocab"]
    normal = [piece for piece in pieces if not piece[0].startswith("<")]
    odd = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
    contents["model"]["vocab"] = [*([name, -100.0] for name in odd), *normal, ["<mask>", 0.0]]
    contents["model"]["unk_id"] = 3
    ids = {piece: i for i, (piece, _) in enumerate(contents["model"]["vocab"])}
    used = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<s>NOTUSED", "</s>NOTUSED"]
    about = contents["added_tokens"][0]
    contents["added_tokens"] = [{**about, "content": name, "id": ids[name]} for name in used]
    contents["added_tokens"].sort(key=lambda token: token["id"])
    for name, token in contents["post_processor"]["special_tokens"].items():
        token["ids"] = [ids[name]]
    model.resize_token_embeddings(len(ids))
    model.config.bos_token_id, model.config.eos_token_id = ids["<s>"], ids["</s>"]
    save(model, tokenizer, tmp_path / "model")
    (tmp_path / "model" / "tokenizer.json").write_text(json.dumps(contents))
    (tmp_path / "model" / "special_tokens_map.json").unlink(missing_ok=True)
    (tmp_path / "model" / "tokenizer_config.json").write_text('{"model_max_length": 64}')

    words = ["--text", text_file, "--size", 50]
    result = monoglot("trim", tmp_path / "model", tmp_path / "small", *words)
    assert result.exit_code == 0, result.output
    old, new = (AutoTokenizer.from_pretrained(tmp_path / name) for name in ("model", "small"))
    assert type(old).__name__ == "CamembertTokenizerFast"
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    roles = ("bos", "eos", "pad")
    assert [config[f"{role}_token_id"] for role in roles] == [5, 6, 1]
    assert [getattr(new, f"{role}_token_id") for role in roles] == [5, 6, 1]
    for text in TEXTS:
        names = [one.convert_ids_to_tokens(one(text)["input_ids"]) for one in (old, new)]
        assert names[1][0] == "<s>"
        assert names[0] == names[1] or not set(names[0]) <= set(new.get_vocab())


def test_every_format_of_text_is_the_same_text(monoglot, model_folder, text_file, tmp_path):
    lines = text_file.read_text().splitlines()
    with gzip.open(tmp_path / "a.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"body": line}) for line in lines))
    pq.write_table(pa.table({"body": lines}), tmp_path / "a.parquet")
    halves = [tmp_path / "1.txt", tmp_path / "2.txt"]
    for half, part in zip(halves, (lines[:50], lines[50:]), strict=True):
        half.write_text("\n".join(part))
    reports = []
    for number, (files, given) in enumerate(
        [
            ([text_file], None),
            ([tmp_path / "a.txt.gz"], None),
            ([tmp_path / "a.jsonl", "--field", "body"], None),
            ([tmp_path / "a.parquet", "--field", "body"], None),
            ([halves[0], "--text", halves[1]], None),
            (["-"], "\n".join([*lines, "", "more that is cut off", "and more"])),
        ]
    ):
        out = tmp_path / str(number)
        limit = ["--limit", 120] if given else []
        words = ["trim", model_folder("bert"), out, "--size", 60, "--text", *files, *limit]
        result = monoglot(*words, given=given)
        assert result.exit_code == 0, result.output
        reports.append((out / "trim_report.json").read_text())
    assert len(set(reports)) == 1


def test_prompts_and_scripts_to_keep(monoglot, model_folder, text_file, tmp_path):
    words = ["trim", model_folder("bert"), tmp_path / "out", "--text", text_file, "--size", 100]
    result = monoglot(*words, "--keep", "query: ", "--keep", "passage: ", "--keep-scripts")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "trim_report.json").read_text())
    assert report["keep"] == ["query: ", "passage: "]
    assert report["keep_scripts"]


def test_more_pieces_than_there_are(monoglot, model_folder, text_file, tmp_path):
    result = monoglot("trim", model_folder("bert"), tmp_path / "out", "--text", text_file)
    assert result.exit_code == 1, result.output
    assert "size is 40000, but the model has 115 pieces besides" in result.stderr
    assert result.stderr.endswith("; give a smaller --size\n")
