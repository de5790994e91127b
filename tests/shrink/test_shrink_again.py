"""`monoglot shrink` ended in the middle and started again: what is taken up, what is made anew."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from monoglot import shrink
from monoglot.cli import models
from monoglot.fingerprint import ROOT
from monoglot.training import loop
from tests.shrink.test_shrink import STEPS

MADE = "results/shrink"


def weights(folder):
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def when_made(work):
    """When each variant's weights were written, by variant."""
    files = (work / MADE / "models").rglob("model.safetensors")
    return {file.parent.name: file.stat().st_mtime_ns for file in files}


def end(process, number):
    """End a process and all that it has started; return how it ended."""
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    if number == signal.SIGKILL:
        for one in below:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(below)
    return process.wait()


@pytest.mark.slow
def test_an_ended_run_goes_on_and_ends_with_the_same_bytes(model_folder, text_file, tmp_path):
    """Ended by Ctrl-C in the middle of a distillation, then by SIGKILL."""
    command = [sys.executable, "-m", "monoglot", "shrink", model_folder("xlm-roberta")]
    words = ["--text", text_file, "--language", "Maltese", "--vocab", "60"]
    words += ["--adapt-steps", "3", "--distil-steps", "60", "--ffn", "48", "--hidden", "24"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MONOGLOT_SAVE_EVERY": "0"}
    how = {"env": environment, "cwd": tmp_path, "text": True}
    subprocess.run([*command, "whole", *words], check=True, **how)
    work = tmp_path / "small.unfinished"
    states = work / MADE / "unfinished" / "xlm-roberta" / "maltese" / "distilled"
    before = {}
    for number, step in ((signal.SIGINT, "1?"), (signal.SIGKILL, "4?")):
        with subprocess.Popen([*command, "small", *words], stderr=subprocess.PIPE, **how) as run:
            while not list(states.glob(f"step{step}.safetensors")) and run.poll() is None:
                time.sleep(0.01)
            status = end(run, number)
            said = run.stderr.read()
        assert not (tmp_path / "small").exists()
        if number == signal.SIGINT:
            assert status == 128 + number
            assert said.splitlines()[-1] == "stopped; the same command continues from here"
            before = when_made(work)
            assert set(before) == {"model", "adapted", "layers"}
        else:
            assert status == -number
            assert when_made(work) == before
    logs = work / MADE / "logs" / "train" / "xlm-roberta" / "maltese"
    with subprocess.Popen([*command, "small", *words], **how) as run:
        # The work is removed at the end: the log is read while it is there.
        said = set()
        while run.poll() is None:
            with suppress(OSError):
                said.add((logs / "distilled.log").read_text())
            time.sleep(0.05)
    assert run.returncode == 0
    assert any(re.search(r"resumed at step [45]\d of 60", log) for log in said), said
    assert weights(tmp_path / "small") == weights(tmp_path / "whole")


def test_of_a_run_that_failed_nothing_is_delivered(
    monoglot, model_folder, text_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(models, "_run", lambda work, targets: 130)
    words = ["--text", text_file, "--language", "Maltese", *STEPS]
    assert monoglot("shrink", model_folder("bert"), tmp_path / "small", *words).exit_code == 130
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM")],
)
def test_asked_to_end_while_steps_are_measured(
    monoglot, model_folder, text_file, tmp_path, monkeypatch, number, said
):
    step = loop._Run._step

    def step_and_signal(run):
        step(run)
        if run.step == 3:
            signal.raise_signal(number)

    monkeypatch.setattr(loop._Run, "_step", step_and_signal)
    words = ["--text", text_file, "--language", "Maltese", *STEPS]
    result = monoglot("shrink", model_folder("bert"), tmp_path / "small", *words)
    assert result.exit_code == 128 + number
    assert result.stderr.splitlines()[-1].startswith(said)


@pytest.mark.slow
def test_other_settings_start_anew(monoglot, model_folder, text_file, tmp_path, monkeypatch):
    words = ["shrink", model_folder("bert"), tmp_path / "small", "--text", text_file]
    words += ["--language", "Maltese", "--vocab", 60, "--work", tmp_path / "work"]
    words += ["--ffn", 48, "--hidden", 24]
    deliver, seen = shrink.deliver, []

    def look_and_deliver(work, *about):
        seen.append(when_made(work))
        if len(seen) == 1:
            raise KeyboardInterrupt
        deliver(work, *about)

    monkeypatch.setattr(shrink, "deliver", look_and_deliver)
    assert monoglot(*words, *STEPS).exit_code == 130
    assert monoglot(*words, "--adapt-steps", 6, "--distil-steps", 3).exit_code == 0
    first, second = seen
    assert set(first) == set(second) == {"model", "adapted", "layers", "distilled", "vocab"}
    assert {name for name in first if first[name] != second[name]} == {"distilled", "vocab"}
    assert not (tmp_path / "work").exists()


def test_another_model_or_text_under_the_same_name_starts_anew(tmp_path):
    model, text = tmp_path / "model", tmp_path / "text.txt"
    model.mkdir()
    weights, work = model / "model.safetensors", tmp_path / "work"

    def left():
        shrink.identify(work, shrink.started_from(model, [str(text), "-"]))
        found = (work / MADE).exists(), (work / "text.jsonl").exists()
        (work / MADE).mkdir(parents=True, exist_ok=True)
        (work / "text.jsonl").touch()
        return found

    weights.write_text("A")
    text.write_text("a")
    assert left() == (False, False)
    assert left() == (True, True)
    text.write_text("b")
    assert left() == (False, False)
    assert left() == (True, True)
    weights.write_text("B")
    assert left() == (False, False)
    text.touch()
    assert left() == (True, True)
