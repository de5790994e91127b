"""What jobs say they used of processors and GPUs."""

import subprocess
import sys
import types

import pytest

from monoglot import consumption

CRUNCH = "sum(i * i for i in range(3_000_000))"


def test_seconds_of_processors_count_the_job_and_its_children():
    since = consumption.counters()
    subprocess.run([sys.executable, "-c", CRUNCH], check=True)
    child = consumption.used(since)["cpu_seconds"]
    eval(CRUNCH)
    assert 0 < child < consumption.used(since)["cpu_seconds"]


def test_processes_that_train_together_count_all(monkeypatch):
    monkeypatch.setattr(consumption, "_cpu_seconds", iter([10.0, 12.5]).__next__)
    since = consumption.counters()
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert consumption.used(since)["cpu_seconds"] == 10.0


def test_without_a_gpu_joules_are_unknown():
    assert consumption.used(consumption.counters())["gpu_joules"] is None


@pytest.fixture
def driver(monkeypatch):
    """A driver with two GPUs, whose counters stand where the test sets them, in millijoules."""
    stands = {"GPU-a": 5_000, "GPU-b": 7_000}
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: stands.get("used", True),
        device_count=lambda: 2,
        get_device_properties=lambda i: types.SimpleNamespace(uuid="ab"[i]),
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    nvml = types.SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=str,
        nvmlDeviceGetTotalEnergyConsumption=stands.__getitem__,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return stands


@pytest.mark.parametrize(("share", "joules"), [(None, 5.0), ("20", 1.0)])
def test_joules_are_the_share_of_all_gpus_of_the_job(driver, monkeypatch, share, joules):
    since = consumption.counters()
    if share:
        monkeypatch.setenv(consumption.SHARE, share)
    driver |= {"GPU-a": 6_000, "GPU-b": 11_000}
    assert consumption.used(since)["gpu_joules"] == joules


def test_a_gpu_that_the_job_left_alone_costs_it_nothing(driver):
    since = consumption.counters()
    driver |= {"GPU-a": 6_000, "used": False}
    assert consumption.used(since)["gpu_joules"] is None


def test_a_driver_that_does_not_count_leaves_joules_unknown(driver):
    since = consumption.counters()
    sys.modules["pynvml"].nvmlDeviceGetTotalEnergyConsumption = _not_supported
    assert consumption.used(since)["gpu_joules"] is None


def test_without_the_library_of_the_driver_joules_are_unknown(driver, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert consumption.counters().gpu_joules is None


def _not_supported(_: str) -> int:
    raise RuntimeError("not supported")
