import threading

import pytest
import torch
from tiny_models import TEXTS, tiny
from transformers import AutoModelForMaskedLM, AutoTokenizer

import monoglot
from monoglot.families import FAMILIES

HOW = {"steps": 20, "batch_size": 4, "learning_rate": 0.01, "evaluate_every": 10}
HOW |= {"validation": TEXTS}


def test_adaptation_learns_and_is_the_same_each_time(pair, tmp_path):
    model, tokenizer = pair
    before = torch.random.get_rng_state()
    adapted, history = monoglot.adapt(model, tokenizer, iter(TEXTS), **HOW)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert [row["step"] for row in history] == [0, 10, 20]
    assert history[-1]["validation_loss"] < history[0]["validation_loss"] - 0.1
    again, _ = monoglot.adapt(model, tokenizer, TEXTS, **HOW)
    assert all(map(torch.equal, adapted.parameters(), again.parameters()))
    assert not adapted.training
    assert all(parameter.grad is None for parameter in adapted.parameters())
    found = monoglot.evaluate_mlm(adapted, tokenizer, TEXTS)
    assert found.loss == pytest.approx(history[-1]["validation_loss"], rel=1e-5)
    assert found.accuracy == history[-1]["validation_accuracy"]
    adapted.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    stock = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert monoglot.evaluate_mlm(stock, AutoTokenizer.from_pretrained(tmp_path), TEXTS) == found


@pytest.mark.parametrize("loss", ["mse", "kl"])
def test_a_student_comes_nearer_to_its_teacher(pair, loss, unchanged):
    teacher, tokenizer = pair
    size = 12 if FAMILIES[teacher.config.model_type].rotary else 16
    student = monoglot.reduce_hidden(monoglot.select_layers(teacher, 2, "stride"), size)
    unchanged(student)
    found, history = monoglot.distill(student, teacher, tokenizer, TEXTS, loss, 0.1, **HOW)
    assert history[-1]["distillation_loss"] < history[1]["distillation_loss"]
    assert found.config.hidden_size == size
    assert found.get_input_embeddings().weight is found.get_output_embeddings().weight


def test_some_texts_are_held_out_if_none_are_given_to_validate_on(unchanged):
    model, tokenizer = tiny("bert")
    unchanged(model, tokenizer)
    how = {"steps": 2, "batch_size": 4}
    (_, given), (_, held_out) = (
        monoglot.adapt(model, tokenizer, texts, validation=validation, **how)
        for texts, validation in ((TEXTS[1:], TEXTS[:1]), (TEXTS, None))
    )
    assert given == held_out


def test_half_precision_is_trained_in_full(unchanged):
    model, tokenizer = tiny("bert")
    model = model.half().requires_grad_(False)
    unchanged(model, tokenizer)
    adapted, _ = monoglot.adapt(model, tokenizer, TEXTS, epochs=1)
    assert adapted.dtype == torch.float32


def test_threads_are_told_in_a_sentence():
    model, tokenizer = tiny("bert")
    said = []

    def work():
        try:
            monoglot.adapt(model, tokenizer, TEXTS, steps=1)
        except monoglot.UserError as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == ["training listens to signals; call it from the main thread"]
