"""The training loop by itself: dropout, clipping, the best weights, and going on from a state."""

import numpy as np
import pytest
import torch
from torch import nn

from monoglot.checkpoints import load_model
from monoglot.errors import UserError
from monoglot.training import loop
from monoglot.training.loop import _Run, train
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings
from monoglot.training.state import TrainingState

SETTINGS = Settings(
    learning_rate=3e-3,
    batch_size=4,
    steps=6,
    max_length=16,
    mlm_probability=0.3,
    evaluate_every=2,
    seed=7,
)
RUINOUS = {"learning_rate": 30.0, "keep": "best"}
"""Every step makes it worse, so that the weights at the start are the best ones."""
SPECIAL = {"cls": 2, "sep": 3, "pad": 0, "mask": 4, "special": [0, 2, 3, 4], "vocab": 60}


def documents(count=8):
    draw = np.random.default_rng(0)
    return [draw.integers(5, 60, length) for length in draw.integers(4, 14, count)]


def norm(run):
    return nn.utils.get_total_norm([p.grad for p in run.trained.parameters()]).item()


@pytest.fixture
def family():
    return "bert"


@pytest.fixture
def run_of(parent):
    """Return `run_of(**changes)`: a run of the tiny model before its first step."""

    def make(teacher=None, **changes):
        settings = SETTINGS.changed(**changes)
        given = documents(), SPECIAL, documents(4)
        return _Run(load_model(parent), *given, settings, teacher, Processes())

    return make


def weights(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def same(left, right):
    return all(torch.equal(left[name], right[name]) for name in left)


def test_units_are_dropped_in_training_and_not_in_validation(parent):
    """Weights stand still, so that nothing but dropout can tell the runs apart."""
    rows = []
    for share in (0.0, 0.3):
        model = load_model(parent)
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = share
        settings = SETTINGS.changed(learning_rate=1e-20, evaluate_every=3)
        rows.append(train(model, documents(), SPECIAL, documents(4), settings))
    (_, *without), (_, *dropped) = rows
    for one, other in zip(without, dropped, strict=True):
        assert one["loss"] != pytest.approx(other["loss"], rel=1e-6)
        assert one["validation_loss"] == other["validation_loss"]
    assert not model.training


def test_dropout_differs_from_step_to_step_and_is_a_function_of_seed_and_step(run_of, monkeypatch):
    """The same batch again and again: only dropout can make its losses differ."""
    found = {}
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        run = run_of(learning_rate=1e-20, seed=seed)
        batch = run.batches.of_step(run.sequences, 0)
        monkeypatch.setattr(run.batches, "of_step", lambda *_, batch=batch: batch)
        seen, losses = [], run._losses
        monkeypatch.setattr(run, "_losses", lambda *a, f=losses, s=seen: s.append(f(*a)) or s[-1])
        for _ in range(2):
            run._step()
        found[name] = [values[0].item() for values in seen]
    assert found["one"] == found["again"]
    assert found["one"][0] != found["one"][1]
    assert found["one"] != found["other"]


def test_a_teacher_drops_nothing(run_of, parent):
    run = run_of(load_model(parent).train(), loss="mse")
    batch = run.batches.of_step(run.sequences, 0).to(run.device)
    one, again = (run.objective.target(batch).transformed for _ in range(2))
    assert torch.equal(one, again)


@pytest.mark.parametrize("size", [0.01, 3.0, 100.0])
def test_gradients_are_clipped_to_norm_1(run_of, monkeypatch, size):
    """Adam hides it: after a first step, weights are the same whatever the gradient's norm."""
    run = run_of()

    def losses(batch, positions):
        for parameter in run.trained.parameters():
            parameter.grad = torch.ones_like(parameter)
        whole = norm(run)
        for parameter in run.trained.parameters():
            parameter.grad *= size / whole
        return torch.zeros(3, dtype=torch.float64)

    monkeypatch.setattr(run, "_losses", losses)
    run._step()
    assert norm(run) == pytest.approx(min(size, 1.0), rel=1e-4)


def test_a_projection_of_attention_is_trained_with_the_student(run_of, parent):
    teacher = load_model(parent, "eager")
    run = run_of(teacher, loss="kl", alpha=0.0, attention_weight=0.5)
    trained = [p for group in run.optimizer.param_groups for p in group["params"]]
    projection = run.trained["matched"]["attention_weight"]
    assert any(p is projection.weight for p in trained)
    assert len(trained) == len(list(run.student.parameters())) + 1


def test_matrices_decay_and_biases_and_gains_do_not(run_of):
    run = run_of(weight_decay=0.25)
    decays = {
        id(p): group["weight_decay"]
        for group in run.optimizer.param_groups
        for p in group["params"]
    }
    for name, parameter in run.trained.named_parameters():
        assert decays[id(parameter)] == (0.25 if parameter.ndim > 1 else 0.0), name


def test_gradients_of_a_step_do_not_reach_the_next_one(run_of):
    clean, run = run_of(), run_of()
    for parameter in run.trained.parameters():
        parameter.grad = torch.full_like(parameter, 1e6)
    clean._step()
    run._step()
    assert same(weights(run.student), weights(clean.student))


def test_the_head_may_learn_alone(run_of, parent):
    before = weights(load_model(parent))
    run = run_of(trains="head", steps=20, learning_rate=3e-2)
    history = run.go(None, None)
    after = weights(run.student)
    inside = {f"bert.{name}" for name, _ in run.student.base_model.named_parameters()}
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved == set(after) - inside
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert all(weight.requires_grad for weight in run.student.parameters())
    # Its gradients are those that it has beside the others, before they are clipped together.
    one, both = (run_of(trains=what) for what in ("head", "all"))
    batch = one.batches.of_step(one.sequences, 0)
    for each in (one, both):
        torch.manual_seed(0)
        each.student.eval()
        each._losses(batch, batch.size("all"))
    others = dict(both.student.named_parameters())
    for name, weight in one.student.named_parameters():
        if name in inside:
            assert weight.grad is None
        else:
            torch.testing.assert_close(weight.grad, others[name].grad)
    with pytest.raises(UserError, match="trains the head alone, which has no teacher"):
        run_of(trains="head", loss="mse")


def test_each_step_has_the_rate_of_its_place(run_of, monkeypatch):
    run = run_of(warmup=0.5)
    rates = []
    real = run.optimizer.step
    monkeypatch.setattr(
        run.optimizer, "step", lambda: (rates.append(run.optimizer.param_groups[1]["lr"]), real())
    )
    run.go(None, None)
    assert rates == pytest.approx([1e-3, 2e-3, 3e-3, 3e-3, 2e-3, 1e-3])


def test_a_validation_loss_that_is_no_number_ends_training(run_of, monkeypatch):
    run = run_of()
    monkeypatch.setattr(run, "_values", lambda losses: torch.tensor([torch.nan] * 3))
    with pytest.raises(UserError, match="the validation loss is nan at step 0"):
        run._evaluate(since=1)


def test_rows_of_the_history_are_means_since_the_last_one(run_of, monkeypatch):
    run = run_of(steps=5)
    seen, real = [], run._losses
    monkeypatch.setattr(run, "_losses", lambda *given: seen.append(real(*given)) or seen[-1])
    first, *rows = run.go(None, None)
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert (first["step"], first["tokens"], first["learning_rate"]) == (0, 0, 0.0)
    assert first["loss"] is first["mlm_loss"] is first["distillation_loss"] is None
    for row, steps in zip(rows, (seen[:2], seen[2:4], seen[4:]), strict=True):
        means = torch.stack(steps).mean(0).tolist()
        names = ("loss", "mlm_loss", "distillation_loss")
        assert [row[name] for name in names] == pytest.approx(means)


def losses_of_validations(run, monkeypatch, losses):
    """Give the validations of a run these losses; return the weights at each."""
    seen, numbers, real = [], iter(losses), run._values

    def values(losses_of_pass):
        if run.student.training:
            return real(losses_of_pass)
        seen.append(weights(run.student))
        return torch.tensor([next(numbers), 0.0, 0.0], dtype=torch.float64)

    monkeypatch.setattr(run, "_values", values)
    return seen


@pytest.mark.parametrize(
    ("losses", "kept"),
    [([4.0, 3.0, 2.0, 1.0], 3), ([4.0, 1.0, 3.0, 2.0], 1), ([1.0, 2.0, 3.0, 4.0], 0)],
)
def test_best_keeps_the_weights_of_the_lowest_validation_loss(run_of, monkeypatch, losses, kept):
    run = run_of(keep="best")
    seen = losses_of_validations(run, monkeypatch, losses)
    run.go(None, None)
    assert same(weights(run.student), seen[kept])
    assert not any(same(seen[kept], other) for i, other in enumerate(seen) if i != kept)


def test_of_equal_validations_the_last_one_is_kept(run_of, monkeypatch):
    run = run_of(keep="best")
    seen = losses_of_validations(run, monkeypatch, [2.0, 1.0, 1.0, 3.0])
    run.go(None, None)
    assert same(weights(run.student), seen[2])


def test_last_keeps_the_last_weights_however_bad_they_are(run_of, monkeypatch):
    run = run_of(keep="last")
    seen = losses_of_validations(run, monkeypatch, [1.0, 2.0, 3.0, 4.0])
    run.go(None, None)
    assert same(weights(run.student), seen[-1])


def interrupted(run, state, monkeypatch, after):
    """Save after every step, and end a run before a step is made."""
    monkeypatch.setattr(loop.Clock, "save_due", lambda self: True)
    real = run._step

    def step():
        if run.step == after:
            raise KeyboardInterrupt
        real()

    monkeypatch.setattr(run, "_step", step)
    with pytest.raises(KeyboardInterrupt):
        run.go(state, None)


def test_a_resumed_run_still_has_its_best_weights(run_of, parent, tmp_path, monkeypatch):
    """Best are those of the start, which the weights at the interruption are far from."""
    start = weights(load_model(parent))
    ended = run_of(**RUINOUS)
    interrupted(ended, TrainingState(tmp_path, "x"), monkeypatch, after=3)
    assert not same(weights(ended.student), start)
    resumed = run_of(**RUINOUS)
    history = resumed.go(TrainingState(tmp_path, "x"), None)
    assert min(row["validation_loss"] for row in history) == history[0]["validation_loss"]
    assert same(weights(resumed.student), start)
    assert history == run_of(**RUINOUS).go(None, None), "it goes on from the last weights, though"
