"""Which GPUs there are, and how many small jobs share one."""

import pytest

from monoglot import gpus


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("0,1", ["0", "1"]),
        (" 3 ", ["3"]),
        ("GPU-aaa,GPU-bbb", ["GPU-aaa", "GPU-bbb"]),
        ("", []),
        ("-1", []),
        ("0,-1,2", ["0"]),
        ("NoDevFiles", []),
    ],
)
def test_what_is_visible_is_read_as_cuda_reads_it(monkeypatch, named, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus.visible() == expected


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ("143771", 20),
        ("81559\n40960", 50),
        ("24564", 100),
        ("8192", 100),
        ("[N/A]", 50),
        ("", 50),
    ],
)
def test_small_jobs_share_a_gpu_by_its_memory(tmp_path, monkeypatch, told, share):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\necho '{told}'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpus.small_job_share() == share


def test_without_nvidia_smi_two_small_jobs_share_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.small_job_share() == 50
