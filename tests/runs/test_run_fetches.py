"""Sizes of downloads, asked of a stand-in for the Hub."""

from pathlib import Path

import pytest
from hub_stand_in import Hub, serve
from huggingface_hub import constants

from monoglot.data.hub import Repository
from monoglot.downloads.needs import HubFiles, LocalFile, WebFile
from monoglot.runs.fetches import absent_files, fetches

COMMIT = "a" * 40
TEXT = Repository("datasets", "some/text", COMMIT)
NEEDS = [
    HubFiles("data.text.mt", TEXT, ("mt/*.parquet",)),
    WebFile("data.pos.mt", "http://some.where/train.txt", Path("no/train.txt"), None),
    LocalFile("data.sa.mt", Path("no/sa.csv")),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_sizes_are_those_of_the_hub(monkeypatch):
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


def test_without_the_hub_sizes_are_not_known(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert [one.bytes for one in fetches([*NEEDS, *NEEDS], ask=True)] == [None] * 4
    assert fetches(NEEDS, ask=False)[0].bytes is None
