"""Test sentences in training text, found by hand and by the module."""

import random

import pytest

from monoglot.data.overlap import found_in, repeated, words_of

LONG = "Il-Gvern ħabbar illum li l-iskola l-ġdida se tinfetaħ f'Settembru li ġej, qal il-Ministru."
SHORT = "Iva, grazzi."


@pytest.mark.parametrize(
    "document",
    [
        LONG,
        LONG.upper(),
        f"Aħbarijiet. {LONG} Aktar dettalji għada.",
        LONG.replace(",", " —").replace("'", "’"),
        LONG.replace("illum", "dalgħodu ").replace("Aktar", ""),
    ],
)
def test_a_sentence_is_found_but_for_case_marks_and_a_word(document):
    assert found_in(["xi ħaġa oħra", document], {"tc": [LONG], "ner": ["xejn minn dan"]}) == {
        "tc": 1,
        "ner": 0,
    }


def test_half_a_sentence_is_not_the_sentence():
    half = " ".join(LONG.split()[:6])
    assert found_in([half], {"tc": [LONG]}) == {"tc": 0}


def test_a_short_sentence_counts_as_a_whole_document_alone():
    assert found_in([SHORT, "x"], {"sa": [SHORT]}) == {"sa": 1}
    assert found_in([f"{SHORT} Ma rridx aktar."], {"sa": [SHORT]}) == {"sa": 0}
    assert found_in(["", "..."], {"sa": ["", "!"]}) == {"sa": 0}


def test_a_sentence_counts_once_and_equal_sentences_each():
    assert found_in([LONG, LONG], {"test": [LONG, LONG, "other words here"]}) == {"test": 2}


def test_what_is_found_is_what_was_planted():
    """Among 2,000 documents of invented words, of which 37 hold a test sentence."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefgh", k=5)) for _ in range(400)]
    sentences = [" ".join(draw.choices(words, k=draw.randint(6, 20))) for _ in range(100)]
    documents = [" ".join(draw.choices(words, k=40)) for _ in range(2000)]
    for number, sentence in enumerate(sentences[:37]):
        documents[50 * number] += f" {sentence.capitalize()}. " + documents[1]
    assert found_in(documents, {"test": sentences}) == {"test": 37}


def test_test_sentences_that_are_in_train():
    assert repeated(["A b c.", "d e"], ["a  B, c", "d e f", "D E"]) == 2


def test_words_are_those_of_one_form_of_unicode():
    assert words_of("ÉCOLE, e\u0301cole!") == ("école", "école")
