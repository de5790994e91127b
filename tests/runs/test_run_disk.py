"""Sizes of what will be made, against the paper's rows."""

import pytest

from monoglot.extends import read
from monoglot.graph import Graph
from monoglot.nodes import Checkpoint, Run
from monoglot.runs import disk
from tests.exact_sizes import ADAPTERS, PARAMETERS, ROWS


@pytest.fixture(scope="module")
def paper() -> Graph:
    config = read("config.yaml", "test")
    config["results"] = "nowhere"
    return Graph(config)


@pytest.mark.parametrize(("model", "variant"), ROWS)
def test_parameters_of_the_papers_rows(paper, model, variant):
    node = Checkpoint(model, "mt" if variant != "base" else "any", variant)
    found = disk.parameters(paper.shape(node), disk.pieces_of(paper, node))
    assert found == pytest.approx(PARAMETERS[model][variant], rel=2e-5)


def test_bytes_of_adapters_of_all_seeds(paper):
    found = disk.adapters_bytes(paper, Run("xlmr", "mt", "hidden564", "ner"))
    assert found == 3 * 4 * ADAPTERS[564, 6][16]


def test_a_checkpoint_that_is_there_says_how_many_pieces_it_has(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "nowhere/models/xlmr/any/base"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"vocab_size": 300}')
    assert disk.pieces_of(paper, Checkpoint("xlmr", "mt", "kd")) == 300
