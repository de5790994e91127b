"""`monoglot shrink`, from a folder and a text file to a small model."""

import json

import pytest
import torch
import yaml
from safetensors.torch import save_file
from tiny_models import TEXTS
from transformers import AutoModelForMaskedLM, AutoTokenizer

from monoglot.checkpoints import count_parameters
from monoglot.graph import Graph
from monoglot.one_model import load
from monoglot.sentence_encoders import files_of
from monoglot.shrink import ChainShape, claimed, clear, training, variants

STEPS = ["--adapt-steps", 6, "--distil-steps", 6]
NAMES = ["adapted", "layers", "distilled", "ffn", "hidden", "distilled-again"]


@pytest.mark.parametrize(
    ("architecture", "recipe"),
    [
        ("bert", "best"),
        pytest.param("bert", "paper", marks=pytest.mark.slow),
        *(pytest.param(one, "best", marks=pytest.mark.slow) for one in ("roberta", "modernbert")),
    ],
)
def test_the_whole_chain(monoglot, model_folder, text_file, tmp_path, architecture, recipe):
    model, out = model_folder(architecture), tmp_path / "small"
    names = ["model", *(["vocab", *NAMES] if recipe == "best" else [*NAMES, "vocab"])]
    vocab = AutoModelForMaskedLM.from_pretrained(model).config.vocab_size - 20
    words = ["shrink", model, out, "--text", text_file, "--language", "Maltese", "--vocab", vocab]
    words += ["--recipe", recipe]
    plan = monoglot(*words, *STEPS, "--dry-run")
    assert plan.exit_code == 0, plan.output
    assert not list(tmp_path.iterdir())

    result = monoglot(*words, *STEPS)
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "small.unfinished").exists()
    small, tokenizer = AutoModelForMaskedLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    config = small.config
    found = config.num_hidden_layers, config.hidden_size, config.vocab_size, len(tokenizer)
    hidden = 12 if architecture == "modernbert" else 8  # heads of 6 dimensions stay whole
    assert found == (2, hidden, vocab + 5, vocab + 5)
    account = json.loads((out / "shrink.json").read_text())
    assert [row["name"] for row in account["rows"]] == names
    assert account["language"] == "Maltese"
    for row in account["rows"]:
        assert f"{row['name']} " in plan.stdout
        assert f" {row['parameters']:,} " in plan.stdout  # what was planned is what was made
        assert 0 <= row["accuracy"] <= 1
    assert account["rows"][-1]["parameters"] == count_parameters(small)
    assert account["rows"][names.index("adapted")]["tokens"] > 0
    assert f'from_pretrained("{out}")' in result.stdout
    _, metadata, text = (out / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(metadata)["pipeline_tag"] == "fill-mask"
    assert f"| parameters | {count_parameters(small):,} " in text
    assert "scored on no task" in text
    kept = Graph(yaml.safe_load((out / "shrink.yaml").read_text()))
    assert list(kept.variants) == names
    assert kept.config["data"]["text"]["maltese"]["files"] == [str(text_file)]
    for name in ("provenance.json", "trim_report.json"):
        assert json.loads((out / name).read_text())
    with torch.no_grad():
        assert small(**tokenizer(TEXTS[0], return_tensors="pt")).logits.isfinite().all()
    again = monoglot(*words, *STEPS)
    assert again.exit_code == 1
    assert "holds a model already" in again.stderr


def test_what_stays_as_it_is_takes_no_step(
    monoglot, model_folder, text_file, tmp_path, monkeypatch
):
    """And a folder to write to that is the one at hand."""
    out = tmp_path / "small"
    out.mkdir()
    monkeypatch.chdir(out)
    words = ["shrink", model_folder("distilbert"), ".", "--text", text_file]
    words += ["--language", "Maltese"]
    kept = ["--hidden", 24, "--ffn", 48, "--layers", 4, "--adapt-steps", 0]
    result = monoglot(*words, *kept)
    assert result.exit_code == 1
    assert "has that shape already" in result.stderr
    result = monoglot(*words, *kept, "--vocab", 80)
    assert result.exit_code == 0, result.output
    assert [row["name"] for row in json.loads((out / "shrink.json").read_text())["rows"]] == [
        "model",
        "vocab",
    ]
    assert "# distilbert for Maltese: vocab\n" in (out / "README.md").read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["small"]


def test_an_encoder_without_a_head_gets_one(monoglot, model_folder, text_file, tmp_path):
    """And is adapted under the teacher that it was, by hidden states."""
    model, alone, out = model_folder("xlm-roberta"), tmp_path / "alone", tmp_path / "small"
    AutoModelForMaskedLM.from_pretrained(model).base_model.save_pretrained(alone)
    AutoTokenizer.from_pretrained(model).save_pretrained(alone)
    words = ["shrink", alone, out, "--text", text_file, "--language", "Maltese", "--vocab", 100]
    result = monoglot(*words, *STEPS)
    assert result.exit_code == 0, result.output
    made = yaml.safe_load((out / "shrink.yaml").read_text())
    assert made["models"]["alone"]["head"] == "fresh"
    chain = made["variants"]
    assert list(chain) == ["model", "vocab", "head", *NAMES]
    assert (chain["head"]["parent"], chain["head"]["trains"]) == ("vocab", "head")
    assert (chain["adapted"]["teacher"], chain["adapted"]["hidden_weight"]) == ("head", 1)
    assert AutoModelForMaskedLM.from_pretrained(out).config.hidden_size == 8


def test_a_sentence_encoder_keeps_its_files(monoglot, sentence_encoder, text_file, tmp_path):
    """And what they say of the hidden size follows; dense layers over the old one cannot."""
    out = tmp_path / "small"
    words = ["shrink", sentence_encoder, out, "--text", text_file, "--language", "Maltese"]
    words += ["--hidden", 12, "--ffn", 48, "--layers", 4, "--vocab", 115, "--adapt-steps", 0]
    result = monoglot(*words, "--distil-steps", 2)
    assert result.exit_code == 0, result.output
    pooling = json.loads((out / "1_Pooling" / "config.json").read_text())
    assert pooling == {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True}
    made = load(out, "out")
    assert made.vectors(TEXTS).shape == (len(TEXTS), 12)
    names = [name for name in files_of(out, "out") if name != "1_Pooling/config.json"]
    for name in names:
        assert (out / name).read_bytes() == (sentence_encoder / name).read_bytes()
    assert len(names) == 3

    (sentence_encoder / "2_Dense").mkdir()
    weights = {"linear.weight": torch.ones(24, 24), "linear.bias": torch.ones(24)}
    save_file(weights, sentence_encoder / "2_Dense" / "model.safetensors")
    words[2] = tmp_path / "other"
    result = monoglot(*words)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 2)
    assert "further weights beside the model's, which would be lost (2_Dense" in result.stderr
    assert not (tmp_path / "other").exists()


def teachers(steps: dict) -> dict[str, str]:
    return {name: block["teacher"] for name, block in steps.items() if "teacher" in block}


def test_of_the_better_recipe_the_model_of_all_layers_teaches_twice():
    before, after = ChainShape(12, 3072, 768, 250_000), ChainShape(6, 2048, 312, 40_000)
    steps = variants("stride", before, after, training("small", {}, 512), 512)
    assert list(steps) == ["model", "vocab", *NAMES]
    assert teachers(steps) == {"distilled": "adapted", "distilled-again": "adapted"}


def test_teachers_are_those_of_the_paper():
    before, after = ChainShape(12, 3072, 768, 250_000), ChainShape(6, 2048, 312, 40_000)
    how = training("paper", {}, 512)
    steps = variants("stride", before, after, how, 512, recipe="paper")
    assert list(steps) == ["model", *NAMES, "vocab"]
    assert teachers(steps) == {"distilled": "adapted", "distilled-again": "ffn"}
    how = {"operation": "select_layers", "parent": "adapted", "layers": 6, "strategy": "stride"}
    assert steps["layers"] == how


def test_prompts_to_keep_go_to_the_step_that_trims():
    before, after = ChainShape(12, 3072, 768, 250_000), ChainShape(12, 3072, 768, 40_000)
    how = training("paper", {"adapt_steps": 0}, 512)
    steps = variants("bert", before, after, how, 512, keep=("query: ", "passage: "))
    trimming = {"operation": "trim_vocab", "parent": "model", "size": 40_000}
    assert steps["vocab"] == trimming | {"keep": ["query: ", "passage: "]}
    assert "keep" not in variants("bert", before, after, how, 512)["vocab"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--layers", 9], "--layers is 9; the model has 4, give a number from 1 to that"),
        (
            ["--hidden", 18],
            "--hidden is 18; for the model's attention heads it must be a multiple of 4",
        ),
        (["--vocab", 5000], "--vocab is 5000; the model has 115"),
    ],
)
def test_numbers_that_do_not_fit(monoglot, model_folder, text_file, tmp_path, options, words):
    about = ["--text", text_file, "--language", "Maltese", *options]
    result = monoglot("shrink", model_folder("bert"), tmp_path / "small", *about)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not (tmp_path / "small").exists()


def test_folders_of_others_are_left_alone(monoglot, model_folder, text_file, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    about = ["--text", text_file, "--language", "Maltese", "--work", tmp_path / "mine"]
    result = monoglot("shrink", model_folder("bert"), tmp_path / "small", *about)
    assert result.exit_code == 1
    assert "holds something else than unfinished work" in result.stderr
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("out", "work", "words"),
    [
        ("work", "work", "work: lies in work, the folder of unfinished work"),
        ("work/a/small", "work", "work/a/small: lies in work, the folder of unfinished work"),
        ("link/small", "work", "link/small: lies in work, the folder of unfinished work"),
        ("small", "small/work", "small/work: lies in small, which the model is written to"),
        ("../small", ".", "model: lies in ., the folder of unfinished work"),
    ],
)
def test_nothing_of_somebodys_lies_in_the_folder_that_is_removed(
    monoglot, text_file, tmp_path, monkeypatch, out, work, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("work")
    about = ["--text", text_file, "--language", "Maltese", "--work", work]
    result = monoglot("shrink", "model", out, *about)
    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["link"]


def test_a_file_of_the_marks_name_is_no_mark(monoglot, model_folder, text_file, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "unfinished").write_text("a novel")
    about = ["--text", text_file, "--language", "Maltese", "--work", tmp_path / "mine"]
    result = monoglot("shrink", model_folder("bert"), tmp_path / "small", *about)
    assert "holds something else than unfinished work" in result.stderr
    clear(tmp_path / "mine")
    assert (tmp_path / "mine" / "unfinished").read_text() == "a novel"


def test_two_runs_do_not_share_a_folder(monoglot, model_folder, text_file, tmp_path):
    words = ["shrink", model_folder("bert"), tmp_path / "small", "--text", text_file]
    with claimed(tmp_path / "small.unfinished"):
        result = monoglot(*words, "--language", "Maltese", *STEPS)
    assert result.exit_code == 1
    assert "small.unfinished: another `monoglot shrink` is at work in it" in result.stderr
    assert not (tmp_path / "small").exists()
