import torch

from monoglot.data.examples import TaggedExample, TextExample
from monoglot.evaluate.encoding import Encoded
from monoglot.evaluate.outcome import classification_outcome, tagging_outcome
from monoglot.evaluate.task import Task


def test_words_cut_off_count_as_outside():
    task = Task("ner", "tagging", ("PER",), "word_f1", "iob2")
    test = [TaggedExample(("Maria", "Borg", "ra", "Anna"), ("B-PER", "I-PER", "O", "B-PER"))]
    words = torch.tensor([[-1, 0, 0, 1, 2, -1]])
    encoded = Encoded(torch.zeros(1, 6), torch.tensor([6]), torch.zeros(1, 6), words)
    predicted = torch.tensor([[1, 1, 2, 2, 0, 1]])
    outcome = tagging_outcome(task, test, test, encoded, predicted)
    assert outcome.predictions.to_pydict() == {
        "sentence": [0, 0, 0, 0],
        "word": [0, 1, 2, 3],
        "gold": ["B-PER", "I-PER", "O", "B-PER"],
        "predicted": ["B-PER", "I-PER", "O", "O"],
    }
    assert outcome.lost == 1
    assert outcome.scores["word_f1"] == 2 / 3
    # Sub-tokens: gold B B I O has two entities, predicted B I I O has one, and none agrees.
    assert outcome.scores["subtoken_f1"] == 0.0
    assert outcome.scores["majority"] == 0.0


def test_cut_off_words_with_plain_tags_are_wrong():
    task = Task("pos", "tagging", ("NOUN", "VERB"), "word_accuracy")
    test = [TaggedExample(("a", "b"), ("VERB", "VERB")), TaggedExample(("c",), ("NOUN",))]
    words = torch.tensor([[-1, 0, -1], [-1, 0, -1]])
    encoded = Encoded(torch.zeros(2, 3), torch.tensor([3, 3]), torch.zeros(2, 3), words)
    outcome = tagging_outcome(task, test, test, encoded, torch.tensor([[0, 1, 0], [0, 0, 0]]))
    assert outcome.scores["word_accuracy"] == 2 / 3
    assert outcome.scores["majority"] == 2 / 3
    assert outcome.lost == 1


def test_classification_keeps_every_prediction():
    task = Task("sa", "classification", ("neg", "pos"), "accuracy")
    train = [TextExample("x", "pos")]
    test = [TextExample("x", label) for label in ("neg", "neg", "pos", "neg")]
    outcome = classification_outcome(task, train, test, torch.tensor([0, 1, 1, 0]))
    assert outcome.predictions.to_pydict() == {
        "id": [0, 1, 2, 3],
        "gold": ["neg", "neg", "pos", "neg"],
        "predicted": ["neg", "pos", "pos", "neg"],
    }
    assert outcome.scores["accuracy"] == 0.75
    assert outcome.scores["majority"] == 0.25
