"""What a table shows: one block under `tables` in the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from monoglot.errors import UserError

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

    @property
    def cells(self) -> dict[str, tuple[str, str]]:
        """Return (language, task) by name of every score column, in the order of the columns."""
        return {f"{one}_{task}": (one, task) for one in self.languages for task in self.tasks}


def read_spec(block: Mapping) -> Spec:
    """Check a table block; raise `UserError` naming the key that is missing, unknown or wrong."""
    if not isinstance(block, Mapping):
        raise UserError(f"a table is a mapping with the keys {', '.join(REQUIRED)}")
    _check_keys(block, REQUIRED, OPTIONAL, "a table")
    tasks = _names(block["tasks"], "tasks")
    rows = [_row(row) for row in _list(block["rows"], "rows")]
    _names([variant for variant, _ in rows], "rows")
    scores = block.get("scores") or {}
    if not isinstance(scores, Mapping) or not set(scores) <= set(tasks):
        raise UserError(
            f"table key 'scores': {scores!r} must map tasks of this table ({', '.join(tasks)}) "
            "to names of scores"
        )
    spec = Spec(
        model=_name(block["model"], "model"),
        caption=_name(block.get("caption") or f"Scores of {block['model']}", "caption"),
        languages=_names(block["languages"], "languages"),
        tasks=tasks,
        rows=tuple(rows),
        scores={task: _name(score, "scores") for task, score in scores.items()},
        baseline=_name(block.get("baseline") or "base", "baseline"),
        published=_name(block["published"], "published") if block.get("published") else None,
    )
    if len(spec.cells) < len(spec.languages) * len(tasks):
        raise UserError("two of the table's columns, {language}_{task}, have the same name")
    return spec


def parse_spec(text: str) -> Spec:
    """Read a table block from YAML or JSON text, or from the file that `text` names."""
    try:
        block = yaml.safe_load(text)
        if isinstance(block, str):
            block = yaml.safe_load(Path(block).read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the table's spec is neither YAML nor a file of it: {reason}") from None
    return read_spec(block)


def _row(row: object) -> tuple[str, str]:
    if not isinstance(row, Mapping):
        raise UserError(f"table key 'rows': {row!r} must be a mapping with 'variant' and 'label'")
    _check_keys(row, ("variant",), ("label",), "a table's row")
    variant = _name(row["variant"], "rows")
    return variant, _name(row.get("label", variant), "rows")


def _check_keys(
    block: Mapping, required: Sequence[str], optional: Sequence[str], what: str
) -> None:
    for key in required:
        if key not in block:
            raise UserError(f"{what} lacks the key '{key}'")
    for key in block:
        if key not in (*required, *optional):
            known = ", ".join((*required, *optional))
            raise UserError(f"{what} has the unknown key '{key}'; the keys are {known}")


def _list(value: object, key: str) -> Sequence:
    if not isinstance(value, list | tuple) or not value:
        raise UserError(f"table key '{key}': {value!r} must be a list with at least one entry")
    return value


def _names(value: object, key: str) -> tuple[str, ...]:
    names = tuple(_name(name, key) for name in _list(value, key))
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"table key '{key}': '{name}' stands there twice")
    return names


def _name(value: object, key: str) -> str:
    # YAML reads a bare `no` (Norwegian) as false, hence the hint.
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"table key '{key}': {value!r} must be text; put it in quotes")
    return " ".join(value.split())
