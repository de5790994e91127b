"""TensorBoard: asked for by a variable, one folder a checkpoint."""

import builtins
from pathlib import Path

import pytest

from monoglot.errors import UserError
from monoglot.training.distillation import scalars_of

OUT = Path("results/models/mbert/mt/kd")


@pytest.fixture
def read():
    """Return `read(folder)`: the scalars that TensorBoard shows, {name: [(step, value)]}."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def scalars(folder):
        found = events.EventAccumulator(str(folder))
        found.Reload()
        names = found.Tags()["scalars"]
        return {name: [(e.step, e.value) for e in found.Scalars(name)] for name in names}

    return scalars


def test_nothing_is_written_unless_asked_for(monkeypatch):
    monkeypatch.delenv("MONOGLOT_TENSORBOARD", raising=False)
    assert scalars_of(OUT) is None


def test_values_are_in_a_folder_named_as_the_checkpoint(monkeypatch, tmp_path, read):
    monkeypatch.setenv("MONOGLOT_TENSORBOARD", str(tmp_path))
    scalars = scalars_of(OUT)
    scalars.write(0, {"loss": None, "validation_loss": 4.0})
    scalars.write(5, {"loss": 2.0, "validation_loss": 3.0})
    assert read(tmp_path / OUT) == {"loss": [(5, 2.0)], "validation_loss": [(0, 4.0), (5, 3.0)]}


def test_a_checkpoint_elsewhere_has_its_folder_within_too(monkeypatch, tmp_path, read):
    monkeypatch.setenv("MONOGLOT_TENSORBOARD", str(tmp_path))
    scalars_of(Path("/data/../kd")).write(1, {"loss": 1.0})
    assert read(tmp_path / "data" / "kd") == {"loss": [(1, 1.0)]}


def test_a_resumed_run_hides_what_is_done_again(monkeypatch, tmp_path, read):
    monkeypatch.setenv("MONOGLOT_TENSORBOARD", str(tmp_path))
    first = scalars_of(OUT)
    for step in (0, 5, 10, 15):
        first.write(step, {"loss": float(step)})
    scalars_of(OUT).write(10, {"loss": 100.0})
    assert read(tmp_path / OUT)["loss"] == [(0, 0.0), (5, 5.0), (10, 100.0)]


def test_without_the_package_it_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("MONOGLOT_TENSORBOARD", str(tmp_path))
    real = builtins.__import__

    def without(name, *more):
        if "tensorboard" in name:
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="there is no package tensorboard"):
        scalars_of(OUT)
