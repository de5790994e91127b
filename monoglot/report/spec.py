"""What a table of scores shows: one block under `tables` in the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass

from monoglot.errors import UserError
from monoglot.report.block import check_keys, entries, labelled, names, text

REQUIRED = ("model", "languages", "tasks", "rows")
OPTIONAL = ("caption", "scores", "baseline", "published")


@dataclass(frozen=True)
class Spec:
    """A checked table block: `rows` are (variant, label), `scores` maps a task to a score's name.

    A task that `scores` does not name shows its records' own `score`. `baseline` is the variant
    that reductions refer to, `published` the CSV file of the numbers to compare with.
    """

    model: str
    caption: str
    languages: tuple[str, ...]
    tasks: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    scores: Mapping[str, str]
    baseline: str
    published: str | None
    parameters: str = "mlm"
    """How checkpoints are counted: a key of `monoglot.report.cells.SIZES`."""

    @property
    def cells(self) -> dict[str, tuple[str, str]]:
        """Return (language, task) by name of every score column, in the order of the columns."""
        return {f"{one}_{task}": (one, task) for one in self.languages for task in self.tasks}


def read_spec(block: Mapping) -> Spec:
    """Check a table block; raise `UserError` naming the key that is missing, unknown or wrong."""
    check_keys(block, REQUIRED, OPTIONAL, "a table")
    tasks = names(block["tasks"], "tasks")
    rows = [labelled(row, "rows") for row in entries(block["rows"], "rows")]
    names([variant for variant, _ in rows], "rows")
    scores = block.get("scores") or {}
    if not isinstance(scores, Mapping) or not set(scores) <= set(tasks):
        raise UserError(
            f"table key 'scores': {scores!r} must map tasks of this table ({', '.join(tasks)}) "
            "to names of scores"
        )
    spec = Spec(
        model=text(block["model"], "model"),
        caption=text(block.get("caption") or f"Scores of {block['model']}", "caption"),
        languages=names(block["languages"], "languages"),
        tasks=tasks,
        rows=tuple(rows),
        scores={task: text(score, "scores") for task, score in scores.items()},
        baseline=text(block.get("baseline") or "base", "baseline"),
        published=text(block["published"], "published") if block.get("published") else None,
    )
    if len(spec.cells) < len(spec.languages) * len(tasks):
        raise UserError("two of the table's columns, {language}_{task}, have the same name")
    return spec
