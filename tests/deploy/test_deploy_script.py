"""From a checkpoint to the file of what it takes to serve it."""

import json

import pytest

from monoglot.deploy.measure import Measuring
from monoglot.errors import UserError


def test_every_form_is_measured_and_told_from_the_others(
    exported, tiny_checkpoint, heldout, script, tmp_path, monkeypatch
):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    checkpoint, out = tiny_checkpoint("bert"), tmp_path / "out" / "kd.json"
    failed = script(
        *("deploy", "--checkpoint", checkpoint, "--graphs", exported("bert"), "--text", heldout),
        *("--text-language", "mt", "--model", "mbert", "--language", "any", "--variant", "kd"),
        *("--lengths", 8, 100, 500, "--batch", 2, "--repeats", 2, "--warmup", 1),
        *("--batch-repeats", 1, "--threads", 1, "all", "--out", out),
    )
    assert failed is None
    found = json.loads(out.read_text())
    assert (found["model"], found["language"], found["variant"]) == ("mbert", "any", "kd")
    assert found["tokens"] == {"8": 8, "100": 64, "500": 64}
    assert found["threads"] == {"1": 1, "all": 1}
    assert list(found["forms"]) == ["onnx-fp32", "onnx-int8", "torch-fp32"]
    for form in found["forms"].values():
        (run,) = form["runs"]  # both numbers of threads are one
        assert set(run["latency"]) == set(run["throughput"]) == {"8", "100", "500"}
        assert run["latency"]["100"] == run["latency"]["500"]
        assert form["disk"]["weights_bytes"] < form["disk"]["folder_bytes"]
    weights = (checkpoint / "model.safetensors").stat().st_size
    assert found["forms"]["torch-fp32"]["disk"]["weights_bytes"] == weights
    memory = {name: form["runs"][0]["memory"] for name, form in found["forms"].items()}
    assert memory["onnx-int8"]["peak_bytes"] < memory["torch-fp32"]["peak_bytes"]
    provenance = json.loads((tmp_path / "out" / "kd.provenance.json").read_text())
    assert list(provenance["outputs"]) == ["kd.json"]
    assert any(name.endswith("heldout.parquet") for name in provenance["inputs"])


@pytest.mark.parametrize(
    "wrong", [{"lengths": ()}, {"repeats": 0}, {"threads": (0,)}, {"warmup": -1}]
)
def test_numbers_out_of_range_are_refused(wrong):
    right = {"lengths": (8,), "threads": (1, "all"), "batch": 1, "repeats": 1, "warmup": 0}
    with pytest.raises(UserError, match=f"{next(iter(wrong))}: must be"):
        Measuring(**(right | {"batch_repeats": 1} | wrong))
