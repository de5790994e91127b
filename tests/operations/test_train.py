"""The operation `train`: what it learns, that it resumes, and what it refuses."""

import csv
import shutil
from functools import partial

import pytest
import torch
from tiny_models import DIFFERENT
from tokenizers import Tokenizer

from monoglot.checkpoints import load_model, save_checkpoint
from monoglot.errors import UserError
from monoglot.files import sha256
from monoglot.operations import surgery
from monoglot.operations.train import train_checkpoint
from monoglot.tokens.store import TokenStore, build_store
from monoglot.training import loop
from monoglot.training.batches import Batch, Batches, Sequences
from monoglot.training.loop import Clock, _Run
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings

TEXTS = ["il kelb jiġri wara il qattus", "id dar hija kbira", "a dog runs after the cat"] * 10
SETTINGS = Settings(
    loss="none",
    alpha=0.5,
    temperature=2.0,
    kl_mean="position",
    positions="all",
    learning_rate=3e-3,
    warmup=0.1,
    weight_decay=0.01,
    batch_size=8,
    epochs=None,
    steps=12,
    max_length=24,
    documents="truncate",
    padding="longest",
    mlm_probability=0.15,
    evaluate_every=4,
    keep="last",
    precision="fp32",
    seed=7,
)


@pytest.fixture(params=DIFFERENT)
def family(request):
    return request.param


@pytest.fixture
def store(parent, tmp_path):
    build_store(TEXTS, parent, tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def job(parent, store, tmp_path):
    """Return `job(name, settings, ...)`: trains into tmp_path/name and returns that folder."""

    def run(name, settings=SETTINGS, **more):
        out = tmp_path / name
        train_checkpoint(parent, out, [store], [store], settings, **more)
        return out

    return run


def other_weights(parent, out, noise=0.05):
    """A checkpoint of the parent's shape and tokenizer with noise on its weights."""
    model = load_model(parent)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn(parameter.shape, generator=generator))
    save_checkpoint(model, parent, out)
    return out


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_training_lowers_the_validation_loss(job):
    rows = history(job("out", SETTINGS.changed(steps=60, evaluate_every=20)))
    assert [int(row["step"]) for row in rows] == [0, 20, 40, 60]
    assert float(rows[-1]["validation_loss"]) < 0.9 * float(rows[0]["validation_loss"])


def test_the_result_is_a_checkpoint_with_the_parents_tokenizer(job, parent):
    out = job("out")
    assert load_model(out).get_output_embeddings().weight is not None
    assert (out / "tokenizer.json").read_bytes() == (parent / "tokenizer.json").read_bytes()
    assert sha256(out / "model.safetensors") != sha256(parent / "model.safetensors")


def test_the_same_job_gives_the_same_bytes(job):
    first, second = job("first"), job("second")
    for name in ("model.safetensors", "history.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_fixed_masks_change_no_validation_and_redrawn_ones_do(job):
    """At a rate that moves nothing, only masks can make two evaluations differ."""
    still = SETTINGS.changed(learning_rate=1e-20, weight_decay=0.0)
    fixed = [row["validation_loss"] for row in history(job("fixed", still))]
    assert len(fixed) == 4
    assert len(set(fixed)) == 1
    redrawn = job("redrawn", still.changed(validation_masks="redrawn"))
    assert len({row["validation_loss"] for row in history(redrawn)}) == 4


def test_redrawn_masks_change_no_weights(job):
    fixed, redrawn = job("fixed"), job("redrawn", SETTINGS.changed(validation_masks="redrawn"))
    assert sha256(fixed / "model.safetensors") == sha256(redrawn / "model.safetensors")


def test_redrawn_masks_are_a_function_of_seed_and_step(store):
    tokens = TokenStore(store)
    sequences = Sequences(tokens, 22, "truncate")

    def labels(seed, step):
        settings = SETTINGS.changed(seed=seed, validation_masks="redrawn", mlm_probability=0.5)
        batches = Batches(tokens.meta, settings).of_validation(sequences, step)
        return torch.cat([batch.labels.flatten() for batch in batches])

    assert torch.equal(labels(7, 4), labels(7, 4))
    assert not torch.equal(labels(7, 4), labels(7, 8))
    assert not torch.equal(labels(7, 4), labels(8, 4))


ATTENTION = {"loss": "kl", "alpha": 0.0, "attention_weight": 0.5}


@pytest.mark.parametrize(
    "changes",
    [
        {"keep": "last"},
        {"keep": "best"},
        {"keep": "best", "validation_masks": "redrawn"},
        {"keep": "best", **ATTENTION},
        {**ATTENTION, "attention_projection": "full", "max_length": 12},
        {"loss": "mse", "hidden_weight": 0.5, "relation_weight": 0.5},
        {"loss": "mse", "sentence_weight": 0.5},
    ],
)
def test_a_killed_run_resumes_to_the_same_bytes(job, parent, tmp_path, monkeypatch, changes):
    settings = SETTINGS.changed(**changes)
    teacher = None if settings.loss == "none" else other_weights(parent, tmp_path / "teacher")
    job = partial(job, teacher=teacher)
    whole = job("whole", settings)
    monkeypatch.setattr(Clock, "save_due", lambda self: True)
    real = _Run._step

    def killed(run):
        if run.step == 7:
            raise KeyboardInterrupt
        real(run)

    monkeypatch.setattr(_Run, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        job("resumed", settings, state=tmp_path / "state")
    assert not (tmp_path / "resumed").exists()

    steps = []
    monkeypatch.setattr(_Run, "_step", lambda run: (steps.append(run.step), real(run)))
    resumed = job("resumed", settings, state=tmp_path / "state")
    assert steps == [7, 8, 9, 10, 11]
    for name in ("model.safetensors", "history.csv"):
        assert (whole / name).read_bytes() == (resumed / name).read_bytes()
    assert not (tmp_path / "state").exists()


def test_the_state_of_another_run_is_not_taken_up(job, tmp_path, monkeypatch):
    expected = job("expected", SETTINGS.changed(learning_rate=1e-3))
    monkeypatch.setattr(Clock, "save_due", lambda self: True)
    real = loop.TrainingState.forget
    monkeypatch.setattr(loop.TrainingState, "forget", lambda self: None)
    job("other", state=tmp_path / "state")
    monkeypatch.setattr(loop.TrainingState, "forget", real)
    out = job("out", SETTINGS.changed(learning_rate=1e-3), state=tmp_path / "state")
    assert sha256(out / "model.safetensors") == sha256(expected / "model.safetensors")


def test_best_keeps_the_weights_of_the_lowest_validation_loss(job):
    settings = SETTINGS.changed(learning_rate=30.0, warmup=0.0, keep="best")
    out = job("out", settings)
    losses = [float(row["validation_loss"]) for row in history(out)]
    assert min(losses) == losses[0], "the rate is meant to be ruinous"
    last = job("last", settings.changed(keep="last"))
    assert sha256(out / "model.safetensors") != sha256(last / "model.safetensors")


@pytest.mark.parametrize("loss", ["mse", "kl"])
@pytest.mark.parametrize("positions", ["all", "unpadded", "masked"])
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_losses_equal_those_of_whole_logits(parent, loss, positions, micro_batch):
    """The naive twin: stock forward passes, whole logits, loops of plain torch."""
    settings = SETTINGS.changed(loss=loss, positions=positions, alpha=0.3, micro_batch=micro_batch)
    student, teacher = load_model(parent), load_model(parent)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    run = _Run(student, [[]], {}, [], settings, teacher, Processes())
    batch = masked_batch(student.config).to(run.device)
    total, mlm, distance = run._losses(batch, batch.size(positions)).float()

    given = {"input_ids": batch.ids, "attention_mask": batch.attention_mask}
    naive = student(**given, labels=batch.labels)
    theirs = teacher(**given).logits.detach()
    kept = batch.positions(positions)
    ours, theirs = naive.logits.flatten(0, 1)[kept], theirs.flatten(0, 1)[kept]
    if loss == "mse":
        expected = torch.nn.functional.mse_loss(ours, theirs)
    else:
        p, q = (theirs / 2).log_softmax(-1), (ours / 2).log_softmax(-1)
        expected = 4 * (p.exp() * (p - q)).sum(-1).mean()
    torch.testing.assert_close(mlm, naive.loss)
    torch.testing.assert_close(distance, expected)
    torch.testing.assert_close(total, 0.3 * naive.loss + 0.7 * expected)
    parameters = list(student.parameters())
    other = torch.autograd.grad(0.3 * naive.loss + 0.7 * expected, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, other, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def masked_batch(config):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, config.vocab_size, (3, 10), generator=generator)
    attention = torch.ones_like(ids)
    attention[2, 6:] = 0
    ids[2, 6:] = config.pad_token_id
    labels = torch.full_like(ids, -100)
    labels[0, 3], labels[1, 1], labels[2, 4] = 8, 9, 10
    return Batch(ids, attention, labels)


def test_distillation_draws_the_student_to_the_teacher(job, parent, store, tmp_path):
    teacher = job("teacher", SETTINGS.changed(steps=60))
    settings = SETTINGS.changed(loss="mse", alpha=0.0, steps=40, learning_rate=1e-3)
    student = job("student", settings, teacher=teacher)
    tokens = TokenStore(store)
    ids = torch.tensor([[tokens.meta["cls"], *tokens[0].tolist(), tokens.meta["sep"]]])

    def logits(folder):
        model = load_model(folder)
        hidden = surgery.encode(model, ids, torch.ones_like(ids))
        return surgery.logits(model, surgery.transform(model, hidden)).detach()

    before = (logits(parent) - logits(teacher)).square().mean()
    after = (logits(student) - logits(teacher)).square().mean()
    assert after < 0.7 * before
    last = history(student)[-1]
    assert last["mlm_loss"] == "", "what has no weight is not computed in training"
    assert last["loss"] == last["distillation_loss"] != ""
    assert float(last["validation_accuracy"]) >= 0


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_attention_matching_draws_the_students_attention_to_the_teachers(job, parent, tmp_path):
    teacher = other_weights(parent, tmp_path / "teacher", noise=0.5)
    settings = SETTINGS.changed(loss="kl", alpha=0.0, attention_weight=1.0, steps=60)
    student = job("student", settings, teacher=teacher)
    losses = [float(row["validation_loss"]) for row in history(student)]
    assert losses[-1] < 0.5 * losses[0], "with these weights it is the attention's error alone"

    ids = torch.tensor([Tokenizer.from_file(str(parent / "tokenizer.json")).encode(TEXTS[0]).ids])

    def attention(folder):
        model = load_model(folder, attention="eager")
        given = model, ids, torch.ones_like(ids)
        return surgery.look_inside(*given, attention=True)[1].attention.detach()

    def error(folder):
        return (attention(folder) - attention(teacher)).square().mean()

    assert error(student) < 0.7 * error(parent), "the student learns, not the projection alone"


def test_attention_matching_leaves_no_trace_in_the_checkpoint(job, parent, tmp_path):
    out = job("out", SETTINGS.changed(**ATTENTION), teacher=other_weights(parent, tmp_path / "t"))
    assert (out / "config.json").read_bytes() == (job("plain") / "config.json").read_bytes()
    names = {name for name, _ in load_model(parent).named_parameters()}
    assert names == {name for name, _ in load_model(out).named_parameters()}


def test_heads_give_the_logits_of_the_stock_model(model, inputs):
    hidden = surgery.encode(model, inputs["input_ids"], inputs["attention_mask"])
    ours = surgery.logits(model, surgery.transform(model, hidden))
    torch.testing.assert_close(ours, model(**inputs).logits)


def test_a_teacher_with_another_vocabulary_is_refused(job, parent, tmp_path):
    shutil.copytree(parent, tmp_path / "teacher")
    file = tmp_path / "teacher" / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(UserError, match="must share the vocabulary"):
        job("out", SETTINGS.changed(loss="mse"), teacher=tmp_path / "teacher")
    assert not (tmp_path / "out").exists()


def test_sequences_that_the_parent_cannot_read_are_refused_at_once(job, tmp_path, monkeypatch):
    monkeypatch.setattr("monoglot.training.loop.train", None)
    with pytest.raises(
        UserError, match=r"^max_length: 65 is more than the 64 positions of .*; giv"
    ):
        job("out", SETTINGS.changed(max_length=65))
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_stops_with_the_step(job, parent, store, tmp_path):
    broken = load_model(parent)
    with torch.no_grad():
        for parameter in broken.parameters():
            parameter.fill_(1e30)
    save_checkpoint(broken, parent, tmp_path / "broken")
    with pytest.raises(UserError, match=r"loss is (nan|inf) at step 0 \(learning rate"):
        train_checkpoint(tmp_path / "broken", tmp_path / "out", [store], [store], SETTINGS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("family", ["bert"])
def test_progress_is_written_for_tensorboard_where_asked_for(job, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    plain = job("plain")
    monkeypatch.setenv("MONOGLOT_TENSORBOARD", str(tmp_path / "runs"))
    out = job("out")
    assert list((tmp_path / "runs").joinpath(*out.parts[1:]).glob("events*"))
    assert sha256(out / "model.safetensors") == sha256(plain / "model.safetensors")
