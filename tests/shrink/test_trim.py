"""`monoglot trim`, from a folder and text files to a model with fewer pieces."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
import yaml
from safetensors.torch import load_file, save_file
from tiny_models import OTHER_TEXTS, TEXTS, randomise, tiny
from transformers import AutoModel, AutoTokenizer, BertForMultipleChoice

from monoglot import one_model
from monoglot.checkpoints import FILES
from monoglot.errors import UserError
from monoglot.one_model import load, save
from monoglot.push import parcel
from monoglot.sentence_encoders import files_of
from monoglot.shrink import mixture, with_share

HEADS = {
    "SequenceClassification": "text-classification",
    "TokenClassification": "token-classification",
    "QuestionAnswering": "question-answering",
    "MaskedLM": "fill-mask",
}


@pytest.mark.parametrize("head", HEADS)
def test_heads_stay_as_they_are(monoglot, text_file, tmp_path, head):
    _, tokenizer = tiny("xlm-roberta")
    config = tiny("xlm-roberta")[0].config
    config.num_labels = 2 if head == "QuestionAnswering" else 3
    config.label2id = {f"label-{number}": number for number in range(config.num_labels)}
    config.id2label = {number: name for name, number in config.label2id.items()}
    auto = getattr(transformers, f"AutoModelFor{head}")
    made = auto.from_config(config)
    randomise(made)
    save(made, tokenizer, tmp_path / "model")
    out = tmp_path / "small"
    result = monoglot("trim", tmp_path / "model", out, "--text", text_file, "--size", 90)
    assert result.exit_code == 0, result.output
    assert f"XLMRobertaFor{head}.from_pretrained" in result.stdout
    model, old = (auto.from_pretrained(folder).eval() for folder in (out, tmp_path / "model"))
    assert model.config.id2label == old.config.id2label == config.id2label
    its_tokenizer, same = AutoTokenizer.from_pretrained(out), 0
    for text in TEXTS:
        new_ids, old_ids = (one(text, return_tensors="pt") for one in (its_tokenizer, tokenizer))
        names = its_tokenizer.convert_ids_to_tokens(new_ids["input_ids"][0])
        if names == tokenizer.convert_ids_to_tokens(old_ids["input_ids"][0]):
            with torch.no_grad():
                found, expected = model(**new_ids), old(**old_ids)
            if head == "MaskedLM":
                kept = tokenizer.convert_tokens_to_ids(
                    its_tokenizer.convert_ids_to_tokens(range(len(its_tokenizer)))
                )
                expected.logits = expected.logits[..., kept]
            for key, value in found.items():
                torch.testing.assert_close(value, expected[key])
            same += 1
    assert same > 1
    report = json.loads((out / "trim_report.json").read_text())
    assert report["vocab"]["after"] == len(its_tokenizer) == 95
    assert report["bytes"]["after"] == (out / "model.safetensors").stat().st_size
    assert report["parameters"]["after"] == model.num_parameters()
    assert f"{report['parameters']['before']:,}" in result.stdout
    assert json.loads((out / "provenance.json").read_text())["script"] == "monoglot/cli/models.py"
    _, metadata, _ = (out / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(metadata)["pipeline_tag"] == HEADS[head]


def test_a_head_of_another_kind_is_refused(monoglot, text_file, tmp_path):
    made, tokenizer = tiny("bert")
    save(BertForMultipleChoice(made.config), tokenizer, tmp_path / "model")
    result = monoglot("trim", tmp_path / "model", tmp_path / "out", "--text", text_file)
    assert result.exit_code == 1
    assert "has no place for bert.pooler" in result.stderr or "classifier.bias" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_sentence_encoder_keeps_its_files_and_vectors(
    monoglot, sentence_encoder, text_file, tmp_path, monkeypatch
):
    """Of texts whose pieces are kept, those of the prompt among them."""
    monkeypatch.setattr(one_model, "LIKE", 0.9999)  # a tiny model's vectors are all alike
    (tmp_path / "other.txt").write_text("\n".join([*TEXTS, *OTHER_TEXTS]))
    words = ["--text", text_file, "--heldout", tmp_path / "other.txt", "--size", 70]
    result = monoglot("trim", sentence_encoder, tmp_path / "small", *words)
    assert result.exit_code == 0, result.output
    assert f'model = SentenceTransformer("{tmp_path / "small"}")' in result.stdout
    for name in files_of(sentence_encoder, "in"):
        assert (tmp_path / "small" / name).read_bytes() == (sentence_encoder / name).read_bytes()
    old, new = (load(folder, "it") for folder in (sentence_encoder, tmp_path / "small"))
    assert new.sentences.prompt == "tifla: "
    texts = [*TEXTS, *OTHER_TEXTS]
    before, after = (one.vectors(texts) for one in (old, new))
    pieces = [
        [
            one.tokenizer.convert_ids_to_tokens(one.tokenizer(f"tifla: {text}")["input_ids"])
            for text in texts
        ]
        for one in (old, new)
    ]
    same = [one == other for one, other in zip(*pieces, strict=True)]
    assert 0 < sum(same) < len(texts)
    torch.testing.assert_close(after[same], before[same])
    report = json.loads((tmp_path / "small" / "trim_report.json").read_text())
    cosines = (before * after).sum(1)  # vectors have a norm of 1
    assert report["vectors"] == {
        "texts": len(texts),
        "pooling": "mean",
        "mean_cosine": pytest.approx(cosines.mean().item(), abs=1e-5),
        "threshold": 0.9999,
        "below": pytest.approx((cosines < 0.9999).float().mean().item()),
    }
    assert 0 < report["vectors"]["below"] < 1
    assert f"a mean cosine of {report['vectors']['mean_cosine']:.4f} to" in result.stdout


def test_the_pieces_of_prompts_are_among_the_frequent_ones(monoglot, sentence_encoder, tmp_path):
    """Else every text would have another vector."""
    (tmp_path / "text.txt").write_text("il kelb jiġri wara qattus u kelb\n" * 20)
    words = ["--text", tmp_path / "text.txt", "--size", 22]
    result = monoglot("trim", sentence_encoder, tmp_path / "small", *words)
    assert result.exit_code == 0, result.output
    old, new = (load(folder, "it").tokenizer for folder in (sentence_encoder, tmp_path / "small"))
    pieces = [one.convert_ids_to_tokens(one("tifla: il kelb")["input_ids"]) for one in (old, new)]
    assert pieces[0] == pieces[1]
    assert pieces[0][1:4] == ["▁ti", "fl", "a"]


def test_the_result_is_ready_to_be_pushed(monoglot, sentence_encoder, text_file, tmp_path):
    (sentence_encoder / "README.md").write_text("---\nlicense: mit\n---\n# It\n")
    result = monoglot(
        "trim", sentence_encoder, tmp_path / "small", "--text", text_file, "--size", 60
    )
    assert result.exit_code == 0, result.output
    card = tmp_path / "small" / "README.md"
    _, metadata, text = card.read_text().split("---\n", 2)
    assert yaml.safe_load(metadata) == {
        "license": "mit",
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["monoglot"],
        "model_name": "small",
    }
    report = json.loads((tmp_path / "small" / "trim_report.json").read_text())
    assert f"| {report['parameters']['before']:,} | {report['parameters']['after']:,} |" in text
    assert "documents (text.txt)" in text
    assert str(tmp_path) not in card.read_text()
    names = [item.name for item in parcel(tmp_path / "small", adapters=False)]
    kept = ["README.md", *FILES, "trim_report.json", *files_of(sentence_encoder, "in")]
    assert names == kept
    result = monoglot("push", tmp_path / "small", "me/small", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "1_Pooling/config.json" in result.stdout


def test_a_size_of_a_multiple(monoglot, model_folder, text_file, tmp_path):
    words = ["--text", text_file, "--size", 60, "--multiple-of", 32]
    result = monoglot("trim", model_folder("bert"), tmp_path / "small", *words)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "small" / "trim_report.json").read_text())
    assert (report["size"], report["vocab"]["after"]) == (91, 96)
    assert len(AutoTokenizer.from_pretrained(tmp_path / "small")) == 96


# Several languages at once


def test_texts_with_shares(monoglot, model_folder, tmp_path):
    """A language of which more is counted has more of its pieces."""
    (tmp_path / "a.txt").write_text("il kelb\n" * 60)
    (tmp_path / "b.txt").write_text("u żgħira\n" * 100)
    kept = {}
    for share in ("1", "0.1"):
        out = tmp_path / share
        words = ["--text", tmp_path / "a.txt", "--text", f"{tmp_path / 'b.txt'}={share}"]
        result = monoglot("trim", model_folder("xlm-roberta"), out, *words, "--size", 4)
        assert result.exit_code == 0, result.output
        report = json.loads((out / "trim_report.json").read_text())
        # Of each text one document in fifty is held out.
        assert report["text"]["documents"] == 58 + (98 if share == "1" else 9)
        kept[share] = AutoTokenizer.from_pretrained(out).get_vocab().keys()
    assert kept["1"] != kept["0.1"]


def test_a_share_is_spread_evenly_and_takes_at_least_one(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(map(str, range(10))))
    (tmp_path / "b=0.5.txt").write_text("b\n")
    name = str(tmp_path / "a.txt")
    for share, expected in ((1, range(10)), (0.5, range(0, 10, 2)), (0.3, (0, 3, 6)), (0.01, (0,))):
        found = list(mixture([(name, share)], "text"))
        assert found == list(enumerate(map(str, expected)))
    texts = [(name, 0.2), (str(tmp_path / "b=0.5.txt"), 1.0)]
    assert list(mixture(texts, "text")) == [(0, "0"), (1, "5"), (0, "b")]
    assert list(mixture(texts, "text", 2)) == [(0, "0"), (1, "5")]
    assert with_share(str(tmp_path / "b=0.5.txt")) == (str(tmp_path / "b=0.5.txt"), 1)
    assert with_share("-=0.25") == ("-", 0.25)
    for wrong in ("a.txt=0", "a.txt=1.5", "a.txt=half", "a.txt=nan"):
        with pytest.raises(UserError, match="is no share of one; a share is a number above 0"):
            with_share(wrong)


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
    assert type(old).__name__.removesuffix("Fast") == "CamembertTokenizer"
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    roles = ("bos", "eos", "pad")
    assert [config[f"{role}_token_id"] for role in roles] == [5, 6, 1]
    assert [getattr(new, f"{role}_token_id") for role in roles] == [5, 6, 1]
    for text in TEXTS:
        names = [one.convert_ids_to_tokens(one(text)["input_ids"]) for one in (old, new)]
        assert names[1][0] == "<s>"
        assert names[0] == names[1] or not set(names[0]) <= set(new.get_vocab())


def test_deberta_as_it_is_published(monoglot, text_file, tmp_path):
    """Its configuration names no class, and its head is one that transformers has no place for."""
    model, tokenizer = tiny("deberta-v2")
    save(model, tokenizer, tmp_path / "model")
    about = json.loads((tmp_path / "model" / "config.json").read_text())
    del about["architectures"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(about))
    weights = load_file(tmp_path / "model" / "model.safetensors")
    encoder = {name: value for name, value in weights.items() if name.startswith("deberta.")}
    head = {f"lm_predictions.lm_head.{name}": torch.ones(24) for name in ("bias", "dense.bias")}
    save_file(encoder | head, tmp_path / "model" / "model.safetensors", {"format": "pt"})

    words = ["--text", text_file, "--size", 100]
    result = monoglot("trim", tmp_path / "model", tmp_path / "small", *words)
    assert result.exit_code == 0, result.output
    old, new = (AutoTokenizer.from_pretrained(tmp_path / name) for name in ("model", "small"))
    models = [AutoModel.from_pretrained(tmp_path / name) for name in ("model", "small")]
    text = next(one for one in TEXTS if {*old.tokenize(one)} <= {*new.get_vocab()})
    states = [
        one(**tokenizer(text, return_tensors="pt")).last_hidden_state
        for one, tokenizer in zip(models, (old, new), strict=True)
    ]
    torch.testing.assert_close(*states)


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
