"""From predicted class indices to scores and to the table of predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from monoglot.data.examples import TaggedExample, TextExample
from monoglot.evaluate.baseline import majority
from monoglot.evaluate.encoding import Encoded, first_subtokens
from monoglot.evaluate.scoring import Tags, classification_scores, tagging_scores
from monoglot.evaluate.task import OUTSIDE, Task
from monoglot.files import whole_file


@dataclass(frozen=True)
class Outcome:
    """What one run scored: every metric with the baseline as `majority`, and its predictions.

    `predictions` has the columns id, gold, predicted for classification and sentence, word, gold,
    predicted for tagging; ids count from 0 within the test split. `lost` counts the test words
    that no sub-token stands for; they count as predicted `O`.
    """

    scores: dict[str, float]
    predictions: pa.Table
    lost: int


def classification_outcome(
    task: Task, train: Sequence[TextExample], test: Sequence[TextExample], predicted: Tensor
) -> Outcome:
    """Score predicted class indices, [examples]."""
    gold = [example.label for example in test]
    labels = [task.classes[index] for index in predicted.tolist()]
    constant = majority(task, (example.label for example in train))
    scores = classification_scores(gold, labels)
    scores["majority"] = classification_scores(gold, [constant] * len(gold))[task.metric]
    table = pa.table({"id": range(len(gold)), "gold": gold, "predicted": labels})
    return Outcome(scores, table, 0)


def tagging_outcome(
    task: Task,
    train: Sequence[TaggedExample],
    test: Sequence[TaggedExample],
    encoded: Encoded,
    predicted: Tensor,
) -> Outcome:
    """Score predicted class indices, [sentences, length], in the positions of `encoded`."""
    gold = [list(example.tags) for example in test]
    words, lost = _word_tags(gold, encoded, predicted, task.classes)
    pieces = _subtoken_tags(gold, encoded, predicted, task.classes)
    scores = tagging_scores((gold, words), pieces, task.scheme)
    constant = majority(task, (tag for example in train for tag in example.tags))

    def constantly(tags: Tags) -> tuple[Tags, Tags]:
        return tags, [[constant] * len(sentence) for sentence in tags]

    baseline = tagging_scores(constantly(gold), constantly(pieces[0]), task.scheme)
    scores["majority"] = baseline[task.metric]
    return Outcome(scores, _table(gold, words), lost)


def write_predictions(path: str | Path, predictions: pa.Table) -> None:
    """Write a table of predictions as parquet."""
    with whole_file(path) as aside:
        pq.write_table(predictions, aside)


def _word_tags(
    gold: Tags, encoded: Encoded, predicted: Tensor, classes: Sequence[str]
) -> tuple[list[list[str]], int]:
    """Return each word's tag, that of its first sub-token, and how many words have none."""
    tags = [[OUTSIDE] * len(sentence) for sentence in gold]
    rows, columns = first_subtokens(encoded.words).nonzero(as_tuple=True)
    words, indices = encoded.words[rows, columns], predicted[rows, columns]
    for row, word, index in zip(rows.tolist(), words.tolist(), indices.tolist(), strict=True):
        tags[row][word] = classes[index]
    return tags, sum(map(len, gold)) - len(rows)


def _subtoken_tags(
    gold: Tags, encoded: Encoded, predicted: Tensor, classes: Sequence[str]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return gold and predicted tags of the sub-tokens of every word, special tokens left out."""
    gold_tags, predicted_tags = [], []
    for tags, words, indices in zip(gold, encoded.words, predicted, strict=True):
        inside = words >= 0
        gold_tags.append([tags[word] for word in words[inside].tolist()])
        predicted_tags.append([classes[index] for index in indices[inside].tolist()])
    return gold_tags, predicted_tags


def _table(gold: Tags, predicted: Tags) -> pa.Table:
    def flat(value: Callable[[int, int], object]) -> list:
        return [value(i, j) for i, sentence in enumerate(gold) for j in range(len(sentence))]

    return pa.table(
        {
            "sentence": pa.array(flat(lambda i, j: i), pa.int64()),
            "word": pa.array(flat(lambda i, j: j), pa.int64()),
            "gold": pa.array(flat(lambda i, j: gold[i][j]), pa.string()),
            "predicted": pa.array(flat(lambda i, j: predicted[i][j]), pa.string()),
        }
    )
