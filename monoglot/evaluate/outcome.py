"""From predicted labels to scores and to the table of predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monoglot.data.examples import TaggedExample, TextExample
from monoglot.evaluate.majority import majority
from monoglot.evaluate.scoring import Tags, classification_scores, tagging_scores
from monoglot.evaluate.task import Task
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
    task: Task, train: Sequence[TextExample], test: Sequence[TextExample], predicted: Sequence[str]
) -> Outcome:
    """Score predicted labels, one for each test example."""
    gold = [example.label for example in test]
    constant = majority(task, (example.label for example in train))
    scores = classification_scores(gold, predicted)
    scores["majority"] = classification_scores(gold, [constant] * len(gold))[task.metric]
    table = pa.table({"id": range(len(gold)), "gold": gold, "predicted": predicted})
    return Outcome(scores, table, 0)


def tagging_outcome(
    task: Task,
    train: Sequence[TaggedExample],
    test: Sequence[TaggedExample],
    words: Tags,
    subtokens: tuple[Tags, Tags] | None = None,
    lost: int = 0,
) -> Outcome:
    """Score predicted tags, one for each word of each test sentence.

    `subtokens` are the (gold, predicted) tags of the sub-tokens, if there is a tokenizer.
    """
    gold = [list(example.tags) for example in test]
    scores = tagging_scores((gold, words), subtokens, task.scheme)
    constant = majority(task, (tag for example in train for tag in example.tags))

    def constantly(tags: Tags) -> tuple[Tags, Tags]:
        return tags, [[constant] * len(sentence) for sentence in tags]

    pieces = constantly(subtokens[0]) if subtokens else None
    scores["majority"] = tagging_scores(constantly(gold), pieces, task.scheme)[task.metric]
    return Outcome(scores, _table(gold, words), lost)


def write_predictions(path: str | Path, predictions: pa.Table) -> None:
    """Write a table of predictions as parquet."""
    with whole_file(path) as aside:
        pq.write_table(predictions, aside)


def written(folder: Path, seed: int) -> tuple[Path, Path]:
    """Return where one run's record and its predictions lie in the folder of its job."""
    return folder / f"seed{seed}.json", folder / f"seed{seed}.predictions.parquet"


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
