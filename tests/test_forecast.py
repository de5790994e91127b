"""Sizes of what will be made, against the paper's rows, and of downloads, from a stand-in Hub."""

from pathlib import Path

import pytest
from hub_stand_in import Hub, serve
from huggingface_hub import constants

from monoglot import forecast
from monoglot.config import read
from monoglot.data.download import HubFiles, LocalFile, WebFile
from monoglot.data.hub import Repository
from monoglot.forecast import absent_files, fetches
from monoglot.graph import Graph
from monoglot.paths import Checkpoint, Run
from tests.exact_sizes import ADAPTERS, PARAMETERS, ROWS

COMMIT = "a" * 40
TEXT = Repository("datasets", "some/text", COMMIT)
NEEDS = [
    HubFiles("data.text.mt", TEXT, ("mt/*.parquet",)),
    WebFile("data.pos.mt", "http://some.where/train.txt", Path("no/train.txt"), None),
    LocalFile("data.sa.mt", Path("no/sa.csv")),
]


@pytest.fixture(scope="module")
def paper() -> Graph:
    config = read("config.yaml", "test")
    config["results"] = "nowhere"
    return Graph(config)


@pytest.mark.parametrize(("model", "variant"), ROWS)
def test_parameters_of_the_papers_rows(paper, model, variant):
    node = Checkpoint(model, "mt" if variant != "base" else "any", variant)
    found = forecast.parameters(paper, node)
    assert found == pytest.approx(PARAMETERS[model][variant], rel=2e-5)


def test_parameters_of_mmbert():
    config = read("config.yaml", "test") | {"results": "nowhere"}
    shape = {"layers": 22, "hidden_size": 384, "heads": 6, "ffn_size": 1152, "max_positions": 8192}
    config["models"]["xlmr"] |= {"family": "modernbert", "shape": shape}
    config["tables"] = {
        "few": {"model": "xlmr", "rows": [{"variant": "adapted", "label": "Adapted"}]}
    }
    found = forecast.parameters(Graph(config), Checkpoint("xlmr", "mt", "adapted"))
    assert found == 140_897_536


def test_bytes_of_adapters_of_all_seeds(paper):
    found = forecast.adapters_bytes(paper, Run("xlmr", "mt", "hidden564", "ner"))
    assert found == 3 * 4 * ADAPTERS[564, 6][16]


def test_a_checkpoint_that_is_there_says_how_many_pieces_it_has(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "nowhere/models/xlmr/any/base"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"vocab_size": 300}')
    assert forecast.pieces_of(paper, Checkpoint("xlmr", "mt", "kd")) == 300


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_sizes_are_those_of_the_hub(cache, monkeypatch):
    files = {
        "mt/1.parquet": b"123",
        "mt/2.parquet": b"45",
        "mt/README.md": b"",
        "sk/1.parquet": b"6",
    }
    with serve(Hub({"datasets/some/text": {COMMIT: files}})) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        found = fetches(NEEDS, ask=True)
    assert [(one.key, one.source, one.bytes) for one in found] == [
        ("data.text.mt", "some/text", 5),
        ("data.pos.mt", "http://some.where/train.txt", None),
    ]
    assert [str(need.path) for need in absent_files(NEEDS)] == ["no/sa.csv"]


def test_without_the_hub_sizes_are_not_known(cache, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert [one.bytes for one in fetches([*NEEDS, *NEEDS], ask=True)] == [None] * 4
    assert fetches(NEEDS, ask=False)[0].bytes is None
