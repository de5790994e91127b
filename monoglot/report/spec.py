"""What a table of scores shows: one block under `tables` in the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monoglot.errors import UserError
from monoglot.report.block import check_keys, entries, labelled, names, text

REQUIRED = ("model", "languages", "tasks", "rows")
OPTIONAL = ("caption", "scores", "baseline", "published", "left_out")


@dataclass(frozen=True)
class Spec:
    """A checked table block: `rows` are (model, variant, label), `model` that of the baseline.

    `scores` maps a task to a score's name; a task that it does not name shows its records' own
    `score`. `baseline` is the variant that reductions refer to, `published` the CSV file of the
    numbers to compare with. `left_out` maps languages to tasks that they have no set for, and the
    table no column.
    """

    model: str
    caption: str
    languages: tuple[str, ...]
    tasks: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]
    scores: Mapping[str, str]
    baseline: str
    published: str | None
    parameters: str = "mlm"
    """How checkpoints are counted: a key of `monoglot.report.cells.SIZES`."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def cells(self) -> dict[str, tuple[str, str]]:
        """Return (language, task) by name of every score column, in the order of the columns."""
        return {
            f"{language}_{task}": (language, task)
            for language in self.languages
            for task in self.tasks
            if task not in self.left_out.get(language, ())
        }


def read_spec(block: Mapping) -> Spec:
    """Check a table block; raise `UserError` naming the key that is missing, unknown or wrong."""
    check_keys(block, REQUIRED, OPTIONAL, "a table")
    tasks = names(block["tasks"], "tasks")
    model = text(block["model"], "model")
    rows = [_row(row, model) for row in entries(block["rows"], "rows")]
    names([v if of == model else f"{of} {v}" for of, v, _ in rows], "rows")
    scores = block.get("scores") or {}
    if not isinstance(scores, Mapping) or not set(scores) <= set(tasks):
        raise UserError(
            f"table key 'scores': {scores!r} must map tasks of this table ({', '.join(tasks)}) "
            "to names of scores"
        )
    languages = names(block["languages"], "languages")
    left_out = _left_out(block.get("left_out") or {}, languages, tasks)
    spec = Spec(
        model=model,
        caption=text(block.get("caption") or f"Scores of {model}", "caption"),
        languages=languages,
        tasks=tasks,
        rows=tuple(rows),
        scores={task: text(score, "scores") for task, score in scores.items()},
        baseline=text(block.get("baseline") or "base", "baseline"),
        published=text(block["published"], "published") if block.get("published") else None,
        left_out=left_out,
    )
    if not spec.cells:
        raise UserError("table key 'left_out': leaves no cell; take a language or a task away")
    if len(spec.cells) < len(languages) * len(tasks) - sum(map(len, left_out.values())):
        raise UserError("two of the table's columns, {language}_{task}, have the same name")
    return spec


def _left_out(
    block: object, languages: Sequence[str], tasks: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    if not isinstance(block, Mapping) or not set(block) <= set(languages):
        raise UserError(
            f"table key 'left_out': {block!r} must map languages of this table "
            f"({', '.join(languages)}) to lists of tasks"
        )
    found = {language: names(tasks, "left_out") for language, tasks in block.items()}
    for task in (task for lacking in found.values() for task in lacking):
        if task not in tasks:
            raise UserError(
                f"table key 'left_out': '{task}' is none of the tasks ({', '.join(tasks)})"
            )
    return found


def _row(entry: object, model: str) -> tuple[str, str, str]:
    variant, label = labelled(entry, "rows", "model")
    return text(entry.get("model", model), "rows"), variant, label
