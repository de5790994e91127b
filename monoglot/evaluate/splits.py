"""The examples of a task, checked against what the task declares."""

from pathlib import Path

from monoglot.data.examples import Example, TaggedExample, TextExample
from monoglot.data.store import read_examples
from monoglot.errors import UserError
from monoglot.evaluate.task import Task


def read_split(path: Path, split: str, task: Task) -> list[Example]:
    """Return the examples of one split.

    Raises `UserError` if the split is missing or empty, if it holds examples of another kind of
    task, or a label that `task` does not declare.
    """
    examples = list(read_examples(path, split))
    if not examples:
        raise UserError(f"{path}: the split '{split}' is missing or empty")
    needed = TextExample if task.kind == "classification" else TaggedExample
    if not isinstance(examples[0], needed):
        raise UserError(f"{path}: holds no examples of {task.kind}, which task {task.name} is")
    known = set(task.classes)
    for row, example in enumerate(examples):
        for label in labels_of(example):
            if label not in known:
                raise UserError(
                    f"{path}: example {row} of {split} has the label '{label}', which task "
                    f"{task.name} does not declare; it must be one of {', '.join(task.classes)}"
                )
    return examples


def labels_of(example: Example) -> tuple[str, ...]:
    """Return the label of a text, or the tags of a sentence."""
    return (example.label,) if isinstance(example, TextExample) else example.tags
