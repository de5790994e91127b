"""What must be at hand before the first job."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from monoglot.data.download import HubFiles, LocalFile, WebFile, at_hand, check_needs, warnings
from monoglot.data.hub import FILES, Repository
from monoglot.errors import UserError

NOBODY = "http://127.0.0.1:9"
MODEL = HubFiles("models.mbert", Repository("models", "google-bert/mbert", "3f" * 20), FILES)
SET = HubFiles("data.tc.mt", Repository("datasets", "some/set", "3f" * 20), ("a/1.txt", "a/2.txt"))
PATTERN = HubFiles("data.text.mt", Repository("datasets", "some/set", "3f" * 20), ("a/*.txt",))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The Hub's cache, empty, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "hub"


def put(cache: Path, need: HubFiles, *names: str) -> None:
    folder = f"{need.repository.kind}--{need.repository.id.replace('/', '--')}"
    for name in names:
        file = cache / folder / "snapshots" / need.repository.revision / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_the_first_missing_file_is_named_with_its_key(tmp_path):
    (tmp_path / "a").touch()
    there = LocalFile("data.tc.mt", tmp_path / "a")
    missing = [LocalFile("data.tc.mt", tmp_path / "b"), LocalFile("data.sa.mt", Path("c"))]
    with pytest.raises(UserError, match=r"data\.tc\.mt: there is no file .*/b \(and 1 more"):
        check_needs([there, *missing], "root")
    check_needs([there], "root")


@pytest.mark.parametrize("need", [MODEL, SET, PATTERN])
def test_without_network_the_two_ways_on_are_named(cache, need):
    with pytest.raises(UserError, match=r"either connect .* or put the files into local folders"):
        check_needs([need], "root")


def test_without_network_a_web_file_is_named(tmp_path, cache):
    need = WebFile("data.pos.mt", f"{NOBODY}/train", tmp_path / "train", None)
    with pytest.raises(UserError, match=r"data\.pos\.mt: there is no file .*either connect"):
        check_needs([need], "root")
    (tmp_path / "train").touch()
    check_needs([need], "root")


def test_a_filled_cache_needs_no_network(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    put(cache, MODEL, "config.json", "model.safetensors")
    put(cache, SET, "a/1.txt", "a/2.txt")
    check_needs([MODEL, SET], "root")


def test_half_a_repository_is_not_at_hand(cache):
    put(cache, MODEL, "config.json")
    put(cache, SET, "a/1.txt")
    assert not at_hand(MODEL)
    assert not at_hand(SET)
    put(cache, SET, "a/2.txt")
    assert at_hand(SET)
    assert not at_hand(PATTERN)  # nobody knows whether there are more files


def test_a_hub_that_answers_is_enough(cache, monkeypatch):
    from hub_stand_in import Hub, serve

    with serve(Hub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        check_needs([MODEL], "root")


def test_warnings_say_what_a_run_would_do(tmp_path, cache):
    missing = LocalFile("data.tc.mt", tmp_path / "b")
    lines = warnings([missing, MODEL, SET])
    assert lines[0].startswith(f"1 raw files are missing, first {tmp_path}/b (data.tc.mt)")
    assert lines[1].startswith("2 sets or models would have to be downloaded first")
    put(cache, MODEL, "config.json", "model.safetensors")
    assert warnings([MODEL]) == []
