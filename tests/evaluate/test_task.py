import pytest

from monoglot.data.readers import TaggedExample
from monoglot.errors import UserError
from monoglot.evaluate import make_task
from monoglot.evaluate.task_tagging import Tagging


def test_iob2_labels_are_entity_types(sentences_task):
    assert sentences_task.classes == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize(
    ("kind", "scheme", "metric"),
    [
        ("classification", "plain", "word_f1"),
        ("tagging", "plain", "macro_f1"),
        ("tagging", "iob2", "word_macro_f1"),
    ],
)
def test_a_metric_of_another_kind_is_refused(kind, scheme, metric):
    about = {"kind": kind, "labels": ["A", "B"], "metric": metric, "scheme": scheme}
    with pytest.raises(
        UserError, match=rf"^tasks\.t\.metric: '{metric}' is not for {kind}; choose"
    ):
        make_task("t", about, "tasks.t")


@pytest.mark.parametrize("labels", [[], ["A", "A"], ["A", "O"]])
def test_bad_labels_are_refused(labels):
    about = {"kind": "tagging", "labels": labels, "metric": "word_f1"}
    with pytest.raises(UserError, match=r"^tasks\.t\.labels: "):
        make_task("t", about, "tasks.t")


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"reduction_factor": 0},
        {"learning_rate": float("nan")},
        {"warmup": 1.0},
        {"weight_decay": -0.1},
        {"max_length": 2},
        {"patience": 0, "checkpoint": "best"},
        {"patience": 3, "checkpoint": "last"},
    ],
)
def test_numbers_out_of_range_are_refused(settings, change):
    with pytest.raises(UserError, match=next(iter(change))):
        settings(**change)


def sentence(*tags: str) -> TaggedExample:
    return TaggedExample(("word",) * len(tags), tags)


def test_majority_is_the_most_frequent_label_and_the_first_among_equals():
    task = Tagging(labels=["NOUN", "VERB"], metric="word_accuracy")
    assert task.majority([sentence("VERB", "NOUN"), sentence("VERB")]) == "VERB"
    assert task.majority([sentence("VERB", "NOUN")]) == "NOUN"


def test_majority_finds_no_entity(sentences_task):
    assert sentences_task.majority([sentence("B-PER", "B-PER", "O")]) == "O"
