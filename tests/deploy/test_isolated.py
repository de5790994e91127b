"""Measuring in another process, and what is said when that ends."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from monoglot.deploy import child
from monoglot.deploy import measure as isolated
from monoglot.deploy.child import torch_runtime
from monoglot.deploy.measure import measure
from monoglot.errors import UserError


@pytest.fixture
def order(exported, tmp_path):
    tokens = tmp_path / "tokens.safetensors"
    save_file({"8": np.full((2, 8), 9), "16": np.full((2, 16), 9)}, tokens)
    return {
        "runtime": "onnx",
        "precision": "int8",
        "model": str(exported("bert") / "model.int8.onnx"),
        "device": "cpu",
        "threads": 1,
        "tokens": str(tokens),
        "repeats": 3,
        "warmup": 1,
        "batch_repeats": 1,
    }


def test_memory_is_of_a_process_without_torch(order):
    found = measure(order)
    memory = found["memory"]
    assert memory["imported_bytes"] < memory["peak_bytes"] <= memory["batch_peak_bytes"]
    assert memory["batch_peak_bytes"] < 200 * 2**20  # torch alone takes more
    assert set(found["latency"]) == set(found["throughput"]) == {"8", "16"}
    for one in found["latency"].values():
        assert 0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"]


def test_a_fault_there_is_one_sentence_here(order):
    order["model"] = order["model"].replace("int8", "none")
    with pytest.raises(UserError) as caught:
        measure(order)
    said = str(caught.value)
    assert "onnx int8 on cpu with one thread: could not be measured (" in said
    assert "Traceback" not in said
    assert "\n" not in said


def test_a_process_that_is_killed_is_said_to_be(order, monkeypatch, tmp_path):
    (tmp_path / "dies.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(isolated.child, "__name__", "dies")
    with pytest.raises(UserError, match=r"with 2 threads: .* ended by SIGKILL; .* little memory"):
        measure(order | {"threads": 2})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_torch_answers_in_both_precisions(tiny_checkpoint, monkeypatch, precision):
    """What a GPU answers in bf16 is answered on the CPU here."""
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda n: None)
    answer = torch_runtime("cpu", precision, 1)(tiny_checkpoint("bert"))
    states = answer(np.full((2, 9), 7))
    assert states.shape == (2, 9, 24)
    assert states.dtype == {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def test_thread_pools_are_as_large_as_asked_for():
    found = isolated._environment(3)
    assert {found[name] for name in isolated.THREADS} == {"3"}
    assert child.__name__ == "monoglot.deploy.child"
