"""What the linear tagger sees."""

import pytest

from monoglot.evaluate.baselines import shape, word_features


@pytest.mark.parametrize(
    ("word", "shown"),
    [("Valletta", "Xxx"), ("NATO", "XX"), ("2025", "00"), ("B-52", "X-00"), ("ċ", "x"), ("", "")],
)
def test_shapes(word, shown):
    assert shape(word) == shown


def test_the_features_of_a_word():
    features = list(word_features(["Fil-", "Ħu", "ra"]))
    assert len(features) == 3
    assert features[1] == [
        *("word=Ħu", "lower=ħu", "shape=Xx"),
        *("chars=<", "chars=ħ", "chars=u", "chars=>"),
        *("chars=<ħ", "chars=ħu", "chars=u>", "chars=<ħu", "chars=ħu>", "chars=<ħu>"),
        *("lower-2=<s>", "lower-1=fil-", "lower+1=ra", "lower+2=</s>"),
        *("shape-1=Xxx-", "end-1=il-", "shape+1=xx", "end+1=ra"),
        *("pair-1=fil- ħu", "pair+1=ħu ra"),
    ]


def test_ngrams_are_all_those_of_one_to_five_characters():
    word = "<kelb>"
    naive = {word[a:b] for a in range(6) for b in range(a + 1, 7) if b - a <= 5}
    (features,) = word_features(["kelb"])
    assert {f.removeprefix("chars=") for f in features if f.startswith("chars=")} == naive


def test_script_without_spaces_or_capitals():
    (features,) = word_features(["東京"])
    assert {"shape=xx", "chars=東京", "chars=<東"} <= set(features)
