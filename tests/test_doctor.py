"""`monoglot doctor`: what it finds on machines of all kinds."""

import json
import os
import types
from pathlib import Path

import pytest
from hub_stand_in import Hub, serve

from monoglot import doctor
from monoglot.config import read
from monoglot.graph import Graph
from tests.cli.conftest import monoglot, output  # noqa: F401

OK, WARN, FAIL = doctor.OK, doctor.WARN, doctor.FAIL


def finding(found: tuple[str, ...]) -> doctor.Finding:
    return doctor.Finding("", *found)


def command(folder: Path, name: str, text: str, status: int = 0) -> None:
    """Put a command on the path that prints a text."""
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands, before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_versions_are_compared_with_the_pins(tmp_path):
    pins = tmp_path / "requirements.txt"
    click, torch = doctor.installed("click"), doctor.installed("torch")
    pins.write_text(f"# pins\nclick=={click}\ntorch=={torch}\n")
    assert doctor.versions(pins) == (OK, "all 2 packages as pinned")
    pins.write_text("click==0.1\nno-such-package==1 ; python_version > '3'\n")
    found = finding(doctor.versions(pins))
    assert found.state == WARN
    assert (
        found.said == f"others than pinned: click {click} for 0.1; not installed: no-such-package"
    )


def test_a_package_that_is_vital(monkeypatch):
    assert doctor.packages() is None
    monkeypatch.setattr(doctor, "VITAL", ("click", "no-such-package"))
    found = finding(doctor.packages())
    assert (found.state, found.said) == (FAIL, "no-such-package missing")


def torch_of(monkeypatch: pytest.MonkeyPatch, cuda: str | None, works: bool) -> None:
    import torch

    monkeypatch.setattr(torch, "version", types.SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: works)


@pytest.mark.parametrize(
    ("cuda", "works", "mode", "state", "todo"),
    [
        ("12.8", True, "Default", OK, ""),
        (None, False, "Default", WARN, "build of torch for CUDA"),
        ("12.8", False, "Default", FAIL, "renew it"),
        ("12.8", True, "Exclusive_Process", WARN, "evaluate:gpu_share=100"),
        ("12.8", True, "Prohibited", FAIL, "compute-mode=DEFAULT"),
    ],
)
def test_gpus(path, monkeypatch, cuda, works, mode, state, todo):
    command(path, "nvidia-smi", f"NVIDIA H200, 143771, 570.1, {mode}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    torch_of(monkeypatch, cuda, works)
    found = finding(doctor.gpus())
    assert (found.state, todo in found.todo) == (state, True)
    assert "NVIDIA H200, 143771 MiB, driver 570.1" in found.said


def test_gpus_that_are_hidden(path, monkeypatch):
    command(path, "nvidia-smi", "NVIDIA H200, 143771, 570.1, Default")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    torch_of(monkeypatch, "12.8", works=False)
    found = finding(doctor.gpus())
    assert "hides all GPUs" in found.todo


def test_a_container_may_use_less_than_the_machine_has(monkeypatch):
    monkeypatch.setattr(doctor, "_quota", lambda: 0.5)
    found = finding(doctor.processor())
    assert (found.state, "may use 0.5 of them" in found.todo) == (WARN, True)


def test_memory_for_the_largest_training(monkeypatch):
    monkeypatch.setattr(doctor, "visible", list)
    monkeypatch.setattr(doctor, "_memory_limit", lambda: 7 * 10**9)
    assert doctor.memory(None)[0] == OK
    assert doctor.memory(8e9)[0] == FAIL
    monkeypatch.setattr(doctor, "_memory_limit", lambda: 2 * 10**9)
    assert doctor.memory(None)[0] == WARN


def test_disks(tmp_path, monkeypatch):
    usage = types.SimpleNamespace(free=10 * 10**9)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    folder = tmp_path / "not" / "yet"
    needs = (None, 5 * 10**9, 9 * 10**9, 11 * 10**9)
    assert [doctor.folder(folder, need)[0] for need in needs] == [
        *(OK, OK, WARN, FAIL),
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    found = finding(doctor.folder(tmp_path, None))
    assert (found.state, found.said) == (FAIL, f"{tmp_path}: Permission denied")


def test_the_hub(monkeypatch):
    with serve(Hub(web={"/": b"hello"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        assert doctor.hub(None)[0] == OK
    assert [doctor.hub(count)[0] for count in (None, 0, 3)] == [WARN, OK, FAIL]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = finding(doctor.hub(None))
    assert "HF_HUB_OFFLINE is set" in found.said


def test_the_token_is_not_shown(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = finding(doctor.token())
    assert found.said == "there is one"


def test_slurm(path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert doctor.slurm()[0] == OK
    monkeypatch.undo()
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    command(path, "sbatch", "slurm 23.11")
    monkeypatch.setattr(doctor, "installed", lambda _: None)
    assert doctor.slurm()[0] == WARN
    command(path, "sbatch", "", status=1)
    assert doctor.slurm()[0] == WARN


def test_a_check_that_breaks_is_a_warning():
    def broken():
        raise ValueError("a driver\nis odd")

    (found,) = doctor.found({"GPU": broken})
    assert (found.state, found.said) == (WARN, "cannot be looked at (a driver)")


def test_what_the_papers_grid_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    config = read("config.yaml", "test")
    config["results"] = str(tmp_path / "out")
    found = doctor.wants(Graph(config))
    assert found.bytes == pytest.approx(38e9, rel=0.2)
    # XLM-R adapted on its own: 16 bytes for each of 278 million parameters.
    assert found.memory == pytest.approx(16 * 278e6, rel=0.1)
    assert (found.to_fetch > 20, found.missing) == (True, ())


def test_the_command(monoglot, config, monkeypatch):  # noqa: F811
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    said = monoglot("doctor", config)
    output(said, status=1)
    assert "fail  Hub: http://127.0.0.1:9" in said.stdout
    found = json.loads(output(monoglot("doctor", "--json")))
    assert {one["state"] for one in found} <= {OK, WARN}
    assert "ok  " not in output(monoglot("doctor", "-q"))


def test_a_wrong_configuration_is_one_of_the_findings(monoglot, tmp_path):  # noqa: F811
    (tmp_path / "wrong.yaml").write_text("extends: config.yaml\nseeds: none\n")
    said = monoglot("doctor", str(tmp_path / "wrong.yaml"))
    assert "fail  configuration: seeds: 'none' is not" in output(said, status=1)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: config.yaml\nresults: {tmp_path}/out\n")
    return str(path)


def test_a_folder_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    found = finding(doctor.folder(tmp_path / "file" / "cache", None))
    assert (found.state, found.said) == (FAIL, f"{tmp_path}/file/cache: Not a directory")
