"""Trainings that are ended by real signals go on to the bytes of one that never was."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from monoglot.checkpoints import load_model
from monoglot.errors import UserError
from monoglot.tokens.store import build_store
from monoglot.training.state import SAVE_EVERY, TrainingState

ROOT = Path(__file__).parents[2]
TEXTS = ["il kelb jiġri wara il qattus", "id dar hija kbira", "a dog runs after the cat"] * 10
RESULTS = ("model.safetensors", "history.csv", "config.json")
STEPS = 240
SLOW = pytest.mark.slow


class Training:
    """`scripts/train.py` as its own process, by default under `scripts/on_gpu.py`."""

    def __init__(self, folder, checkpoint, name, *more, save_every=1e9):
        self.folder, self.out = folder, folder / name
        store = folder / "store"
        if not store.exists():
            build_store(TEXTS, checkpoint, store)
        command = ["scripts/on_gpu.py", sys.executable, "scripts/train.py", "--parent", checkpoint]
        command += ["--tokens", store, "--validation", store, "--out", self.out]
        # 30 texts in batches of 8: an epoch is four steps, and any other step is in its middle.
        command += ["--max-length", 24, "--steps", STEPS, "--evaluate-every", 7, *more]
        outside = ("WORLD_SIZE", "RANK")
        environment = {k: v for k, v in os.environ.items() if k not in outside}
        environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=environment | {SAVE_EVERY: str(save_every)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, text):
        """Read the log up to a line with `text`."""
        while text not in (line := self.process.stdout.readline()):
            self.said += line
            assert line, f"it ended early:\n{self.said}"
        self.said += line
        return self

    def end(self, signal_number):
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self):
        self.said += self.process.communicate()[0]
        return self.process.returncode


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint):
    return tiny_checkpoint("bert")


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory):
    """A folder with a token store and `whole`, the result of a training that nobody ended."""
    folder = tmp_path_factory.mktemp("training")
    training = Training(folder, checkpoint, "whole")
    assert training.wait() == 0, training.said
    return folder


@pytest.fixture
def training(folder, checkpoint, tmp_path):
    """Return `training(...)`: one that keeps its state in `tmp_path/state`."""
    started = []

    def start(*more, **options):
        state = ("--state", tmp_path / "state")
        started.append(Training(folder, checkpoint, tmp_path.name, *state, *more, **options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()


def same_results(folder, out):
    return all((folder / "whole" / n).read_bytes() == (out / n).read_bytes() for n in RESULTS)


def states(folder):
    return sorted(folder.glob("state/*"), key=lambda file: int(re.sub(r"\D", "", file.name)))


def flip(file, at):
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=SLOW),
        pytest.param(signal.SIGHUP, marks=SLOW),
    ],
)
def test_asked_to_end_training_saves_and_goes_on_to_the_same_bytes(
    training, folder, tmp_path, number
):
    ended = training().until("step 7 of")
    assert ended.end(number) == 1
    errors = [line for line in ended.said.splitlines() if ": loss" not in line]
    step = re.search(
        rf"{number.name} asked training to end, after step (\d+) of {STEPS}", errors[-1]
    )
    assert errors[-1].startswith("error: "), ended.said
    assert "Traceback" not in ended.said
    assert not ended.out.exists()
    assert [file.name for file in states(tmp_path)] == [f"step{step[1]}.safetensors"]
    again = training()
    assert again.wait() == 0, again.said
    assert f"resumed at step {step[1]} of {STEPS}" in again.said
    assert same_results(folder, again.out)
    assert not (tmp_path / "state").exists()


@SLOW
def test_killed_again_and_again_training_ends_in_the_same_bytes(training, folder, tmp_path):
    for step in (14, 42, 77):
        assert training(save_every=0).until(f"step {step} of").end(signal.SIGKILL) < 0
        assert len(states(tmp_path)) <= 4, "two, a new one, and one that was being written"
    again = training(save_every=0)
    assert again.wait() == 0, again.said
    assert "resumed at step" in again.said
    assert same_results(folder, again.out)


@pytest.fixture(scope="module")
def saved_twice(folder, checkpoint, tmp_path_factory):
    """A folder with two states of the training."""
    place = tmp_path_factory.mktemp("saved")
    training = Training(folder, checkpoint, "ended", "--state", place / "state", save_every=0)
    assert training.until("step 21 of").end(signal.SIGTERM) == 1
    assert len(states(place)) == 2
    return place


def truncate(file):
    os.truncate(file, file.stat().st_size // 2)


def test_from_a_damaged_state_training_takes_the_one_before_it(
    saved_twice, training, folder, tmp_path
):
    older, newer = states(shutil.copytree(saved_twice, tmp_path, dirs_exist_ok=True))
    truncate(newer)
    again = training()
    assert again.wait() == 0, again.said
    assert f"{newer} is damaged (" in again.said
    assert f"resumed at step {older.stem.removeprefix('step')} of" in again.said
    assert same_results(folder, again.out)


def test_a_state_of_other_settings_is_not_used(saved_twice, training, tmp_path):
    shutil.copytree(saved_twice, tmp_path, dirs_exist_ok=True)
    other = training("--learning-rate", 1e-4).until("step 0 of")
    assert "resumed" not in other.said
    assert "is of another training" in other.said
    assert other.end(signal.SIGTERM) == 1


@pytest.mark.parametrize(
    "target",
    [pytest.param("starter", marks=SLOW), pytest.param("one worker", marks=SLOW), "all"],
)
def test_several_processes_end_together(training, tmp_path, target):
    two = training("--processes", 2).until("step 7 of")
    workers = psutil.Process(two.process.pid).children()
    targets = {"starter": [two.process], "one worker": workers[1:], "all": [two.process, *workers]}
    for process in targets[target]:
        process.send_signal(signal.SIGTERM)
    assert two.wait() == 1
    assert two.said.count("error: ") == two.said.count("asked training to end") == 1
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert len(states(tmp_path)) == 1


@SLOW
def test_several_processes_go_on(training):
    assert training("--processes", 2).until("step 7 of").end(signal.SIGTERM) == 1
    again = training("--processes", 2)
    assert again.wait() == 0
    assert "resumed at step" in again.said


def test_without_a_folder_for_its_state_it_ends_at_once(folder, checkpoint, tmp_path):
    ended = Training(folder, checkpoint, "stateless").until("step 7 of")
    assert ended.end(signal.SIGTERM) == 1
    last = ended.said.splitlines()[-1]
    assert last == "error: ended by SIGTERM before it was done; start it again"


def test_an_interval_that_is_no_number_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(SAVE_EVERY, "often")
    with pytest.raises(UserError, match="MONOGLOT_SAVE_EVERY is 'often'"):
        TrainingState(tmp_path, "one")


@pytest.fixture
def saved(checkpoint, tmp_path):
    """Return a model, its optimiser and a folder with their states after steps 1 to 3."""
    model = load_model(checkpoint)
    optimizer = torch.optim.AdamW(model.parameters())
    (tmp_path / ".step9.safetensors.x1y2").write_text("left by a killed process")
    state = TrainingState(tmp_path, "one")
    for step in (1, 2, 2, 3):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        state.save(model, optimizer, None, {"step": step, "sums": [0.5]})
    return model, optimizer, tmp_path


def test_a_second_training_is_kept_off_the_folder_of_the_first(tmp_path):
    first, second = TrainingState(tmp_path / "state", "a"), TrainingState(tmp_path / "state", "b")
    first.claim()
    with pytest.raises(UserError, match="state: another training saves its state there; wait"):
        second.claim(seconds=0)
    first.forget()
    assert not (tmp_path / "state").exists(), "nothing is left of a training that is done"
    second.claim(seconds=0)


def test_no_more_than_two_states_are_kept(saved):
    names = sorted(file.name for file in saved[-1].iterdir())
    assert names == ["step2.safetensors", "step3.safetensors"]


def at(text, offset):
    """Return a function that flips a bit of a file, some bytes behind a text in its header."""
    return lambda file: flip(file, file.read_bytes().index(text) + offset)


DAMAGES = {
    "truncated": truncate,
    "empty": lambda file: os.truncate(file, 0),
    "absent": lambda file: file.unlink(),
    "length": lambda file: flip(file, 3),
    "hash": at(b'"sha256":"', 12),
    "fingerprint": at(b'"fingerprint":"', 15),
    "progress": at(b"sums", 9),
    "name": at(b"exp_avg", 0),
    "type": at(b'"dtype":"F32"', 9),
    "shape": at(b'"shape":[', 9),
    "weight": lambda file: flip(file, file.stat().st_size // 2),
    "last byte": lambda file: flip(file, -1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_noticed(saved, caplog, damage):
    model, optimizer, folder = saved
    damage(folder / "step3.safetensors")
    _, progress = TrainingState(folder, "one").load(model, optimizer)
    assert progress == {"step": 2, "sums": [0.5]}
    assert ("is damaged" in caplog.text) == (folder / "step3.safetensors").exists()
    damage(folder / "step2.safetensors")
    assert TrainingState(folder, "one").load(model, optimizer) is None


def test_if_all_states_are_damaged_the_log_says_so(saved, caplog):
    model, optimizer, folder = saved
    for file in folder.iterdir():
        truncate(file)
    assert TrainingState(folder, "one").load(model, optimizer) is None
    assert caplog.text.count("is damaged") == 2
    assert f"no whole state is left in {folder}; training starts anew" in caplog.text


def test_where_there_is_no_state_none_is_loaded_and_none_is_missed(saved, tmp_path, caplog):
    model, optimizer, _ = saved
    caplog.set_level("INFO")
    assert TrainingState(tmp_path / "none", "one").load(model, optimizer) is None
    assert TrainingState(tmp_path, "another").load(model, optimizer) is None
    assert caplog.text.count("is of another training") == 2
    assert "damaged" not in caplog.text
    assert "whole state" not in caplog.text


def test_every_byte_of_a_header_counts(saved, caplog):
    """No flipped bit may lead to a state that differs from what was saved."""
    model, optimizer, folder = saved
    (folder / "step2.safetensors").unlink()
    file = folder / "step3.safetensors"
    whole = file.read_bytes()
    for at in range(0, int.from_bytes(whole[:8], "little") + 8, 211):
        flip(file, at)
        found = TrainingState(folder, "one").load(model, optimizer)
        assert found is None or found[1] == {"step": 3, "sums": [0.5]}
        file.write_bytes(whole)
