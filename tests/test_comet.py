"""configs/comet.yaml: the shapes and sizes of AfroXLMR-Comet (arXiv 2502.18020), and its plan."""

import csv
from pathlib import Path

import pytest
import torch
import yaml
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaModel

from monoglot.checkpoints import count_parameters
from monoglot.graph import Checkpoint, Graph

ROOT = Path(__file__).parents[1]
TEACHER = Checkpoint("afroxlmr", "any", "teacher")
COMET = Checkpoint("afroxlmr", "any", "comet")


@pytest.fixture(scope="module")
def graph():
    graph = Graph(yaml.safe_load((ROOT / "configs" / "comet.yaml").read_text(encoding="utf-8")))
    assert {TEACHER, COMET} <= set(graph.checkpoints)
    return graph


def config(shape: dict[str, int]) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=250_002,
        num_hidden_layers=shape["layers"],
        hidden_size=shape["hidden_size"],
        num_attention_heads=shape["heads"],
        intermediate_size=shape["ffn_size"],
        max_position_embeddings=shape["max_positions"] + 2,
        type_vocab_size=1,
    )


@pytest.mark.parametrize(
    ("checkpoint", "encoder_and_pooler", "masked_lm"),
    [(TEACHER, 559_890_432, 560_142_482), (COMET, 68_937_216, 69_187_730)],
)
def test_parameters_are_the_published_ones(graph, checkpoint, encoder_and_pooler, masked_lm):
    shape = config(graph.shape(checkpoint))
    with torch.device("meta"):
        assert count_parameters(XLMRobertaModel(shape)) == encoder_and_pooler
        assert count_parameters(XLMRobertaForMaskedLM(shape)) == masked_lm


def test_the_published_file_says_the_same_and_has_a_row_for_each_of_the_tables(graph):
    table = graph.config["tables"]["comet"]
    with open(ROOT / table["published"], encoding="utf-8", newline="") as file:
        rows = {row["row"]: row for row in csv.DictReader(file)}
    assert list(rows) == [*graph.evaluated, "avg", "parameters", "reduction_percent"]
    assert {column["variant"] for column in table["columns"]} <= set(rows["avg"])
    sizes = [int(rows["parameters"][name]) for name in ("teacher", "comet")]
    assert sizes == [559_890_432, 68_937_216]
    assert float(rows["reduction_percent"]["comet"]) == round(100 * (1 - sizes[1] / sizes[0]), 2)


def test_one_student_learns_from_five_languages(graph):
    assert list(graph.text(COMET)) == ["kin", "swa", "hau", "ibo", "yor"]
    assert graph.tokenizer(COMET) == TEACHER
    assert [run.language for run in graph.runs if run.variant == "comet"] == sorted(graph.evaluated)


def test_the_loss_is_half_logits_and_half_attention(graph):
    settings = graph.settings(COMET)
    assert (settings["loss"], settings["alpha"], settings["attention_weight"]) == ("kl", 0, 0.5)
    assert settings["attention_projection"] == "full"
