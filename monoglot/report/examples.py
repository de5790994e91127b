"""Table 3 of the paper: how many examples each task has in each language."""

from collections.abc import Mapping

from monoglot.data.examples import SPLITS
from monoglot.data.store import count_examples
from monoglot.report.block import check_keys, labels, names, text
from monoglot.report.table import Column, Table

KEYS = ("task", "language")
REQUIRED = ("languages", "tasks", "examples")
OPTIONAL = ("caption", "published")


def render(block: Mapping) -> Table:
    """Make the table of a block: a row for each task and language, a column for each split.

    `languages` are labels by name, and `examples` says by task and language which parquet file, as
    `prepare_task` writes it, holds the examples; where it names none, the row is missing. Raises
    `UserError` for a bad block or file.
    """
    check_keys(block, REQUIRED, OPTIONAL, "a table of examples")
    rows = []
    for task in names(block["tasks"], "tasks"):
        for language, label in labels(block["languages"], "languages").items():
            row = {"task": task, "language": language, "heading": task.upper(), "label": label}
            rows.append(row | _counts(block["examples"].get(task, {}).get(language)))
    columns = tuple(Column(split, split.capitalize()) for split in SPLITS)
    caption = text(block.get("caption") or "Examples of the tasks", "caption")
    note = (
        "Examples (sentences for NER and POS) that adapters are trained, validated and tested on."
    )
    return Table(caption, note, {"heading": "Task", "label": "Language"}, columns, rows)


def _counts(path: str | None) -> dict[str, str]:
    if not path:
        return dict.fromkeys(SPLITS, "")
    return {split: str(number) for split, number in count_examples(path).items()}
