import pytest

from monoglot.data.readers import TaggedExample, TextExample
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

NER = Tagging(labels=["PER"], metric="word_f1", scheme="iob2").named("ner")
NAMES = [TaggedExample(("Maria", "Borg", "ra", "Anna"), ("B-PER", "I-PER", "O", "B-PER"))]


def test_words_and_subtokens_are_scored_side_by_side():
    words = [["B-PER", "I-PER", "O", "O"]]
    # Sub-tokens: gold B B I O has two entities, predicted B I I O has one, and none agrees.
    subtokens = [[["B-PER", "I-PER"], ["I-PER"], ["O"], []]]
    outcome = NER.outcome(NAMES, NAMES, words, subtokens, lost=1)
    assert outcome.predictions.to_pydict() == {
        "sentence": [0, 0, 0, 0],
        "word": [0, 1, 2, 3],
        "gold": ["B-PER", "I-PER", "O", "B-PER"],
        "predicted": ["B-PER", "I-PER", "O", "O"],
        "subtokens": subtokens[0],
    }
    assert outcome.lost == 1
    assert outcome.scores["word_f1"] == 2 / 3
    assert outcome.scores["subtoken_f1"] == 0.0
    assert outcome.scores["majority"] == 0.0
    assert outcome.chance == {"word_f1": 0.0, "subtoken_f1": 0.0, "word_accuracy": 0.25}


def test_without_a_tokenizer_there_is_no_score_of_subtokens():
    scores = NER.outcome(NAMES, NAMES, [["B-PER", "I-PER", "O", "B-PER"]]).scores
    assert scores == {"word_f1": 1.0, "word_accuracy": 1.0, "majority": 0.0}


def test_plain_tags_have_a_majority():
    task = Tagging(labels=["NOUN", "VERB"], metric="word_accuracy").named("pos")
    test = [TaggedExample(("a", "b"), ("VERB", "VERB")), TaggedExample(("c",), ("NOUN",))]
    outcome = task.outcome(test, test, [["VERB", "O"], ["NOUN"]])
    assert outcome.scores["word_accuracy"] == 2 / 3
    assert outcome.scores["majority"] == 2 / 3
    assert outcome.chance == {"word_f1": 0.5, "word_accuracy": 2 / 3, "word_macro_f1": 0.4}


def test_classification_keeps_every_prediction():
    task = Classification(labels=["neg", "pos"], metric="accuracy").named("sa")
    train = [TextExample("x", "pos")]
    test = [TextExample("x", label) for label in ("neg", "neg", "pos", "neg")]
    outcome = task.outcome(train, test, ["neg", "pos", "pos", "neg"])
    assert outcome.predictions.to_pydict() == {
        "id": [0, 1, 2, 3],
        "gold": ["neg", "neg", "pos", "neg"],
        "predicted": ["neg", "pos", "pos", "neg"],
    }
    assert outcome.scores["accuracy"] == 0.75
    assert outcome.recorded()["errors"]["accuracy"] == pytest.approx((0.75 * 0.25 / 3) ** 0.5)
    assert outcome.scores["majority"] == 0.25
