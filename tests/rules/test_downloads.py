"""A configuration's road from the Hub to checkpoints, first by the command, then offline."""

import subprocess
import sys

import hub_experiment
import pytest
from hub_experiment import COMMITS, DOCUMENTS, MODEL, TEXT
from hub_stand_in import serve
from project_copy import Project

from monoglot.checkpoints import load_model
from monoglot.data.parquet import read_examples, read_texts
from monoglot.data.readers import TaggedExample

MADE = ("data/mt/ner.parquet", "data/mt/pos.parquet", "models/bert/mt/trimmed/config.json")


@pytest.fixture
def hub(tiny_checkpoint):
    with serve(hub_experiment.published(tiny_checkpoint("bert"))) as hub:
        yield hub


@pytest.fixture
def project(tmp_path, hub, monkeypatch):
    """A copy of the project whose config.yaml is the tiny experiment."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    project = Project(tmp_path / "project")
    hub_experiment.write(
        hub_experiment.configuration(hub, tmp_path), project.folder / "config.yaml"
    )
    return project


def download(project) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/download.py"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)


def make(project, *names: str, **variables: str) -> subprocess.CompletedProcess:
    targets = [f"results/{name}" for name in names]
    return project.snakemake(*targets, "--cores", "2", **variables)


def expected_texts() -> list[str]:
    """File 2 comes before file 10."""
    return [f"{number} {document}" for number in range(12) for document in DOCUMENTS]


def check_results(project) -> None:
    results = project.folder / "results"
    assert list(read_texts(results / "data/mt/text.parquet")) == expected_texts()
    train = read_examples(results / "data/mt/pos.parquet", "train", TaggedExample)
    assert train[0].tokens == ("train",)
    assert load_model(results / "models/bert/mt/trimmed").config.vocab_size == 60 + 5


def test_after_the_download_nothing_needs_the_network(project, hub):
    plan = project.snakemake("-n", "--quiet", "rules")
    assert "note: 6 sets or models would have to be downloaded first" in plan.stdout
    assert download(project).returncode == 0
    hub.repositories.clear()
    hub.web.clear()
    done = make(project, *MADE, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stdout
    check_results(project)
    assert "note:" not in project.snakemake("-n", "--quiet", "rules").stdout


def test_without_the_command_jobs_fetch_what_they_read(project, hub):
    done = make(project, *MADE)
    assert done.returncode == 0, done.stdout
    check_results(project)
    hub.repositories.clear()
    again = make(project, *MADE)
    assert "Nothing to be done" in again.stdout


def test_a_limit_reads_only_the_files_it_needs(project, hub):
    config = project.folder / "config.yaml"
    limited = config.read_text().replace(
        "- v1/{language}/*.parquet", "- v1/{language}/*.parquet\n      limit: 6"
    )
    config.write_text(limited)
    assert make(project, "data/mt/text.parquet").returncode == 0
    assert list(read_texts(project.folder / "results/data/mt/text.parquet")) == expected_texts()[:6]
    fetched = {r.path for r in hub.requests if r.method == "GET" and r.path.endswith(".parquet")}
    assert {path.rpartition("/")[2] for path in fetched} == {"mt_0.parquet", "mt_1.parquet"}


def test_a_changed_file_stops_the_job_that_reads_it(project, tmp_path):
    assert download(project).returncode == 0
    cache = tmp_path / "home" / "hub"
    weights = next(cache.glob(f"*/snapshots/{COMMITS['model']}/model.safetensors"))
    shard = next(cache.glob(f"*/snapshots/{COMMITS['text']}/v1/mt/mt_3.parquet"))
    treebank = project.folder / "data/treebank/dev.conllu"
    for file in (weights, shard, treebank):
        file.resolve().write_bytes(b"changed")
    for name, log, where in (
        ("models/bert/any/base/config.json", "pretrained/bert/any/base", MODEL),
        ("data/mt/text.parquet", "read_text/mt/text", f"{TEXT} at revision"),
        ("data/mt/pos.parquet", "read_task/mt/pos", "dev.conllu"),
    ):
        assert make(project, name, HF_HUB_OFFLINE="1").returncode != 0
        said = (project.folder / f"results/logs/{log}.log").read_text()
        assert len([line for line in said.splitlines() if " ready after " not in line]) == 1
        assert where in said
        assert "has the hash" in said
        assert not (project.folder / "results" / name).exists()
