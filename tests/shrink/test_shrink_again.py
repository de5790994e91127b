"""`monoglot shrink` ended in the middle and started again: what is taken up, what is made anew."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from tiny_models import TEXTS
from transformers import AutoTokenizer

from monoglot.fingerprint import ROOT
from monoglot.operations import training_loop
from monoglot.shrink import material as reading
from monoglot.shrink import work as working
from monoglot.shrink.material import Material
from tests.shrink.test_shrink import NAMES, STEPS


def weights(folder):
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


class EndedError(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture
def made(monkeypatch):
    """Steps that are made, and not taken from an earlier run; `made.until` names one that fails."""

    class Made(list):
        until = None

    made, performed = Made(), working.perform

    def perform(step, *about):
        if step.name == made.until:
            raise EndedError
        made.append(step.name)
        return performed(step, *about)

    monkeypatch.setattr(working, "perform", perform)
    return made


@pytest.mark.slow
def test_an_ended_run_goes_on_and_ends_with_the_same_bytes(
    monoglot, model_folder, text_file, tmp_path, made
):
    words = ["--text", text_file, "--language", "Maltese", "--vocab", 40, *STEPS]
    whole, out = tmp_path / "whole", tmp_path / "small"
    assert monoglot("shrink", model_folder("xlm-roberta"), whole, *words).exit_code == 0
    assert made == NAMES
    made.clear()
    made.until = "ffn"
    result = monoglot("shrink", model_folder("xlm-roberta"), out, *words)
    assert isinstance(result.exception, EndedError)
    assert not out.exists()
    assert made == NAMES[:3]
    made.clear()
    made.until = None
    assert monoglot("shrink", model_folder("xlm-roberta"), out, *words).exit_code == 0
    assert made == NAMES[3:]
    assert weights(out) == weights(whole)


@pytest.mark.slow
def test_a_killed_training_goes_on_where_it_was(model_folder, text_file, tmp_path):
    """Killed with SIGKILL in the middle of a distillation."""
    command = [sys.executable, "-m", "monoglot", "shrink", model_folder("bert")]
    words = ["--text", text_file, "--language", "Maltese", "--vocab", "60"]
    words += ["--adapt-steps", "3", "--distil-steps", "60"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MONOGLOT_SAVE_EVERY": "0"}
    how = {"env": environment, "cwd": tmp_path, "text": True, "stderr": subprocess.PIPE}
    subprocess.run([*command, "whole", *words], check=True, **how)
    with subprocess.Popen([*command, "small", *words], **how) as running:
        states = tmp_path / "small.unfinished" / "3-distilled" / "state"
        while not list(states.glob("step2?.safetensors")) and running.poll() is None:
            time.sleep(0.01)
        running.kill()
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "small").exists()
    result = subprocess.run([*command, "small", *words], check=True, **how)
    assert re.search(r"resumed at step 2\d of 60", result.stderr), result.stderr
    assert weights(tmp_path / "small") == weights(tmp_path / "whole")


@pytest.mark.parametrize(
    ("number", "total", "said"),
    [
        (signal.SIGINT, 6, "SIGINT asked training to end, after step 3 of 6: its state is saved"),
        (signal.SIGTERM, 6, "SIGTERM asked training to end, after step 3 of 6: its state is saved"),
        (signal.SIGINT, 4, "interrupted"),  # while steps are measured
        (signal.SIGTERM, 4, "ended by SIGTERM"),
    ],
)
def test_asked_to_end(
    monoglot, model_folder, text_file, tmp_path, monkeypatch, number, total, said
):
    step = training_loop._Run._step

    def step_and_signal(run):
        step(run)
        if (run.step, run.total) == (3, total):
            signal.raise_signal(number)

    monkeypatch.setattr(training_loop._Run, "_step", step_and_signal)
    words = ["--text", text_file, "--language", "Maltese", *STEPS]
    result = monoglot("shrink", model_folder("bert"), tmp_path / "small", *words)
    assert result.exit_code == 128 + number
    assert result.stderr.splitlines()[-1].startswith(said)


@pytest.mark.slow
def test_other_settings_start_anew(monoglot, model_folder, text_file, tmp_path, made):
    words = ["shrink", model_folder("bert"), tmp_path / "small", "--text", text_file]
    words += ["--language", "Maltese", "--vocab", 60, "--work", tmp_path / "work"]
    made.until = "distilled"
    assert isinstance(monoglot(*words, *STEPS).exception, EndedError)
    assert made == NAMES[:2]
    made.clear()
    made.until = None
    assert monoglot(*words, "--adapt-steps", 6, "--distil-steps", 3).exit_code == 0
    assert made == NAMES[2:]
    assert not (tmp_path / "work").exists()


def test_text_that_was_read_in_part_is_not_taken_for_another(model_folder, tmp_path, monkeypatch):
    """The text of key A, an end between the two stores of key B, and then key A again."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder("bert"))

    def stores(key, texts):
        material = Material(tmp_path / "text", key)
        material.prepare(texts, tokenizer)
        return [material.training.tokens.tolist(), material.heldout.tokens.tolist()]

    whole = stores("A", TEXTS)
    build, ends = reading.build_store, iter([False, True])

    def build_until_ended(*about):
        if next(ends):
            raise EndedError
        build(*about)

    with monkeypatch.context() as patched, pytest.raises(EndedError):
        patched.setattr(reading, "build_store", build_until_ended)
        stores("B", TEXTS[::-1])
    assert stores("A", TEXTS) == whole
