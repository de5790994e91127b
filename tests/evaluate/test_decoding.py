"""From class indices of sub-tokens to tags."""

import torch

from monoglot.evaluate.encoding import Encoded
from monoglot.evaluate.task import flat_subtokens
from monoglot.evaluate.task_tagging import subtoken_tags, word_tags

CLASSES = ["O", "B-PER", "I-PER"]
GOLD = [("B-PER", "I-PER", "O", "B-PER")]
WORDS = torch.tensor([[-1, 0, 0, 1, 2, -1]])
ENCODED = Encoded(torch.zeros(1, 6), torch.tensor([6]), torch.zeros(1, 6), WORDS)
PREDICTED = torch.tensor([[1, 1, 2, 2, 0, 1]])


def test_a_word_has_the_tag_of_its_first_subtoken_and_one_cut_off_is_outside():
    tags, lost = word_tags(GOLD, ENCODED, PREDICTED, CLASSES)
    assert tags == [["B-PER", "I-PER", "O", "O"]]
    assert lost == 1


def test_subtokens_repeat_the_tag_of_their_word():
    by_word = subtoken_tags(GOLD, ENCODED, PREDICTED, CLASSES)
    assert by_word == [[["B-PER", "I-PER"], ["I-PER"], ["O"], []]]
    gold, predicted = flat_subtokens(GOLD, by_word)
    assert gold == [["B-PER", "B-PER", "I-PER", "O"]]
    assert predicted == [["B-PER", "I-PER", "I-PER", "O"]]


def test_words_are_lost_in_each_sentence():
    words = torch.tensor([[-1, 0, -1], [-1, 0, -1]])
    encoded = Encoded(torch.zeros(2, 3), torch.tensor([3, 3]), torch.zeros(2, 3), words)
    predicted = torch.tensor([[0, 1, 0], [0, 0, 0]])
    tags, lost = word_tags([("V", "V"), ("N",)], encoded, predicted, ["N", "V"])
    assert (tags, lost) == ([["V", "O"], ["N"]], 1)
