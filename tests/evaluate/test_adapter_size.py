"""The size of an adapter by its formula is that which the library makes."""

import pytest
import torch
from adapters import BertAdapterModel, DistilBertAdapterModel, XLMRobertaAdapterModel
from test_adapter_models import TABLE_5
from transformers import BertConfig, DistilBertConfig, XLMRobertaConfig

from monoglot.evaluate import adapter_models
from monoglot.evaluate.records import adapter_parameters
from monoglot.evaluate.task_tagging import Tagging


@pytest.mark.parametrize(("hidden", "layers", "factor", "expected"), TABLE_5)
def test_the_sizes_of_table_5(hidden, layers, factor, expected):
    assert adapter_parameters(hidden, layers, factor) == expected


# Divided without and with a rest, and a bottleneck that would be less than one wide.
@pytest.mark.parametrize(("hidden", "layers", "factor"), [(48, 3, 4), (24, 2, 5), (12, 1, 16)])
@pytest.mark.parametrize(
    ("model_class", "config_class"),
    [
        (BertAdapterModel, BertConfig),
        (XLMRobertaAdapterModel, XLMRobertaConfig),
        (DistilBertAdapterModel, DistilBertConfig),
    ],
)
def test_the_formula_counts_what_the_library_makes(
    model_class, config_class, hidden, layers, factor
):
    config = config_class(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=2, vocab_size=10
    )
    with torch.device("meta"):
        model = model_class(config)
        adapter_models.drop_heads(model)
        adapter_models.fresh_adapter(model, Tagging(labels=list("ABCDEFG")), factor, seed=1)
    assert adapter_parameters(hidden, layers, factor) == adapter_models.parameter_counts(model)[0]
