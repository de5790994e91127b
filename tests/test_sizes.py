"""Sizes of the paper's grid: all rows of both families through the project's own operations.

Models are on the meta device, where they have shapes and no memory. `test_full_size.py` does the
same with real tensors, tokenizers and jobs.
"""

import csv
import json
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from exact_sizes import ADAPTERS, PARAMETERS, ROWS, WHOLE_CHECKPOINT
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
)

from monoglot.checkpoints import checkpoint_parameters, count_parameters
from monoglot.evaluate import adapter_models
from monoglot.evaluate.task_tagging import Tagging
from monoglot.graph import Graph
from monoglot.operations.prune_ffn import keep_neurons
from monoglot.operations.reduce_hidden import reduce_hidden
from monoglot.operations.select_layers import select_layers
from monoglot.operations.surgery import gather_rows

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "resources" / "paper" / "tables_1_and_6.csv"
DOCS = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
TABLES = {"mbert": "table6", "xlmr": "table1"}
SPECIAL_TOKENS = 5


@cache
def grid():
    return Graph(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))


@cache
def built(checkpoint):
    """Make a checkpoint of the grid, without weights, by the operations of its ancestors."""
    parent, settings = grid().parent(checkpoint), grid().settings(checkpoint)
    with torch.device("meta"):
        if parent is None:
            return published_base(checkpoint.model)
        model = built(parent)
        match grid().operation(checkpoint.variant):
            case "train":
                return model
            case "select_layers":
                return select_layers(model, settings["layers"], settings["strategy"], seed=0)
            case "prune_ffn":
                kept = torch.arange(settings["size"])
                return keep_neurons(model, [kept] * model.config.num_hidden_layers)
            case "reduce_hidden":
                return reduce_hidden(model, settings["size"], settings["method"])
            case "trim_vocab":
                return gather_rows(model, range(settings["size"] + SPECIAL_TOKENS))


def published_base(model):
    """The base models by their published configurations."""
    if model == "mbert":
        return BertForMaskedLM(BertConfig(vocab_size=119_547))
    return XLMRobertaForMaskedLM(xlmr_config())


def xlmr_config():
    return XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1)


ELECTRA = {"model_type": "electra", "vocab_size": 30_522}
BASE = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}
MDEBERTA = {
    "model_type": "deberta-v2",
    "vocab_size": 251_000,
    "num_hidden_layers": 12,
    "max_position_embeddings": 512,
    "max_relative_positions": -1,
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "layer_norm_eps": 1e-7,
    "type_vocab_size": 0,
}
OTHER_FAMILIES = {
    "electra-base-discriminator": (ELECTRA | BASE | {"embedding_size": 768}, 109_514_298),
    "electra-base-generator": (ELECTRA | SMALL | {"embedding_size": 768}, 33_740_602),
    "electra-small-discriminator": (ELECTRA | SMALL | {"embedding_size": 128}, 13_546_682),
    "mdeberta-v3-base": (MDEBERTA | BASE, 279_061_880),
}
"""Published configurations, and what their masked language models have."""


@pytest.mark.parametrize("name", OTHER_FAMILIES)
def test_models_of_other_families_are_counted_exactly(name, tmp_path):
    about, expected = OTHER_FAMILIES[name]
    (tmp_path / "config.json").write_text(json.dumps(about))
    assert checkpoint_parameters(tmp_path) == expected


def row(model, variant):
    return built(grid().checkpoint(model, "mt", variant))


@pytest.mark.parametrize(("model", "variant"), ROWS)
def test_rows_have_exactly_the_papers_shapes(model, variant):
    assert count_parameters(row(model, variant)) == PARAMETERS[model][variant]


@pytest.mark.parametrize(("model", "variant"), ROWS)
def test_the_graph_knows_the_shape_of_a_row_without_making_it(model, variant):
    config = row(model, variant).config
    unused = 0 if model == "mbert" else config.pad_token_id + 1
    assert grid().shape(grid().checkpoint(model, "mt", variant)) == {
        "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "heads": config.num_attention_heads,
        "ffn_size": config.intermediate_size,
        "max_positions": config.max_position_embeddings - unused,
    }


@pytest.mark.parametrize("model", TABLES)
def test_the_table_has_these_rows_and_no_others(model):
    runs = grid().needs[TABLES[model]].runs
    assert list(dict.fromkeys(run.variant for run in runs)) == list(PARAMETERS[model])


def test_the_printed_size_of_a_base_model_is_the_whole_published_checkpoint():
    with torch.device("meta"):
        mbert = BertForPreTraining(BertConfig(vocab_size=119_547))
        xlmr_pooler = XLMRobertaModel(xlmr_config()).pooler
    assert count_parameters(mbert) == WHOLE_CHECKPOINT["mbert"]
    whole = count_parameters(row("xlmr", "base")) + count_parameters(xlmr_pooler)
    assert whole == WHOLE_CHECKPOINT["xlmr"]


@pytest.mark.parametrize("factor", [16, 2])
@pytest.mark.parametrize(("model", "variant"), ROWS)
def test_adapters_have_the_size_of_table_5(model, variant, factor):
    config = row(model, variant).config
    with torch.device("meta"):
        encoder = adapter_models.class_of(config.model_type)(config)
        adapter_models.drop_heads(encoder)
        adapter_models.fresh_adapter(encoder, Tagging(labels=list("ABCDEFG")), factor, seed=1)
    expected = ADAPTERS[config.hidden_size, config.num_hidden_layers][factor]
    assert adapter_models.parameter_counts(encoder) == (expected, 7 * config.hidden_size + 7)


@pytest.fixture
def printed(script, tmp_path):
    """Return `printed(model)`: the rows of a table's CSV, made from records of these sizes."""

    def rows(model):
        place = {"model": model, "language": "mt", "task": "tc", "seed": 1}
        scored = {"metric": "macro_f1", "score": 0.5, "scores": {"macro_f1": 0.5}}
        (tmp_path / "scores").mkdir()
        for variant, parameters in PARAMETERS[model].items():
            record = place | scored | {"variant": variant, "parameters": parameters}
            (tmp_path / "scores" / f"seed1-{variant}.json").write_text(json.dumps(record))
        spec = {"model": model, "languages": ["mt"], "tasks": ["tc"]}
        spec["rows"] = [{"variant": variant} for variant in PARAMETERS[model]]
        outputs = {f"--out-{kind}": tmp_path / f"table.{kind}" for kind in ("csv", "md", "tex")}
        arguments = ["--records", tmp_path / "scores", "--spec", json.dumps(spec)]
        arguments += [
            "--published",
            PUBLISHED,
            *(word for pair in outputs.items() for word in pair),
        ]
        assert script("table", *arguments) is None
        with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return rows


@pytest.mark.parametrize("model", TABLES)
def test_the_docs_show_the_sizes_that_tables_print(printed, model):
    for row in printed(model):
        columns = ("size_millions", "reduction_percent")
        numbers = [row[f"{side}{name}"] for name in columns for side in ("", "published_")]
        cells = [model, row["row"], f"{int(row['parameters']):,}", *numbers]
        assert f"| {' | '.join(cells)} |" in DOCS


@pytest.mark.parametrize("model", TABLES)
def test_compressed_rows_round_to_the_printed_sizes(printed, model):
    """Only the base rows are counted otherwise in print."""
    differ = {row["row"] for row in printed(model) if float(row["difference_size_millions"])}
    assert differ == {"base", "adapted"}


def test_the_docs_show_the_sizes_of_adapters_and_of_whole_checkpoints():
    for (hidden, layers), sizes in ADAPTERS.items():
        assert f"| {hidden} | {layers} | {sizes[16]:,} | {sizes[2]:,} |" in DOCS
    for whole in WHOLE_CHECKPOINT.values():
        assert f"{whole:,}" in DOCS
