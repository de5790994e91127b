"""The majority baseline: what a model scores that never looks at its input."""

from collections import Counter
from collections.abc import Iterable

from monoglot.evaluate.task import OUTSIDE, Task


def majority(task: Task, train_labels: Iterable[str]) -> str:
    """Return the label that the baseline always predicts.

    It is the most frequent one of the training set, the alphabetically first among equals. For
    IOB2 tags it is always `O`, which finds no entity and so has an F1 of 0.
    """
    if task.kind == "tagging" and task.scheme == "iob2":
        return OUTSIDE
    counts = Counter(train_labels)
    return min(counts, key=lambda label: (-counts[label], label))
