"""From predicted class indices of sub-tokens to tags."""

from collections.abc import Sequence

from torch import Tensor

from monoglot.evaluate.encoding import Encoded, first_subtokens
from monoglot.evaluate.scoring import Tags
from monoglot.evaluate.task import OUTSIDE


def word_tags(
    gold: Tags, encoded: Encoded, predicted: Tensor, classes: Sequence[str]
) -> tuple[list[list[str]], int]:
    """Return each word's tag, that of its first sub-token, and how many words have none.

    `predicted` [sentences, length] are class indices in the positions of `encoded`. A word that no
    sub-token stands for is tagged `O`.
    """
    tags = [[OUTSIDE] * len(sentence) for sentence in gold]
    rows, columns = first_subtokens(encoded.words).nonzero(as_tuple=True)
    words, indices = encoded.words[rows, columns], predicted[rows, columns]
    for row, word, index in zip(rows.tolist(), words.tolist(), indices.tolist(), strict=True):
        tags[row][word] = classes[index]
    return tags, sum(map(len, gold)) - len(rows)


def subtoken_tags(
    gold: Tags, encoded: Encoded, predicted: Tensor, classes: Sequence[str]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return gold and predicted tags of the sub-tokens of every word, special tokens left out."""
    gold_tags, predicted_tags = [], []
    for tags, words, indices in zip(gold, encoded.words, predicted, strict=True):
        inside = words >= 0
        gold_tags.append([tags[word] for word in words[inside].tolist()])
        predicted_tags.append([classes[index] for index in indices[inside].tolist()])
    return gold_tags, predicted_tags
