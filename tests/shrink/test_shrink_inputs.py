"""Models, texts and places that `monoglot trim` and `shrink` take or refuse."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import reset_sessions
from safetensors.torch import load_file, save_file
from tiny_models import tiny
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
)

from monoglot.errors import UserError
from monoglot.one_model import save
from monoglot.shrink import check_files, read, source


def _without_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _with_code(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "x.Y"}}))


def _without_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.0.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _not_finite(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.encoder.layer.0.output.dense.weight"][0, 0] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _of_fewer_layers(folder):
    config = json.loads((folder / "config.json").read_text())
    config["num_hidden_layers"] -= 1
    (folder / "config.json").write_text(json.dumps(config))


def _cut(folder):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:999])


def _with_another_tokenizer(folder):
    tiny("roberta")[1].save_pretrained(folder)


def _decoder(folder):
    GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9)).save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_weights, "weights in pickle files"),
        (_with_code, "names code of its own"),
        (_without_a_tensor, "has no weights for bert.encoder.layer.0.output.dense.weight"),
        (_not_finite, "are not all finite numbers"),
        (_of_fewer_layers, "layers, but config.json says"),
        (_cut, "the weights cannot be read"),
        (_with_another_tokenizer, "give the tokenizer that the model was trained with"),
        (_decoder, "is a 'gpt2'; it must be an encoder"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (
            lambda folder: (folder / "tokenizer.json").write_text("{}"),
            "is not a valid tokenizer.json",
        ),
    ],
)
@pytest.mark.parametrize("command", ["trim", "shrink"])
def test_models_that_are_none(monoglot, text_file, tmp_path, spoil, words, command):
    save(*tiny("bert"), tmp_path / "model")
    spoil(tmp_path / "model")
    about = ["--text", text_file, *(["--language", "Maltese"] if command == "shrink" else [])]
    result = monoglot(command, tmp_path / "model", tmp_path / "out", *about)
    assert result.exit_code == 1, result.output
    assert words in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The folder at hand, with what is no place to write a model to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    yield tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"file", "dangling", "loop"}


@pytest.mark.parametrize("command", ["trim", "shrink"])
@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("file", "error: file: is not a folder; give the name of a new one"),
        ("dangling", "error: dangling: is not a folder; give the name of a new one"),
        ("loop", "error: loop: is not a folder; give the name of a new one"),
        ("loop/small", "error: loop: File exists; it is not a folder; give another path"),
        ("file/small", "error: file: File exists; it is not a folder; give another path"),
        ("file/a/small", "error: file/a: Not a directory; a part of the path is a file"),
        ("new/" + "x" * 250, "File name too long; give a shorter name"),
        ("x" * 256, "File name too long; give a shorter name"),
    ],
)
def test_places_that_are_none_are_known_before_the_text_is_read(
    monoglot, places, command, out, words
):
    (places / "broken.txt").write_bytes(b"\xff")
    about = ["--text", "broken.txt", *(["--language", "Maltese"] if command == "shrink" else [])]
    result = monoglot(command, "model", out, *about)
    (places / "broken.txt").unlink()
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1), result.output
    assert words in result.stderr


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["nowhere.txt"], "nowhere.txt: there is no such file"),
        (["text.doc"], "text.doc: its format cannot be told from its name"),
        (["empty.txt"], "the text has fewer than two documents"),
        (["one.txt"], "the text has fewer than two documents"),
        (["folder"], "folder: is a folder; name the files in it"),
        (["folder.txt"], "folder.txt: is a folder; name the files in it"),
        (["-", "--text", "-"], "standard input (-) is given twice"),
    ],
)
def test_texts_that_are_none(monoglot, model_folder, tmp_path, monkeypatch, files, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "one.txt").write_text("il-belt")
    about = ["--size", 60, "--text", *files]
    result = monoglot("trim", model_folder("bert"), tmp_path / "out", *about)
    assert result.exit_code == 1, result.output
    assert words in result.stderr


def test_a_source_says_where_the_text_is_or_where_its_copy_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("il-belt\n\nil-kelb\n")
    (tmp_path / "b{c}.txt").write_text("id-dar\n")
    (tmp_path / "d.jsonl").write_text('{"body": "il-baħar"}\n')
    assert source(["a.txt"], "text", 1, tmp_path / "work") == {
        "format": "lines",
        "files": [str(tmp_path / "a.txt")],
        "field": "text",
        "limit": 1,
    }
    assert not (tmp_path / "work").exists()
    for number, files in enumerate((["a.txt", "d.jsonl"], ["a.txt", "b{c}.txt"])):
        work = tmp_path / f"work{number}"
        found = source(files, "body", None, work)
        assert found == {"format": "jsonl", "files": ["text.jsonl"], "field": "text"}
        copied = list(read([str(work / "text.jsonl")], "text"))
        assert copied == list(read(files, "body")) != []


def test_standard_input_that_is_closed(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UserError, match=r"standard input \(-\) is closed; give it some text"):
        check_files(["-"])


@pytest.mark.parametrize("command", ["trim", "shrink"])
@pytest.mark.parametrize("name", ["text.jsonl", "text.parquet"])
def test_a_field_that_is_not_there_is_to_be_named(
    monoglot, model_folder, tmp_path, monkeypatch, command, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.jsonl").write_text('{"content": "il-belt", "url": "x"}\n')
    pq.write_table(pa.table({"content": ["il-belt"], "url": ["x"]}), "text.parquet")
    about = {"trim": ["--size", 60], "shrink": ["--language", "Maltese"]}[command]
    result = monoglot(command, model_folder("bert"), tmp_path / "out", "--text", name, *about)
    assert result.exit_code == 1, result.output
    assert "content, url; name the one of the text with --field" in result.stderr


@pytest.fixture
def offline(monkeypatch):
    """Keep this process from the network; sessions, which remember that, end with the test."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    reset_sessions()
    yield
    reset_sessions()


def test_a_model_of_the_hub_in_the_cache(
    monoglot, model_folder, text_file, tmp_path, monkeypatch, offline
):
    commit = "0123456789abcdef0123456789abcdef01234567"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    words = ["trim", "org/model", tmp_path / "out", "--text", text_file, "--size", 60]
    result = monoglot(*words, "--revision", commit)
    assert result.exit_code == 1
    assert (
        f"org/model at revision {commit} is not in the cache and the Hub cannot be reached; run "
        "this once with a network, after which the cache serves it, or give the folder of a copy "
        "as MODEL, without --revision"
    ) in result.stderr
    repository = tmp_path / "cache" / "models--org--model"
    shutil.copytree(model_folder("bert"), repository / "snapshots" / commit)
    result = monoglot(*words, "--revision", commit)
    assert result.exit_code == 0, result.output
    assert f"org/model at revision {commit}: bert, 120 pieces" in result.stderr
    assert len(AutoTokenizer.from_pretrained(tmp_path / "out")) == 65


def test_models_of_the_hub_need_a_commit(monoglot, text_file, tmp_path):
    result = monoglot("trim", "org/model", tmp_path / "out", "--text", text_file)
    assert "for a model of the Hub its id and, as --revision, the 40" in result.stderr
    result = monoglot(
        "trim", "org/model", tmp_path / "out", "--text", text_file, "--revision", "main"
    )
    assert "the revision is 'main'; it must be the 40 hexadecimal digits" in result.stderr
