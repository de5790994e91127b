"""What the smallest model loses against its teacher, over the text its teacher was adapted on.

The paper (section 4.4, Tables 1, 2 and 6) claims that teachers adapted on more text lose less.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from statistics import mean, stdev
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from monoglot.errors import UserError
from monoglot.figures.blocks import (
    FigureBlock,
    FigureKind,
    Sources,
    cell_of,
    check_trained,
    distinct,
    where,
)
from monoglot.keys import FilePath, Names, Number, Parameters
from monoglot.paths import Checkpoint, Needs, Run
from monoglot.tables.base import Record, Row, Text, read_published, unknown
from monoglot.tables.scores import Cell, collect, common_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from monoglot.figures.canvas import Canvas
    from monoglot.graph import Graph


BYTES_PER_MEGABYTE = 1_000_000
CONFIDENCE = 0.95
MARGIN = 1.35  # the fitted line goes on beyond the points by this factor


class TeacherAndStudent(Parameters):
    """A point: a pair to compare."""

    teacher: Text
    """Name of a variant."""
    student: Text
    """Name of a variant."""
    label: Text | None = None
    """Stands behind the language at the point."""


class DropFigure(FigureBlock):
    """What students lose of their teachers' scores, over the text of the teachers."""

    whole = ("models", "languages", "tasks")

    kind: Literal["drop"]
    """What is drawn."""
    languages: Names | None = None
    """All evaluated languages by default."""
    tasks: Names | None = None
    """Scores are the means over these tasks; all by default."""
    scores: dict[Text, Text] = {}
    """By task, the metric to take instead of the record's `score`."""
    points: Annotated[list[TeacherAndStudent], Field(min_length=1)]
    """Pairs to compare; the teacher is a `train` variant."""
    volumes: Annotated[dict[Text, Annotated[Number, Field(gt=0)]], Field(min_length=1)] | None = (
        None
    )
    """Text of each language in megabytes; by default that of the corpora here."""
    published: FilePath | None = None
    """CSV file of published scores to draw instead of records."""

    def needs(self, graph: "Graph") -> Needs:
        if self.published:
            return Needs()
        return Needs(runs=self.runs_of(graph, self.variants, self.tasks_of(graph)))

    def teachers(self, graph: "Graph") -> dict[str, Checkpoint]:
        return self.checkpoints_of(graph, [point.teacher for point in self.points])

    def corpora(self, graph: "Graph") -> list[str]:
        """Return the languages that the teachers were trained on, unless volumes are given."""
        if self.volumes:
            return []
        return sorted({one for node in self.teachers(graph).values() for one in graph.text(node)})

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        teachers = self.teachers(graph)
        check_trained(graph, teachers, f"{where}.points")
        texts = [name for node in teachers.values() for name in graph.text(node)]
        if self.volumes and (
            faults := unknown(f"{where}.volumes", "languages given", texts, self.volumes)
        ):
            raise UserError(*faults)

    @property
    def variants(self) -> list[str]:
        """Names of all variants that are shown."""
        return [name for point in self.points for name in (point.teacher, point.student)]


class PowerLaw(NamedTuple):
    """y = factor · x ** exponent; `low` and `high` bound the exponent, None below three points."""

    factor: float
    exponent: float
    low: float | None = None
    high: float | None = None


FIT = ("fit_factor", "fit_exponent", "fit_exponent_low", "fit_exponent_high")


def fit(x: Sequence[float], y: Sequence[float]) -> PowerLaw | None:
    """Fit a power law by least squares of log y on log x.

    The interval of the exponent is the analytic one of simple regression: estimate ± t · standard
    error, t the 97.5 % quantile of Student's distribution with n - 2 degrees of freedom (12.7 for
    three points). It takes the points to be independent, with equal normal errors in log y.
    Returns None where there is none to fit: a value that is not positive, or a single x.
    """
    from scipy.stats import linregress, t  # slow to import, and planning imports this module

    if min(*x, *y, 1) <= 0 or len(set(x)) < 2:
        return None
    line = linregress([math.log(value) for value in x], [math.log(value) for value in y])
    factor, exponent = math.exp(line.intercept), float(line.slope)
    if len(x) < 3:
        return PowerLaw(factor, exponent)
    half = t.ppf((1 + CONFIDENCE) / 2, len(x) - 2) * line.stderr
    return PowerLaw(factor, exponent, exponent - half, exponent + half)


def rows(spec: DropFigure, sources: Sources, records: Sequence[Record]) -> list[Row]:
    """Return a row for each model, language and pair of teacher and student.

    `drop` is 100 · (1 - student / teacher), in percent, of the means over tasks; `drop_std` the
    sample standard deviation of the drops of single seeds. The fit of a model's rows is in each of
    them. Megabytes are those of `volumes` or else of the corpora (10^6 bytes of UTF-8), times the
    share that the teacher was trained on.
    """
    cells = _published(spec) if spec.published else collect(records, spec.scores)
    sizes = spec.volumes or {name: _size(path) for name, path in sources.corpora.items()}
    found = []
    for model in spec.models:
        points = [
            {"model": model, "language": language, "label": point.label or ""}
            | {"teacher": point.teacher, "student": point.student}
            | {"megabytes": _megabytes(sources, sizes, model, language, point.teacher)}
            | _lost(spec, cells, model, language, point)
            for language in spec.languages
            for point in spec.points
        ]
        law = fit([p["megabytes"] for p in points], [p["drop"] for p in points])
        of_law = dict(zip(FIT, law or [None] * len(FIT), strict=True))
        found += [{key: _text(value) for key, value in (p | of_law).items()} for p in points]
    return found


def _published(spec: DropFigure) -> dict[Run, Cell]:
    """Published scores, each as that of one seed; raise `UserError` if one is missing."""
    numbers, found = read_published(spec.published, ("model", "row")), {}
    for model, language, variant, task in product(
        spec.models, spec.languages, dict.fromkeys(spec.variants), spec.tasks
    ):
        row, column = numbers.get((model, variant), {}), f"{language}_{task}"
        if column not in row:
            raise UserError(f"{spec.published}: has no '{column}' of {model} {variant}")
        found[Run(model, language, variant, task)] = Cell({None: Fraction(row[column])})
    return found


def _lost(
    spec: DropFigure, cells: Mapping[Run, Cell], model: str, language: str, point: TeacherAndStudent
) -> dict[str, float | None]:
    """Return mean scores and the drop between them, with its deviation over common seeds."""
    sides = [
        [cell_of(cells, model, language, variant, task) for task in spec.tasks]
        for variant in (point.teacher, point.student)
    ]
    teacher, student = (mean(cell.mean for cell in side) for side in sides)
    if not teacher:
        raise UserError("a teacher scores 0 in every task; there is nothing to lose")
    seeds = common_seeds(cell for side in sides for cell in side)
    by_seed = [[mean(cell.of_seed(seed) for cell in side) for side in sides] for seed in seeds]
    drops = [100 * (1 - below / above) for above, below in by_seed if above]
    return {
        "teacher_score": float(teacher),
        "student_score": float(student),
        "drop": float(100 * (1 - student / teacher)),
        "drop_std": float(stdev(drops)) if len(drops) > 1 else None,
    }


def _megabytes(
    sources: Sources, sizes: Mapping[str, float], model: str, language: str, teacher: str
) -> float:
    texts = sources.texts.get(f"{model}/{language}/{teacher}", {language: 1.0})
    for name in texts:
        if name not in sizes:
            raise UserError(f"the figure needs the volume of the text of '{name}', not given")
    return sum(share * sizes[name] for name, share in texts.items())


def _size(path: str) -> float:
    from monoglot.data.parquet import read_texts  # imports pyarrow

    return sum(len(text.encode("utf-8")) for text in read_texts(path)) / BYTES_PER_MEGABYTE


def _text(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.6g}"


# The drawing


def draw(drawn: list[Row], spec: DropFigure, sources: Sources) -> "Canvas":
    """Draw one panel with the points of each model, and its power law where there is one."""
    from monoglot.figures.canvas import Canvas  # imports matplotlib

    models = [model for (model,) in distinct(drawn, "model")]
    labels = {model: _legend(where(drawn, model=model)[0], sources.name(model)) for model in models}
    canvas = Canvas(1, 1, spec.caption, list(labels.values()), _note(drawn))
    (axes,) = canvas.panels
    canvas.label("text the teacher was adapted on (MB)", "drop of the mean score (%)")
    canvas.ticks(axes, sorted({float(row["megabytes"]) for row in drawn}), "log")
    if all(float(row["drop"]) > 0 for row in drawn):
        canvas.plain_logarithm(axes)
    for number, model in enumerate(models):
        points = where(drawn, model=model)
        style = canvas.style(number, len(points))
        axes.plot([], [], label=labels[model], **style)
        canvas.points(axes, points, "megabytes", "drop", style | {"linestyle": "none"})
        _draw_law(axes, points, style)
    _names(axes, drawn, sources)
    return canvas.finish()


def _names(axes: "Axes", drawn: list[Row], sources: Sources) -> None:
    """Name the points, above the panel at their volume."""
    for language, label, megabytes in distinct(drawn, "language", "label", "megabytes"):
        axes.annotate(
            " ".join(filter(None, (sources.name(language), label))),
            (float(megabytes), 1),
            (0, 4),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )


def _draw_law(axes: "Axes", points: list[Row], style: Mapping) -> None:
    import numpy as np

    if not points[0]["fit_exponent"]:
        return
    volumes = [float(row["megabytes"]) for row in points]
    x = np.geomspace(min(volumes) / MARGIN, max(volumes) * MARGIN, 50)
    y = float(points[0]["fit_factor"]) * x ** float(points[0]["fit_exponent"])
    look = {"linestyle": style["linestyle"], "linewidth": 0.9}
    if not _is_trend(points[0]):  # the points do not tell a rise from a fall: nor should the line
        look = {"linestyle": ":", "linewidth": 0.6, "alpha": 0.5}
    axes.plot(x, y, color=style["color"], **look)


def _is_trend(row: Row) -> bool:
    """Whether the interval of the exponent is known and excludes zero."""
    low, high = row["fit_exponent_low"], row["fit_exponent_high"]
    return bool(low and high) and not float(low) <= 0 <= float(high)


def _legend(row: Row, model: str) -> str:
    if not row["fit_exponent"]:
        return f"{model}: no power law"
    law = f"drop ∝ MB^{float(row['fit_exponent']):.2f}"
    if row["fit_exponent_low"]:
        low, high = (float(row[f"fit_exponent_{end}"]) for end in ("low", "high"))
        law += f" (95 %: {low:.2f} to {high:.2f}{'' if _is_trend(row) else ', no trend'})"
    return f"{model}: {law.replace('-', '−')}"


def _note(drawn: list[Row]) -> str:
    count = max(len(where(drawn, model=model)) for (model,) in distinct(drawn, "model"))
    freedom, languages = max(count - 2, 0), len(distinct(drawn, "language"))
    sentences = [
        "Bars: standard deviation over seeds." if drawn[0]["drop_std"] else "",
        f"Lines: least squares of log drop on log MB, {count} points a model;",
        f"intervals: Student's t with {freedom} degree{'' if freedom == 1 else 's'} of freedom.",
        _verdict(drawn),
        f"{languages} languages differ in more than the volume of text: the cause cannot be told."
        if languages > 1
        else "One language: what holds for it need not hold for another.",
    ]
    return " ".join(filter(None, sentences))


def _verdict(drawn: list[Row]) -> str:
    intervals = [
        (float(row["fit_exponent_low"]), float(row["fit_exponent_high"]))
        for row in (where(drawn, model=model)[0] for (model,) in distinct(drawn, "model"))
        if row["fit_exponent_low"]
    ]
    open_ = sum(low <= 0 <= high for low, high in intervals)
    if not intervals:
        return "Too little to bound an exponent."
    if open_ == len(intervals):
        return "Every interval holds 0: a drop that does not depend on the volume is not excluded."
    return f"{len(intervals) - open_} of {len(intervals)} intervals exclude 0."


KIND = FigureKind(DropFigure, rows, draw)
