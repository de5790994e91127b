"""What jobs say they used of processors and GPUs."""

import subprocess
import sys
import types

import pytest

from monoglot import provenance

CRUNCH = "sum(i * i for i in range(3_000_000))"


def test_seconds_of_processors_count_the_job_and_its_children():
    since = provenance.counters()
    subprocess.run([sys.executable, "-c", CRUNCH], check=True)
    child = provenance.used(since)["cpu_seconds"]
    eval(CRUNCH)
    assert 0 < child < provenance.used(since)["cpu_seconds"]


def test_processes_that_train_together_count_all(monkeypatch):
    monkeypatch.setattr(provenance, "counters", lambda: provenance.Counters(12.5, {}))
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert provenance.used(provenance.Counters(10.0, {}))["cpu_seconds"] == 10.0


def test_without_a_gpu_joules_are_unknown():
    assert provenance.used(provenance.counters())["gpu_joules"] is None


class Cuda:
    """torch.cuda with two GPUs, which nearly every question begins to use."""

    def __init__(self) -> None:
        self.begun = False

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return self.begun

    def device_count(self) -> int:
        return 2

    def get_device_properties(self, number: int) -> types.SimpleNamespace:
        self.begun = True
        return types.SimpleNamespace(uuid="ab"[number])

    def get_device_name(self) -> str:
        self.begun = True
        return "NVIDIA X"

    def max_memory_allocated(self) -> int:
        return 12_345


@pytest.fixture
def cuda(monkeypatch):
    cuda = Cuda()
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    return cuda


@pytest.fixture
def driver(monkeypatch, cuda):
    """A driver with three GPUs, whose counters stand where the test sets them, in millijoules."""
    stands = {"GPU-other": 1_000, "GPU-b": 7_000, "GPU-a": 5_000}
    nvml = types.SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(stands),
        nvmlDeviceGetHandleByIndex=list(stands).__getitem__,
        nvmlDeviceGetUUID=str,
        nvmlDeviceGetTotalEnergyConsumption=stands.__getitem__,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return stands


@pytest.mark.parametrize(("share", "joules"), [(None, 5.0), ("20", 1.0)])
def test_joules_are_the_share_of_all_gpus_of_the_job(driver, cuda, monkeypatch, share, joules):
    since = provenance.counters()
    if share:
        monkeypatch.setenv(provenance.SHARE, share)
    cuda.begun = True
    driver |= {"GPU-a": 6_000, "GPU-b": 11_000, "GPU-other": 90_000}
    assert provenance.used(since)["gpu_joules"] == joules


def test_a_gpu_that_the_job_left_alone_costs_it_nothing(driver):
    since = provenance.counters()
    driver |= {"GPU-a": 6_000, "GPU-b": 11_000}
    assert provenance.hardware()["gpu"] is None
    assert provenance.peak_memory_bytes() > 1_000_000
    assert provenance.used(since)["gpu_joules"] is None


def test_a_gpu_that_the_job_used_is_named(cuda):
    cuda.begun = True
    assert provenance.hardware()["gpu"] == "NVIDIA X"
    assert provenance.peak_memory_bytes() == 12_345


def test_a_driver_that_does_not_count_leaves_joules_unknown(driver, cuda):
    cuda.begun = True
    since = provenance.counters()
    sys.modules["pynvml"].nvmlDeviceGetTotalEnergyConsumption = _not_supported
    assert provenance.used(since)["gpu_joules"] is None


def test_another_gpu_that_does_not_count_does_not_matter(driver, cuda):
    def asked(gpu: str) -> int:
        return _not_supported(gpu) if gpu == "GPU-other" else driver[gpu]

    sys.modules["pynvml"].nvmlDeviceGetTotalEnergyConsumption = asked
    since = provenance.counters()
    cuda.begun = True
    driver |= {"GPU-a": 6_000, "GPU-b": 11_000}
    assert provenance.used(since)["gpu_joules"] == 5.0


def test_without_the_library_of_the_driver_joules_are_unknown(driver, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert provenance.counters().gpu_joules == {}


def _not_supported(_: str) -> int:
    raise RuntimeError("not supported")
