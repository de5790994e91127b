import json
import shutil

import pytest
import torch
from adapters import BertAdapterModel, DistilBertAdapterModel, XLMRobertaAdapterModel
from tiny_models import DIFFERENT
from transformers import AutoModel, BertConfig, DistilBertConfig, XLMRobertaConfig

from monoglot import checkpoints
from monoglot.checkpoints import count_parameters, load_model
from monoglot.errors import UserError
from monoglot.evaluate import adapter_models
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging
from monoglot.families import FAMILIES
from monoglot.operations.surgery import longest_input

TABLE_5 = [
    (768, 12, 16, 894_528),
    (768, 12, 2, 7_091_712),
    (768, 6, 16, 447_264),
    (768, 6, 2, 3_545_856),
    (564, 6, 16, 240_474),
    (564, 6, 2, 1_913_652),
    (456, 6, 16, 156_120),
    (456, 6, 2, 1_251_720),
    (312, 6, 16, 73_122),
    (312, 6, 2, 586_872),
]
CLASSIFICATION = Classification(labels=["A", "B", "C"])


def tagging(classes: int) -> Tagging:
    return Tagging(labels=list("ABCDEFG")[:classes])


@pytest.mark.parametrize(("hidden", "layers", "factor", "expected"), TABLE_5)
@pytest.mark.parametrize(
    ("model_class", "config_class"),
    [
        (BertAdapterModel, BertConfig),
        (XLMRobertaAdapterModel, XLMRobertaConfig),
        (DistilBertAdapterModel, DistilBertConfig),
    ],
)
def test_adapters_have_the_size_of_the_papers_table_5(
    model_class, config_class, hidden, layers, factor, expected
):
    config = config_class(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=12, vocab_size=10
    )
    with torch.device("meta"):
        model = model_class(config)
        adapter_models.drop_heads(model)
        adapter_models.fresh_adapter(model, tagging(7), factor, seed=1)
    assert adapter_models.parameter_counts(model) == (expected, 7 * hidden + 7)


def test_the_classification_head_has_two_layers(tiny_checkpoint):
    model = adapter_models.load_encoder(tiny_checkpoint("bert"))
    adapter_models.fresh_adapter(model, CLASSIFICATION, 2, seed=1)
    assert adapter_models.parameter_counts(model)[1] == 24 * 24 + 24 + 3 * 24 + 3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_encoder_is_the_checkpoints_and_frozen(tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    model = adapter_models.load_encoder(folder)
    ids = torch.tensor([[2, 9, 10, 11, 3]])
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder)(ids).last_hidden_state
        torch.testing.assert_close(model.base_model(ids).last_hidden_state, expected)
    adapter_models.fresh_adapter(model, tagging(3), 2, seed=1)
    trained = adapter_models.trained_parameters(model)
    assert len(trained) == 4 * 4 + 2
    assert all(".adapters.task." in name or name.startswith("heads.task.") for name in trained)


def test_a_fresh_adapter_equals_one_on_a_freshly_loaded_model(tiny_checkpoint):
    used = adapter_models.load_encoder(tiny_checkpoint("bert"))
    adapter_models.fresh_adapter(used, tagging(3), 2, seed=5)
    adapter_models.fresh_adapter(used, tagging(3), 2, seed=1)
    loaded = adapter_models.load_encoder(tiny_checkpoint("bert"))
    adapter_models.fresh_adapter(loaded, tagging(3), 2, seed=1)
    again, first = used.state_dict(), loaded.state_dict()
    assert list(again) == list(first)
    assert all(torch.equal(again[name], first[name]) for name in first)
    adapter_models.fresh_adapter(used, tagging(3), 2, seed=2)
    assert not torch.equal(used.heads["task"][1].weight, loaded.heads["task"][1].weight)


@pytest.mark.parametrize("family", DIFFERENT)
def test_parameters_are_those_of_the_masked_model(tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    assert checkpoints.checkpoint_parameters(folder) == count_parameters(load_model(folder))


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_parameters_with_pooler_are_those_of_the_stock_encoder(tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    assert checkpoints.encoder_parameters(folder) == count_parameters(
        AutoModel.from_pretrained(folder)
    )


@pytest.mark.parametrize(
    ("layers", "hidden", "ffn", "heads", "expected"),
    [(24, 1024, 4096, 16, 559_890_432), (6, 256, 1024, 8, 68_937_216)],
)
def test_the_sizes_that_afroxlmr_comet_states(tmp_path, layers, hidden, ffn, heads, expected):
    XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=ffn,
        max_position_embeddings=514,
        type_vocab_size=1,
    ).save_pretrained(tmp_path)
    assert checkpoints.encoder_parameters(tmp_path) == expected


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "distilbert"])
def test_positions_of_robertas_begin_after_the_padding_id(family, tiny_checkpoint):
    assert longest_input(adapter_models.load_encoder(tiny_checkpoint(family)).config) == 64


def test_families_say_whether_the_library_has_a_class_for_them():
    assert {name for name, one in FAMILIES.items() if not one.in_adapters} == set(
        adapter_models.CLASSES
    )


def test_a_checkpoint_without_tokenizer_is_refused(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("bert"), tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"there is no tokenizer\.json"):
        adapter_models.load_encoder(folder)


def test_another_family_is_refused(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("bert"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(UserError, match="model_type is 'gpt2'"):
        adapter_models.load_encoder(folder)


def test_missing_weights_are_refused(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("bert"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 5}))
    with pytest.raises(UserError, match=r"there are 4 layers, but config\.json says 5"):
        adapter_models.load_encoder(folder)
