"""What students retain of their teacher's scores on one task, language by language.

The layout is that of the results of AfroXLMR-Comet (arXiv 2502.18020): a row for each language, one
for the average, and the sizes below. It is a pure function of the records and the table's spec.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from monoglot.evaluate.metrics import guess
from monoglot.paths import Needs, Run
from monoglot.tables.base import (
    Column,
    Entries,
    Kind,
    LabelledOfModel,
    Labels,
    Record,
    Table,
    TableBlock,
    Text,
    TextNames,
    fixed,
    names_of,
    runs_of,
)
from monoglot.tables.scores import Cell, collect_for_table, metrics_of, scores_note, size

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

SIZE_NOTES = {
    "mlm": "the masked language model with tied decoder and without pooler",
    "encoder_pooler": "the encoder with pooler and without masked-LM head",
}
Numbers = Mapping[str, Fraction | None]
"""A number of each student by the name of its column; None where there is none."""


class RetentionTable(TableBlock):
    """What students retain of a teacher's scores on one task, language by language."""

    kind: Literal["retention"] = "retention"
    """What the cells are."""
    model: Text
    """Name of a model."""
    languages: TextNames | None = None
    """All evaluated languages by default."""
    task: Text
    """Name of a task."""
    score: Text | None = None
    """The metric to show instead of the record's `score`."""
    columns: Annotated[Entries[LabelledOfModel], Field(min_length=2)]
    """The teacher, then its students; `model` where it is not the table's."""
    parameters: Literal["mlm", "encoder_pooler"] = "mlm"
    """Count the masked LM without pooler, or the encoder with pooler."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [_name(column) for column in self.columns]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the column '{name}' appears twice")
        return self

    def needs(self, graph: "Graph") -> Needs:
        cells = [
            (column.model or self.model, language, column.variant, self.task)
            for column in self.columns
            for language in self.languages_of(graph)
        ]
        return Needs(runs=runs_of(graph, cells))

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        return self.given() | {"languages": names_of(graph, self.languages_of(graph))}


class RetentionSpec(RetentionTable):
    """What a table of retention is made by."""

    languages: Labels
    """What is printed for each language."""


def render(records: Sequence[Record], spec: RetentionSpec) -> Table:
    """Make the table: one row for each language, then average, parameters and reduction.

    Scores are means over seeds in percent, two decimals. What a student retains is its share of
    the teacher's score, average score and parameters, in percent with one decimal. The average is
    missing where a language is. The reduction, in percent, refers to the teacher. Raises
    `UserError` as `collect_for_table`, `size` and `metrics_of` do.
    """
    students = {_name(column): column for column in spec.columns}
    models = {name: one.model or spec.model for name, one in students.items()}
    places = {(language, spec.task) for language in spec.languages}
    scores = {spec.task: spec.score} if spec.score else {}
    found = collect_for_table(records, dict.fromkeys(models.values()), places, scores)
    cells = {
        (name, language): found.get(Run(models[name], language, one.variant, spec.task), Cell())
        for name, one in students.items()
        for language in spec.languages
    }
    teacher = next(iter(students))
    chances = {code: cells[teacher, code].chance for code in spec.languages}
    rows = [
        {"row": code, "label": label}
        | _retained({name: cells[name, code].mean for name in students}, chances[code])
        for code, label in spec.languages.items()
    ]
    averages = {name: _average([cells[name, one].mean for one in chances]) for name in students}
    chance = _average(list(chances.values()))
    rows.append({"row": "avg", "label": "Average"} | _retained(averages, chance))
    rows += _sizes(
        {
            name: size(found, models[name], one.variant, spec.parameters)
            for name, one in students.items()
        }
    )
    metrics = metrics_of(found, [spec.task])
    scored = scores_note(cells.values(), metrics)
    note = (
        f"{scored} Retained: percent of the score of {spec.columns[0].label}, where that is above "
        f"{guess(metrics.values())}. Parameters: those of {SIZE_NOTES[spec.parameters]}."
    )
    caption = spec.caption or f"Scores retained, {spec.task}"
    columns = [
        Column(f"{name}{end}", head, student.label)
        for name, student in students.items()
        for end, head in (("", "score"), ("_retained", "retained"))
        if name != teacher or not end
    ]
    return Table(caption, note, {"label": "Language"}, tuple(columns), rows)


def _name(column: LabelledOfModel) -> str:
    return f"{column.model}-{column.variant}" if column.model else column.variant


def _average(numbers: Sequence[Fraction | None]) -> Fraction | None:
    return None if None in numbers else mean(numbers)


def _retained(scores: Numbers, chance: Fraction | None) -> dict[str, str]:
    (first, teacher), *students = scores.items()
    whole = teacher if teacher is not None and teacher > (chance or 0) else None
    texts = {first: fixed(teacher, 2)}
    for name, score in students:
        known = score is not None and whole is not None
        texts[name] = fixed(score, 2)
        texts[f"{name}_retained"] = fixed(100 * score / whole, 1) if known else ""
    return texts


def _sizes(sizes: Numbers) -> list[dict[str, str]]:
    parameters = {"row": "parameters", "label": "Parameters"}
    reduction = {"row": "reduction_percent", "label": "Reduction (%)"}
    first, teacher = next(iter(sizes.items()))
    for name, count in sizes.items():
        known = count is not None and teacher is not None
        parameters[name] = "" if count is None else str(round(count))
        reduction[name] = fixed(100 * (1 - count / teacher), 2) if known else ""
        if name != first:
            parameters[f"{name}_retained"] = fixed(100 * count / teacher, 1) if known else ""
            reduction[f"{name}_retained"] = ""
    return [parameters, reduction]


KIND = Kind(RetentionTable, RetentionSpec, render)
