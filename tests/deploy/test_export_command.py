"""`monoglot export`, from a folder to graphs and what they are worth."""

import json

import pytest
import torch
from click.testing import CliRunner, Result
from tiny_models import TEXTS, tiny
from tokenizers import Tokenizer

from monoglot.cli.main import main
from monoglot.deploy.child import answer_of, session
from monoglot.deploy.export import exported_forms
from monoglot.one_model import load, save


def export(*words: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


@pytest.fixture
def encoder(tmp_path):
    """A sentence encoder with a head of masked LM, as any checkpoint may have one."""
    save(*tiny("roberta"), tmp_path / "model")
    pooling = {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}
    first = {"type": "sentence_transformers.models.Transformer", "path": ""}
    (tmp_path / "model" / "modules.json").write_text(json.dumps([first, pooling]))
    (tmp_path / "model" / "1_Pooling").mkdir()
    about = {"word_embedding_dimension": 24, "pooling_mode_cls_token": True}
    (tmp_path / "model" / "1_Pooling" / "config.json").write_text(json.dumps(about))
    return tmp_path / "model"


def test_a_graph_alone(encoder, tmp_path):
    result = export(encoder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {
        "model.onnx",
        "export.json",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "modules.json",
        "1_Pooling",
        "provenance.json",
    }
    report = json.loads((tmp_path / "out" / "export.json").read_text())
    assert list(report["difference"]) == ["fp32"]
    assert report["max_positions"] == 64
    assert "ONNX, fp32" in result.stdout
    assert "cosine" not in result.stdout
    found, graph = load(encoder, "in"), session(tmp_path / "out" / "model.onnx")
    ids = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json")).encode(TEXTS[0]).ids
    ids = torch.tensor([ids])
    with torch.no_grad():
        states = found.model.roberta(ids).last_hidden_state
    got = torch.from_numpy(answer_of(graph, ids.numpy(), torch.ones_like(ids).numpy()))
    torch.testing.assert_close(got, states, atol=1e-5, rtol=1e-4)


def test_what_each_form_is_worth(encoder, tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(TEXTS))
    result = export(encoder, tmp_path / "out", "--int8", "--text", tmp_path / "text.txt")
    assert result.exit_code == 0, result.output
    assert "the vectors of 8 texts" in result.stdout
    torch_form, fp32, int8 = exported_forms(encoder, tmp_path / "out", TEXTS)
    assert (torch_form.bytes, torch_form.mean_cosine) == (None, 1)
    assert fp32.bytes == (tmp_path / "out" / "model.onnx").stat().st_size
    assert fp32.mean_cosine == pytest.approx(1, abs=1e-5)
    assert int8.lowest_cosine <= int8.mean_cosine < fp32.mean_cosine
    assert f"{int8.mean_cosine:.4f}" in result.stdout
    assert min(form.milliseconds for form in (torch_form, fp32, int8)) > 0
    # The same from the vectors themselves: of the first token's states, as the files say.
    found, graph = load(encoder, "in"), session(tmp_path / "out" / "model.int8.onnx")
    cosines = []
    for text in TEXTS:
        given = found.tokenizer(text, return_tensors="pt")
        ids, mask = given["input_ids"], given["attention_mask"]
        with torch.no_grad():
            one = found.model.roberta(ids).last_hidden_state[0, 0]
        other = torch.from_numpy(answer_of(graph, ids.numpy(), mask.numpy()))[0, 0]
        cosines.append(torch.cosine_similarity(one, other, dim=0).item())
    assert int8.mean_cosine == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)
    assert int8.lowest_cosine == pytest.approx(min(cosines), abs=1e-5)


def test_what_cannot_be_exported_is_one_sentence(encoder, tmp_path):
    for model, out, words in (
        (tmp_path / "nowhere", tmp_path / "out", "there is no such folder"),
        (encoder, encoder, "holds a model already"),
    ):
        result = export(model, out)
        assert result.exit_code == 1
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
