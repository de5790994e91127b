import pytest

from monoglot.errors import UserError
from monoglot.evaluate.majority import majority
from monoglot.evaluate.task import Task


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
    with pytest.raises(UserError, match=f"task t: metric '{metric}'.*must be one of"):
        Task("t", kind, ("A", "B"), metric, scheme)


@pytest.mark.parametrize("labels", [(), ("A", "A"), ("A", "O")])
def test_bad_labels_are_refused(labels):
    with pytest.raises(UserError, match="task t: labels must"):
        Task("t", "tagging", labels, "word_f1")


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


def test_majority_is_the_most_frequent_label_and_the_first_among_equals():
    task = Task("pos", "tagging", ("NOUN", "VERB"), "word_accuracy")
    assert majority(task, ["VERB", "NOUN", "VERB"]) == "VERB"
    assert majority(task, ["VERB", "NOUN"]) == "NOUN"


def test_majority_finds_no_entity(sentences_task):
    assert majority(sentences_task, ["B-PER", "B-PER", "O"]) == "O"
