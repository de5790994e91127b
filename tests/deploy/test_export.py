"""Graphs beside the models they are made from."""

import json

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tiny_models import DIFFERENT
from transformers import BertConfig, BertModel

from monoglot.checkpoints import load_tokenizer
from monoglot.deploy import export as exporting
from monoglot.deploy.child import answer_of
from monoglot.deploy.export import (
    States,
    difference,
    example,
    export,
    load_encoder,
    make_onnx_folder,
    quantise,
    session,
)
from monoglot.errors import UserError
from monoglot.paths import ONNX_FILES


@pytest.mark.parametrize("family", DIFFERENT)
def test_a_graph_answers_as_the_model_in_every_shape(exported, tiny_checkpoint, family):
    encoder = load_encoder(tiny_checkpoint(family))
    graph = session(exported(family) / "model.onnx")
    for shape in ((1, 1), (1, 5), (2, 7), (4, 62)):
        ids, mask = example(encoder, *shape)
        with torch.inference_mode():
            states = States(encoder)(ids, mask).numpy()
        got = answer_of(graph, ids.numpy(), mask.numpy())
        assert got.shape == states.shape
        real = mask.numpy().astype(bool)
        np.testing.assert_allclose(got[real], states[real], atol=2e-5)


@pytest.mark.parametrize("family", DIFFERENT)
def test_the_folder_has_all_that_serving_takes(exported, tiny_checkpoint, family):
    folder = exported(family)
    assert {file.name for file in folder.iterdir()} == set(ONNX_FILES)
    report = json.loads((folder / "export.json").read_text())
    assert report["max_positions"] == 64
    assert report["difference"]["fp32"]["largest"] < 1e-4
    assert report["difference"]["fp32"]["largest"] < report["difference"]["int8"]["largest"]
    encoder = load_encoder(tiny_checkpoint(family))
    assert report["parameters_encoder"] == sum(p.numel() for p in encoder.parameters())
    assert report["parameters"] > report["parameters_encoder"]
    assert load_tokenizer(folder).get_vocab_size() == encoder.config.vocab_size


def test_inputs_and_output_have_names_and_free_sizes(exported):
    graph = onnx.load(exported("bert") / "model.onnx").graph
    sizes = [[d.dim_param for d in i.type.tensor_type.shape.dim] for i in graph.input]
    assert [i.name for i in graph.input] == ["input_ids", "attention_mask"]
    assert sizes == [["batch", "length"]] * 2
    assert [o.name for o in graph.output] == ["last_hidden_state"]


def test_int8_takes_a_quarter_where_weights_are_most_of_it(tmp_path):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=3000, hidden_size=128, num_hidden_layers=2, num_attention_heads=4
    )
    encoder = BertModel(config, add_pooling_layer=False).eval()
    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    export(States(encoder), fp32, "last_hidden_state")
    quantise(fp32, int8)
    assert 0.25 < int8.stat().st_size / fp32.stat().st_size < 0.28
    assert difference(States(encoder), int8).mean < 0.05


def test_int8_has_a_scale_for_each_output_of_a_matrix(tmp_path):
    """So that one output with large weights does not take the precision of all others."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=200, hidden_size=64, num_hidden_layers=2, num_attention_heads=4)
    encoder = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for layer in encoder.encoder.layer:
            layer.intermediate.dense.weight[0] *= 50
    fp32, int8, coarse = (tmp_path / f"{name}.onnx" for name in ("fp32", "int8", "coarse"))
    export(States(encoder), fp32, "last_hidden_state")
    quantise(fp32, int8)
    quantize_dynamic(fp32, coarse, weight_type=QuantType.QInt8)
    scales = [one for one in onnx.load(int8).graph.initializer if one.name.endswith("_scale")]
    assert {64, 3072} <= {dim for one in scales for dim in one.dims}
    mean = {file: difference(States(encoder), file).mean for file in (int8, coarse)}
    assert mean[int8] < 0.8 * mean[coarse]


def test_a_graph_that_is_another_model_is_refused(exported, tiny_checkpoint, tmp_path):
    encoder = load_encoder(tiny_checkpoint("bert"))
    with torch.no_grad():
        encoder.encoder.layer[0].output.dense.bias[:3] += 1
    found = difference(States(encoder), exported("bert") / "model.onnx")
    with pytest.raises(UserError, match="its ONNX graph differs from the model by up to"):
        exporting.check_same(found, tmp_path)


def test_a_model_too_large_for_one_file_is_refused(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LARGEST", 1000)
    with pytest.raises(UserError, match="an ONNX file holds at most 2"):
        make_onnx_folder(tiny_checkpoint("bert"), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match="is no ONNX graph that can be run"):
        session(tmp_path / "model.onnx")
