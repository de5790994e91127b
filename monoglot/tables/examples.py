"""Table 3 of the paper: how many examples each task has in each language."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from monoglot.data.readers import SPLITS
from monoglot.paths import Needs
from monoglot.tables.base import (
    Column,
    Kind,
    Labels,
    Record,
    Table,
    TableBlock,
    TextNames,
    names_of,
)

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths


class ExamplesTable(TableBlock):
    """Examples of each task, language and split (Table 3)."""

    any_language = True

    kind: Literal["examples"] = "examples"
    """What the cells are."""
    languages: TextNames | None = None
    """All evaluated languages by default."""
    tasks: TextNames | None = None
    """All tasks by default."""

    def needs(self, graph: "Graph") -> Needs:
        """Return languages and tasks, but for tasks that a language lacks."""
        sets = [
            (language, task)
            for language in self.languages_of(graph)
            for task in self.tasks_of(graph)
            if task in graph.tasks(language)
        ]
        return Needs(sets=sets)

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        for language, task in self.needs(graph).sets:
            graph.source(task, language)

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        tasks = self.tasks_of(graph)
        files: dict[str, dict[str, str]] = {task: {} for task in tasks}
        for language, task in self.needs(graph).sets:
            files[task][language] = paths.data(language, task)
        languages = names_of(graph, self.languages_of(graph))
        return self.given() | {"languages": languages, "tasks": tasks, "examples": files}


class ExamplesSpec(ExamplesTable):
    """What a table of examples is made by."""

    languages: Labels
    """What is printed for each language."""
    tasks: TextNames
    examples: dict[str, dict[str, str]]
    """By task and language, the parquet file that `read_task` wrote; where there is none, the row
    is missing."""


def render(records: Sequence[Record], spec: ExamplesSpec) -> Table:
    """Make the table: a row for each task and language, a column for each split."""
    rows = [
        {"task": task, "language": language, "heading": task.upper(), "label": label}
        | _counts(spec.examples.get(task, {}).get(language))
        for task in spec.tasks
        for language, label in spec.languages.items()
    ]
    columns = tuple(Column(split, split.capitalize()) for split in SPLITS)
    caption = spec.caption or "Examples of the tasks"
    note = (
        "Examples (sentences for NER and POS) that adapters are trained, validated and tested on."
    )
    return Table(caption, note, {"heading": "Task", "label": "Language"}, columns, rows)


def _counts(path: str | None) -> dict[str, str]:
    from monoglot.data.parquet import count_examples  # imports pyarrow

    if not path:
        return dict.fromkeys(SPLITS, "")
    return {split: str(number) for split, number in count_examples(path).items()}


KIND = Kind(ExamplesTable, ExamplesSpec, render, keys=("task", "language"))
