"""Several processes train what one does with the same batches."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
import trained_together
from safetensors.torch import load_file

from monoglot.checkpoints import load_model, save_checkpoint
from monoglot.files import sha256
from monoglot.tokens.store import build_store
from monoglot.training.processes import Processes

ROOT = Path(__file__).parents[2]
TEXTS = ["il kelb jiġri wara il qattus", "id dar hija kbira", "a dog runs after the cat"] * 10
TEXTS = TEXTS[:29]  # in batches of seven, the last one has a single sequence
FEW, MANY = {"positions": "masked"}, {"positions": "all"}
ATTENTION = {"loss": "kl", "alpha": 0.2, "attention_weight": 0.5}
RUNS = {
    "none": {},
    "mse-few": {"loss": "mse", **FEW},
    "mse-many": {"loss": "mse", **MANY},
    "mse-micro": {"loss": "mse", **MANY, "micro_batch": 2},
    "kl": {"loss": "kl"},
    "kl-sequence": {"loss": "kl", "kl_mean": "sequence", "positions": "unpadded"},
    "attention": ATTENTION,
    "mse-attention": {**ATTENTION, "loss": "mse"},
    "best": {"keep": "best", "learning_rate": 1e-2, "validation_masks": "redrawn"},
    "one-sequence": {"share": 1 / 29},
    "mse-one-sequence": {"share": 1 / 29, "loss": "mse", **MANY},
}
KILLED = {"mse-many", "attention", "best"}


@pytest.fixture(scope="module")
def inputs(tiny_checkpoint, tmp_path_factory):
    """A student and a teacher without dropout, and a token store."""
    folder = tmp_path_factory.mktemp("inputs")
    parent = shutil.copytree(tiny_checkpoint("bert"), folder / "parent")
    config = json.loads((parent / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (parent / "config.json").write_text(json.dumps(config))
    model = load_model(parent)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    save_checkpoint(model, parent, folder / "teacher")
    build_store(TEXTS, parent, folder / "store")
    return parent, folder / "teacher", folder / "store"


def start(*command, **popen):
    environment = {k: v for k, v in os.environ.items() if k not in ("WORLD_SIZE", "RANK")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **popen,
    )


def by_several(folder, inputs, runs, count=2):
    folder.mkdir()
    (folder / "runs.json").write_text(json.dumps(runs))
    process = start(trained_together.__file__, folder, *inputs, count)
    said, _ = process.communicate()
    assert process.returncode == 0, said


@pytest.fixture(scope="module")
def two(inputs, tmp_path_factory):
    """The folder of what two processes train; runs in KILLED stopped once and went on."""
    folder = tmp_path_factory.mktemp("runs") / "two"
    resumed = {}
    for name in sorted(KILLED):
        resumed[f"{name}-resumed/1"] = RUNS[name] | {"killed_at": 5}
        resumed[f"{name}-resumed/2"] = RUNS[name]
        resumed[f"{name}-by-one"] = RUNS[name] | {"killed_at": 5}
    by_several(folder, inputs, RUNS | resumed)
    return folder


def results(folder):
    history = json.loads((folder / "history.json").read_text())
    return history, load_file(folder / "weights.safetensors")


def without_none(row):
    return {name: value for name, value in row.items() if value is not None}


def assert_close(folder, other):
    (history, weights), (others_history, others) = results(folder), results(other)
    for row, their_row in zip(history, others_history, strict=True):
        assert without_none(row) == pytest.approx(without_none(their_row), rel=2e-4, abs=1e-6)
    for name, weight in weights.items():
        # A bias of keys changes no attention: its gradient is rounding error, which Adam magnifies.
        if not name.endswith("key.bias"):
            torch.testing.assert_close(weight, others[name], rtol=1e-3, atol=5e-5, msg=name)


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_train_what_one_does(two, inputs, tmp_path, name):
    trained_together.run(tmp_path / name, *inputs, RUNS[name], Processes())
    assert_close(two / name, tmp_path / name)


@pytest.mark.parametrize("name", sorted(KILLED))
def test_two_processes_resume_to_the_same_bytes(two, name):
    assert (two / f"{name}-resumed" / "state").exists()
    for file in ("history.json", "weights.safetensors"):
        assert (two / name / file).read_bytes() == (two / f"{name}-resumed" / file).read_bytes()


@pytest.mark.parametrize("name", sorted(KILLED))
def test_one_process_goes_on_where_two_stopped(two, inputs, tmp_path, name):
    folder = shutil.copytree(two / f"{name}-by-one", tmp_path / name)
    trained_together.run(folder, *inputs, RUNS[name], Processes())
    assert_close(folder, two / name)


def test_three_processes_train_what_one_does(two, inputs, tmp_path):
    """Three share seven sequences, and in the last batch one."""
    runs = {name: RUNS[name] for name in ("none", "mse-many")}
    by_several(tmp_path / "three", inputs, runs, count=3)
    for name in runs:
        assert_close(tmp_path / "three" / name, two / name)


def script(inputs, out, *more, **popen):
    parent, teacher, store = inputs
    command = ["scripts/train.py", "--parent", parent, "--teacher", teacher, "--loss", "mse"]
    command += ["--tokens", store, "--validation", store, "--out", out, "--max-length", 24]
    return start(*command, *more, cwd=ROOT, **popen)


def test_the_script_writes_the_checkpoint_of_one_process(inputs, tmp_path):
    for count in (1, 2):
        process = script(inputs, tmp_path / str(count), "--steps", 4, "--processes", count)
        said, _ = process.communicate()
        assert process.returncode == 0, said
    rows = []
    for count in (1, 2):
        with open(tmp_path / str(count) / "history.csv", newline="") as file:
            rows.append(
                [{k: float(v or 0) for k, v in row.items()} for row in csv.DictReader(file)]
            )
    for one, other in zip(*rows, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    one, other = (load_file(tmp_path / n / "model.safetensors") for n in "12")
    for name in (name for name in one if not name.endswith("key.bias")):
        torch.testing.assert_close(one[name], other[name], rtol=1e-3, atol=1e-5)
    assert sha256(tmp_path / "1" / "tokenizer.json") == sha256(tmp_path / "2" / "tokenizer.json")


def test_a_killed_process_ends_the_training_with_one_sentence(inputs, tmp_path):
    process = script(inputs, tmp_path / "out", "--steps", 10**6, "--processes", 2)
    while "loss" not in (line := process.stdout.readline()):  # the first evaluation is over
        assert line, "it ended before it was killed"
    workers = psutil.Process(process.pid).children()
    workers[1].kill()
    said, _ = process.communicate()
    assert process.returncode == 1
    errors = [line for line in said.splitlines() if "tokens/s" not in line and ": loss" not in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: process 2 of 2 was ended by SIGKILL")
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not list(tmp_path.iterdir())


def test_more_processes_than_sequences_in_a_batch_are_refused_once(inputs, tmp_path):
    process = script(inputs, tmp_path / "out", "--steps", 4, "--batch-size", 1, "--processes", 2)
    said, _ = process.communicate()
    assert process.returncode == 1
    assert said.count("error:") == said.count("batch_size is 1, but 2 processes share a batch") == 1
    assert "Traceback" not in said
