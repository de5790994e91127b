"""What a training run says of its progress."""

import logging

import pytest
import torch

from monoglot.training import loop, matmul
from monoglot.training.loop import Clock, Work, peak
from monoglot.training.processes import Processes

CPU = torch.device("cpu")
ROW = {
    **{"step": 4, "tokens": 400, "learning_rate": 0.1, "loss": 2.0, "mlm_loss": 2.0},
    **{"distillation_loss": None, "validation_loss": 3.0, "validation_accuracy": 0.25},
}


@pytest.fixture
def time(monkeypatch):
    """A clock that the test sets, in seconds: `time["now"] = 3`."""
    now = {"now": 0.0}
    monkeypatch.setattr(loop.time, "monotonic", lambda: now["now"])
    return now


class Kept:
    """Scalars in a list."""

    def __init__(self):
        self.values = []

    def write(self, step, values):
        self.values += [(step, name, value) for name, value in values.items()]


class Several(Processes):
    """One process of `count`, whose others do as much as it does."""

    def total(self, tensor):
        return tensor.mul_(self.count)


def step_of(rows, size=8):
    """The work of a product of [rows, size] and [size, size]: 2 rows size² operations."""
    torch.ones(rows, size) @ torch.ones(size, size)


def counted(work, tokens=10):
    seen = [0]
    with work.counted(lambda: seen[0]):
        step_of(tokens)
        seen[0] += tokens


def test_operations_are_counted_in_the_first_step_alone_and_taken_per_token(monkeypatch):
    monkeypatch.setattr(loop, "peak", lambda *_: 1e6)
    work = Work(Processes(device=CPU), "fp32")
    counted(work, tokens=10)
    assert work.share_of_peak(1000) == pytest.approx(1000 * 2 * 64 / 1e6)
    counted(work, tokens=99)
    assert work.share_of_peak(1000) == pytest.approx(1000 * 2 * 64 / 1e6)


def test_several_processes_do_the_work_of_all_on_the_devices_of_all(monkeypatch):
    """Each does the products of its own part of the tokens; the sum is over all tokens."""
    monkeypatch.setattr(loop, "peak", lambda *_: 1e6)
    one, four = Work(Processes(device=CPU), "fp32"), Work(Several(0, 4, CPU), "fp32")
    counted(one)
    counted(four)
    assert four.peak == 4 * one.peak
    assert four.share_of_peak(1000) == pytest.approx(one.share_of_peak(1000))


def test_the_peak_is_that_of_the_precision(monkeypatch):
    seen = []
    monkeypatch.setattr(matmul, "_has_bf16", True)
    monkeypatch.setattr(loop, "peak", lambda _, dtype: seen.append(dtype) or 1.0)
    for precision in ("fp32", "bf16"):
        work = Work(Processes(device=CPU), precision)
        assert work.peak == work.peak == 1.0
    assert seen == [torch.float32, torch.bfloat16]


def test_the_peak_is_that_of_fp32_on_processors_without_bf16(monkeypatch):
    monkeypatch.setattr(matmul, "_has_bf16", False)
    monkeypatch.setattr(loop, "peak", lambda _, dtype: float(dtype == torch.float32))
    work = Work(Processes(device=CPU), "bf16")
    assert (work.precision, work.peak) == ("fp32", 1.0)


def test_the_peak_is_measured(monkeypatch):
    monkeypatch.setattr(loop, "SECONDS", 0.001)
    monkeypatch.setitem(loop.SIZES, "cpu", 64)
    assert peak(CPU) > 0


def test_a_resumed_run_is_timed_from_where_it_goes_on(time, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(loop, "peak", lambda *_: 1e6)
    clock = Clock(100, 50_000, 200, 300, Processes(device=CPU))
    counted(clock.work)
    with clock.evaluating():
        time["now"] = 10.0
    time["now"] = 20.0
    clock.tick(110, 51_000)
    assert "step 110 of 200, 100 tokens/s, 1 % of the 1e+06 FLOP/s of a fp32" in caplog.text
    assert "50.0 % of the time for validation, 180 s left" in caplog.text


def test_the_time_left_is_told_from_the_first_tenth_on(time, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(loop, "peak", lambda *_: 1e6)
    clock = Clock(0, 0, 200, 300, Processes(device=CPU))
    counted(clock.work)
    time["now"] = 60.0
    clock.tick(19, 1_900)
    assert "left" not in caplog.text
    time["now"] = 80.0
    clock.tick(20, 2_000)
    assert "720 s left" in caplog.text


def test_speed_is_not_logged_all_the_time(time, caplog):
    caplog.set_level(logging.INFO)
    clock = Clock(0, 0, 200, 300, Processes(device=CPU))
    time["now"] = 5.0
    clock.tick(1, 100)
    assert caplog.text == ""


def test_validation_accuracy_is_in_the_log(time, caplog):
    caplog.set_level(logging.INFO)
    clock = Clock(0, 0, 8, 300, Processes(device=CPU))
    clock.report(ROW | {"step": 0, "loss": None})
    clock.report(ROW)
    assert "step 0 of 8: validation loss 3.0000, validation accuracy 0.2500" in caplog.text
    assert "step 4 of 8: loss 2.0000, validation loss 3.0000, validation acc" in caplog.text


def test_scalars_hold_losses_rate_and_speed(time, monkeypatch):
    monkeypatch.setattr(loop, "peak", lambda *_: 1e6)
    kept = Kept()
    clock = Clock(0, 0, 8, 300, Processes(device=CPU), scalars=kept)
    counted(clock.work)
    clock.report(ROW | {"step": 0, "tokens": 0, "loss": None})
    time["now"] = 4.0
    clock.report(ROW)
    assert (4, "loss", 2.0) in kept.values
    assert (4, "learning_rate", 0.1) in kept.values
    assert (4, "validation_accuracy", 0.25) in kept.values
    assert (4, "tokens_per_second", 100.0) in kept.values
    assert (4, "share_of_peak", pytest.approx(100 * 128 / 1e6)) in kept.values
    assert (0, "validation_loss", 3.0) in kept.values
    assert not any(name == "tokens_per_second" for step, name, _ in kept.values if step == 0)


def test_only_the_first_process_reports(time, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    clock = Clock(0, 0, 8, 300, Several(1, 2, CPU))
    time["now"] = 30.0
    clock.report(ROW)
    clock.tick(4, 400)
    assert caplog.text == ""
