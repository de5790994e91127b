"""Scripts as users start them: spoilt input ends in one line and status 1, with nothing written."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monoglot.tokens.store import build_store

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "scripts" / f"{script}.py", *arguments]
    environment = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def spoilt(tiny_checkpoint, tmp_path: Path) -> Path:
    """A folder with a checkpoint and much that is not what its name says."""
    good, bad = tiny_checkpoint("bert"), tmp_path / "bad"
    shutil.copytree(good, bad)
    weights = (bad / "model.safetensors").read_bytes()
    (bad / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    build_store(["il kelb"] * 4, good, tmp_path / "store")
    build_store(["il kelb"] * 4, good, tmp_path / "cut")
    (tmp_path / "cut/tokens.bin").write_bytes(b"\x01")
    (tmp_path / "raw.txt").write_bytes(b"il\n\xff\n")
    (tmp_path / "not.parquet").write_bytes(b"PAR1" * 5)
    (tmp_path / "seed1.json").write_text('{"score": NaN')
    return tmp_path


@pytest.mark.slow
def test_every_script_refuses_spoilt_input_in_a_line_for_each_fault(tiny_checkpoint, spoilt):
    good, bad, out = tiny_checkpoint("bert"), spoilt / "bad", spoilt / "out"
    store, cut, parquet = spoilt / "store", spoilt / "cut", spoilt / "not.parquet"
    source = "{format: lines, files: [raw.txt]}"
    task = "{format: conllu, files: {train: raw.txt, dev: raw.txt, test: raw.txt}}"
    task_flags = ("--kind", "tagging", "--labels", "NOUN", "VERB")
    train = ("--out", out, "--steps", 1, "--max-length", 16, "--batch-size", 2)
    names = ("--model", "m", "--language", "l", "--variant", "v", "--task", "t")
    scored = (*names, *task_flags, "--metric", "word_accuracy", "--out", out)
    table = ("--spec", "{a: 1}", "--out-csv", out, "--out-md", out, "--out-tex", out)
    jobs = [
        ("read_text", "--source", source, "--root", spoilt, "--out", out),
        ("read_text", "--source", "!!python/object/apply:os.getcwd []", "--out", out),
        ("read_task", "--source", task, "--root", spoilt, *task_flags, "--out", out),
        ("overlap", "--text", parquet, "--validation", parquet, "--tasks", "tc",
         "--examples", parquet, "--out", out),
        ("build_tokens", "--text", parquet, "--tokenizer", good, "--out", out),
        ("pretrained", "--folder", bad, "--family", "bert", "--out", out),
        ("train", "--parent", bad, "--tokens", store, "--validation", store, *train),
        ("train", "--parent", good, "--tokens", cut, "--validation", store, *train),
        ("train", "--parent", good, "--tokens", store, "--validation", store, *train,
         "--learning-rate", "nan"),
        ("select_layers", "--parent", bad, "--layers", 2, "--strategy", "last_k", "--out", out),
        ("prune_ffn", "--parent", good, "--validation", cut, "--size", 8, "--out", out),
        ("reduce_hidden", "--parent", bad, "--size", 8, "--out", out),
        ("evaluate", "--checkpoint", good, "--examples", parquet, *scored),
        ("baseline", "--method", "majority", "--examples", parquet, *scored),
        ("table", "--records", spoilt / "seed1.json", *table),
        ("download", "--config", spoilt / "raw.txt"),
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda job: run(*job), jobs))
    for job, done in zip(jobs, found, strict=True):
        assert done.returncode == 1, (job, done.stderr)
        first, *faults = (line for line in done.stderr.splitlines() if "Processes" not in line)
        assert first.startswith("error: "), job
        # Of a specification all faults are told.
        assert not faults or first == f"error: {len(faults)} faults:", (job, done.stderr)
        assert not out.exists(), job
