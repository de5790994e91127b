"""What students retain of their teacher's scores on one task, language by language.

The layout is that of the results of AfroXLMR-Comet (arXiv 2502.18020): a row for each language, one
for the average, and the sizes below. It is a pure function of the records and the table's block.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from statistics import mean

from monoglot.errors import UserError
from monoglot.report.block import check_keys, entries, labelled, labels, names, text
from monoglot.report.cells import SIZES, Cell, Cells, collect, scores_note, size
from monoglot.report.spec import Spec
from monoglot.report.table import Column, Table, fixed

KEYS = ("row",)
REQUIRED = ("model", "languages", "task", "columns")
OPTIONAL = ("caption", "score", "parameters", "published")
SIZE_NOTES = {
    "mlm": "the masked language model with tied decoder and without pooler",
    "encoder_pooler": "the encoder with pooler and without masked-LM head",
}


@dataclass(frozen=True)
class Student:
    """A column of the table: a variant of a model."""

    name: str
    model: str
    variant: str
    label: str


@dataclass(frozen=True)
class Retention:
    """A checked block: `languages` are labels by name, the first of `students` is the teacher."""

    caption: str
    languages: Mapping[str, str]
    task: str
    students: tuple[Student, ...]
    score: str | None
    parameters: str
    published: str | None

    @property
    def teacher(self) -> Student:
        """The first column."""
        return self.students[0]


def read_retention(block: Mapping) -> Retention:
    """Check a table block; raise `UserError` naming the key that is missing, unknown or wrong."""
    check_keys(block, REQUIRED, OPTIONAL, "a table of retention")
    columns = entries(block["columns"], "columns")
    students = tuple(_student(entry, block["model"]) for entry in columns)
    names([student.name for student in students], "columns")
    parameters = block.get("parameters") or "mlm"
    if parameters not in SIZES:
        raise UserError(f"table key 'parameters': '{parameters}' is none of {', '.join(SIZES)}")
    return Retention(
        caption=text(block.get("caption") or f"Scores retained, {block['task']}", "caption"),
        languages=labels(block["languages"], "languages"),
        task=text(block["task"], "task"),
        students=students,
        score=text(block["score"], "score") if block.get("score") else None,
        parameters=parameters,
        published=text(block["published"], "published") if block.get("published") else None,
    )


def render(records: Iterable[Mapping], spec: Retention) -> Table:
    """Make the table: one row for each language, then average, parameters and reduction.

    Scores are means over seeds in percent, two decimals. What a student retains is its share of
    the teacher's score, average score and parameters, in percent with one decimal. The average is
    missing where a language is. The reduction, in percent, refers to the teacher. Raises
    `UserError` as `collect` does.
    """
    records = list(records)
    cells = {model: collect(records, _spec(spec, model)) for model in _models(spec)}
    rows = [
        {"row": code, "label": label} | _scores(_language(cells, spec, code), spec)
        for code, label in spec.languages.items()
    ]
    rows.append({"row": "avg", "label": "Average"} | _scores(_average(cells, spec), spec))
    rows += _sizes({s.name: size(cells[s.model], s.variant) for s in spec.students}, spec)
    used = [_cell(cells, s, code, spec) for s in spec.students for code in spec.languages]
    metrics = {spec.task: next(iter(cells.values())).metrics.get(spec.task)}
    note = (
        f"{scores_note([cell for cell in used if cell.percent], metrics)} Retained: percent of the "
        f"score of {spec.teacher.label}. Parameters: those of {SIZE_NOTES[spec.parameters]}."
    )
    return Table(spec.caption, note, {"label": "Language"}, _columns(spec), rows)


def _student(entry: Mapping, model: str) -> Student:
    variant, label = labelled(entry, "columns", "model")
    own = entry.get("model")
    return Student(f"{own}-{variant}" if own else variant, own or model, variant, label)


def _models(spec: Retention) -> list[str]:
    return list(dict.fromkeys(student.model for student in spec.students))


def _spec(spec: Retention, model: str) -> Spec:
    """Return what `collect` needs in order to sort the records of one model."""
    scores = {spec.task: spec.score} if spec.score else {}
    languages = tuple(spec.languages)
    return Spec(model, "", languages, (spec.task,), (), scores, "", None, spec.parameters)


def _columns(spec: Retention) -> tuple[Column, ...]:
    columns: list[Column] = []
    for student in spec.students:
        columns.append(Column(student.name, "score", student.label))
        if student.name != spec.teacher.name:
            columns.append(Column(f"{student.name}_retained", "retained", student.label))
    return tuple(columns)


def _cell(cells: Mapping[str, Cells], student: Student, language: str, spec: Retention) -> Cell:
    return cells[student.model].scores.get((student.variant, language, spec.task), Cell())


def _language(
    cells: Mapping[str, Cells], spec: Retention, language: str
) -> dict[str, Fraction | None]:
    return {s.name: _cell(cells, s, language, spec).mean for s in spec.students}


def _average(cells: Mapping[str, Cells], spec: Retention) -> dict[str, Fraction | None]:
    averages: dict[str, Fraction | None] = {}
    for student in spec.students:
        means = [_cell(cells, student, language, spec).mean for language in spec.languages]
        averages[student.name] = None if None in means else mean(means)
    return averages


def _scores(scores: Mapping[str, Fraction | None], spec: Retention) -> dict[str, str]:
    texts, teacher = {}, scores[spec.teacher.name]
    for name, score in scores.items():
        texts[name] = fixed(score, 2)
        if name != spec.teacher.name:
            known = score is not None and teacher
            texts[f"{name}_retained"] = fixed(100 * score / teacher, 1) if known else ""
    return texts


def _sizes(sizes: Mapping[str, Fraction | None], spec: Retention) -> list[dict[str, str]]:
    parameters = {"row": "parameters", "label": "Parameters"}
    reduction = {"row": "reduction_percent", "label": "Reduction (%)"}
    teacher = sizes[spec.teacher.name]
    for name, count in sizes.items():
        known = count is not None and teacher is not None
        parameters[name] = "" if count is None else str(round(count))
        reduction[name] = fixed(100 * (1 - count / teacher), 2) if known else ""
        if name != spec.teacher.name:
            parameters[f"{name}_retained"] = fixed(100 * count / teacher, 1) if known else ""
            reduction[f"{name}_retained"] = ""
    return [parameters, reduction]
