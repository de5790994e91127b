"""Tables 1 and 6 of the paper: scores of every variant, language and task.

Such a table is a pure function of the records and its spec. Scores are added as exact fractions of
their decimal form and become floats once, when they are printed: 0.285 shows as 28.50, and no cell
depends on the order of records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS, guess, printed
from monoglot.evaluate.records import read_record, read_records
from monoglot.paths import Needs
from monoglot.tables.base import (
    AT_CHANCE,
    Column,
    Entries,
    Kind,
    LabelledOfModel,
    Record,
    Table,
    TableBlock,
    Text,
    TextNames,
    at_chance,
    check_evaluated,
    check_known,
    check_score,
    fixed,
    runs_of,
)

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths
    from monoglot.significance import UncertainNumber

SIZES = {"mlm": "parameters", "encoder_pooler": "parameters_encoder_pooler"}
"""The key of a record that holds a checkpoint's size, by way of counting."""

DOUBTS = ("low", "high", "chance")
"""How columns end that say how sure a score is."""
LEAST_CUT = 0.05
"""Per cent of the test words; below, it is not worth a word."""

NEEDED = ("model", "language", "variant", "task", "seed", "metric", "score", "scores")


class ScoresTable(TableBlock):
    """Scores of variants by language and task (Tables 1 and 6)."""

    kind: Literal["scores"] = "scores"
    """What the cells are."""
    model: Text
    """The model of the baseline, and of all rows that do not name one."""
    languages: TextNames | None = None
    """All evaluated languages by default."""
    tasks: TextNames | None = None
    """All tasks by default."""
    scores: dict[Text, Text] = {}
    """By task, the metric to show instead of the record's `score`."""
    baseline: Text | None = None
    """The variant of the table's model that reductions refer to."""
    rows: Entries[LabelledOfModel]
    """Variants with their labels, in this order."""

    @model_validator(mode="after")
    def _rows_and_scores(self) -> Self:
        seen = set()
        for model, variant, _ in self.variants:
            if (model, variant) in seen:
                raise ValueError(f"the row of '{variant}' of {model} appears twice")
            seen.add((model, variant))
        if self.tasks and not set(self.scores) <= set(self.tasks):
            tasks = ", ".join(self.tasks)
            raise ValueError(f"'scores' must map tasks of this table ({tasks}) to metrics")
        return self

    @property
    def variants(self) -> list[tuple[str, str, str]]:
        """Model, variant and label of each row."""
        return [(row.model or self.model, row.variant, row.label) for row in self.rows]

    def needs(self, graph: "Graph") -> Needs:
        cells = [
            (model, language, variant, task)
            for model, variant, _ in self.variants
            for language in self.languages or graph.evaluated
            for task in self.tasks or graph.config["tasks"]
        ]
        return Needs(runs=runs_of(graph, cells))

    def check(self, graph: "Graph", where: str) -> None:
        models = [self.model, *(model for model, _, _ in self.variants)]
        tasks = [*(self.tasks or ()), *self.scores]
        variants = [row.variant for row in self.rows]
        variants += [self.baseline] if self.baseline else []
        check_known(
            (where, "models", models, graph.config["models"]),
            (where, "evaluated languages", self.languages or (), graph.evaluated),
            (where, "tasks", tasks, graph.config["tasks"]),
            (where, "variants", variants, graph.variants),
        )
        if self.baseline and graph.is_baseline(self.baseline):
            raise UserError(
                f"{where}.baseline: '{self.baseline}' has no checkpoint, and so no size that "
                "reductions could refer to; name another variant"
            )
        languages = self.languages or graph.evaluated
        check_evaluated(graph, where, languages, self.tasks or graph.config["tasks"])
        for task, score in self.scores.items():
            check_score(graph, f"{where}.scores.{task}", task, score)
        super().check(graph, where)

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        languages = self.languages or graph.evaluated
        tasks = self.tasks or list(graph.config["tasks"])
        lacking = {one: [t for t in tasks if t not in graph.tasks(one)] for one in languages}
        left_out = {language: names for language, names in lacking.items() if names}
        return self.given() | {"languages": languages, "tasks": tasks, "left_out": left_out}


class ScoresSpec(ScoresTable):
    """What a table of scores is made by."""

    languages: TextNames
    tasks: TextNames
    baseline: Text = "base"
    left_out: dict[str, TextNames] = {}
    """By language, tasks that it has no set for, and the table no column."""

    @model_validator(mode="after")
    def _columns(self) -> Self:
        for language, tasks in self.left_out.items():
            if language not in self.languages:
                languages = ", ".join(self.languages)
                raise ValueError(f"'left_out' must map languages of this table ({languages})")
            for task in tasks:
                if task not in self.tasks:
                    known = ", ".join(self.tasks)
                    raise ValueError(f"'left_out': '{task}' is not one of the tasks ({known})")
        if not self.cells:
            raise ValueError("'left_out' leaves no cell; take a language or a task away")
        left_out = sum(map(len, self.left_out.values()))
        if len(self.cells) < len(self.languages) * len(self.tasks) - left_out:
            raise ValueError("two of the columns, {language}_{task}, have the same name")
        return self

    @property
    def cells(self) -> dict[str, tuple[str, str]]:
        """Return (language, task) by name of every score column, in the order of the columns."""
        return {
            f"{language}_{task}": (language, task)
            for language in self.languages
            for task in self.tasks
            if task not in self.left_out.get(language, ())
        }


def shown_scores(graph: "Graph") -> dict[str, str]:
    """Return, by task, the metric that the first table of scores shows, if not the records' own."""
    tables = map(graph.table, graph.config["tables"])
    return next((dict(one.scores) for one in tables if isinstance(one, ScoresTable)), {})


@dataclass
class Cell:
    """The scores of one variant, language and task, in percent.

    Attributes:
        percent: by seed.
        errors: by seed, the standard error over test examples; none in records from elsewhere.
        chance: what is scored by chance, None if records do not say.
        examples: of the test set.
        cut: share of the test words that no model has seen, in percent.
        has_seeds: whether it is of something trained, of which one seed alone says little.
    """

    percent: dict[object, Fraction] = field(default_factory=dict)
    errors: dict[object, float] = field(default_factory=dict)
    chance: Fraction | None = None
    examples: int = 0
    cut: float = 0.0
    has_seeds: bool = True

    def add(self, record: Record, name: str) -> None:
        """Add a record's score of that name, and what it says of how sure that is.

        The latter need not be there in records from elsewhere.
        """
        own = record["metric"] == name
        self.has_seeds = has_seeds(name)
        self.percent[record["seed"]] = 100 * score_of(record, None if own else name)
        self.examples = record.get("n_test", 0)
        if (error := record.get("errors", {}).get(name)) is not None:
            self.errors[record["seed"]] = 100 * error
        if (chance := record.get("chance", {}).get(name)) is not None:
            self.chance = 100 * Fraction(str(chance))
        if words := record.get("n_test_words"):
            self.cut = 100 * record.get("n_test_words_cut", 0) / words

    def of_seed(self, seed: object) -> Fraction:
        """Return the score of a seed, or the one score of what no seed changes."""
        return self.percent[seed] if self.has_seeds else next(iter(self.percent.values()))

    @property
    def mean(self) -> Fraction | None:
        """Return the mean over seeds, None without any."""
        return mean(self.percent.values()) if self.percent else None

    @property
    def std(self) -> float | None:
        """Return the sample standard deviation over seeds (ddof 1), None below two seeds."""
        return stdev(self.percent.values()) if len(self.percent) > 1 else None

    @property
    def estimate(self) -> "UncertainNumber | None":
        """Return the mean with its error, None of one seed or without errors of all."""
        from monoglot.significance import mean_over_seeds  # imports scipy

        enough = len(self.percent) > (1 if self.has_seeds else 0)
        if not enough or self.errors.keys() != self.percent.keys():
            return None
        scores = list(map(float, self.percent.values()))
        return mean_over_seeds(scores, list(self.errors.values()), self.examples)


@dataclass
class Cells:
    """All that a table needs of one model's records."""

    scores: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    """(variant, language, task) -> scores"""
    parameters: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """variant -> language -> parameters of the checkpoint, None for a baseline without one"""
    metrics: dict[str, str] = field(default_factory=dict)
    """task -> name of the score shown"""
    unscored: dict[str, dict[str, None]] = field(default_factory=dict)
    """name of a score -> variants, in order, that cannot have it for want of a tokenizer"""

    def cell(self, variant: str, language: str, task: str) -> Cell:
        return self.scores.get((variant, language, task), Cell())


def read_scores(paths: Iterable[str | Path]) -> list[Record]:
    """Read records from JSON files, and from folders with all their `seed*.json`."""
    read: list[Record] = []
    for path in map(Path, paths):
        read += read_records(path) if path.is_dir() else [read_record(path)]
    return read


def collect(
    records: Iterable[Record],
    model: str,
    places: Iterable[tuple[str, str]],
    scores: Mapping[str, str],
    parameters: str = "mlm",
) -> Cells:
    """Sort the records of a model into cells.

    Args:
        places: languages and tasks; other records are left out.
        scores: by task, the metric to take instead of the record's own.
        parameters: how checkpoints are counted, a key of `SIZES`.

    Raises:
        UserError: a record lacks a key or holds a score outside 0..1, two records are of the same
            run, or records disagree on a checkpoint's size or on a task's metric.
    """
    cells, places, size_key = Cells(), set(places), SIZES[parameters]
    for record in records:
        missing = [key for key in (*NEEDED, size_key) if key not in record]
        if missing:
            raise UserError(f"a record lacks the key '{missing[0]}': {_run(record)}")
        if record["model"] == model and (record["language"], record["task"]) in places:
            _add(cells, record, scores, size_key)
    if not cells.scores:
        raise UserError(f"no record is of model '{model}' and the table's languages and tasks")
    return cells


def size(cells: Cells, variant: str) -> Fraction | None:
    """Return a variant's number of parameters, None without records or without a checkpoint.

    Sizes may differ by language, as trimmed vocabularies need not come out equally long; a table's
    row then shows their mean.
    """
    counts = cells.parameters.get(variant, {}).values()
    return mean(map(Fraction, counts)) if counts and None not in counts else None


def common_seeds(cells: Iterable[Cell]) -> list:
    """Return the seeds that every cell has which has any, in order."""
    found = [set(cell.percent) for cell in cells if cell.has_seeds]
    return sorted(set.intersection(*found)) if found else []


def has_seeds(metric: str) -> bool:
    """Whether a metric is of something trained; one that is not known is taken for such."""
    return metric not in METRICS or METRICS[metric].has_seeds


def scores_note(cells: Iterable[Cell], metrics: Mapping[str, str | None]) -> str:
    """Say what the scores of a table are: the metric of each task, and over how many seeds."""
    counts = [len(cell.percent) for cell in cells if cell.percent and cell.has_seeds]
    low, high = min(counts, default=0), max(counts, default=0)
    seeds = (
        "one seed" if high == 1 else f"{high} seeds" if low == high else f"{low} to {high} seeds"
    )
    named_by = {task: name for task, name in metrics.items() if name}
    names = ", ".join(f"{task.upper()}: {printed(name)}" for task, name in named_by.items())
    if not counts:
        return f"Scores in percent ({names}), of models as they are."
    as_they_are = [task.upper() for task, name in named_by.items() if not has_seeds(name)]
    but = f"; {', '.join(as_they_are)} of models as they are" if as_they_are else ""
    return f"Scores in percent ({names}), mean over {seeds}{but}."


def has_no_pieces(record: Record, name: str) -> bool:
    """Tell whether a record cannot have a score of sub-tokens, being that of a baseline."""
    return record["parameters"] is None and name.startswith("subtoken_")


def score_of(record: Record, name: str | None) -> Fraction:
    """Return a record's score of that name, or its own without one, from 0 to 1.

    Raises `UserError` if it has none of that name, or it is no such number.
    """
    if name is not None and name not in record["scores"]:
        raise UserError(
            f"there is no score '{name}' in the record {_run(record)}; "
            f"it has {', '.join(sorted(record['scores']))}"
        )
    score = record["score"] if name is None else record["scores"][name]
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise UserError(f"the score {score!r} of {_run(record)} is not a number from 0 to 1")
    return Fraction(str(score))


def score_columns(cells: Mapping[str, tuple[str, str]]) -> tuple[Column, ...]:
    """Return reduction, size, one column for each of `cells`, and their average.

    Args:
        cells: language and task by the column's name, `{language}_{task}`.
    """
    return (
        Column("reduction_percent", "Red.", decimals=0, unit="%"),
        Column("size_millions", "Size", unit="M"),
        *(
            Column(name, task.upper(), language, decimals=2)
            for name, (language, task) in cells.items()
        ),
        Column("avg", "Avg.", decimals=2),
    )


def render(records: Sequence[Record], spec: ScoresSpec) -> Table:
    """Make the table of `spec` from records, one row per row of the spec, in its order.

    Cells are means over seeds in percent, two decimals. The average is the mean of the row's
    cells and is missing where one of them is. The reduction is computed from the records'
    parameter counts, relative to the baseline variant of the table's own model. The CSV alone has
    `model`, `row`, `parameters` and, of each cell, `{cell}_std` and `{cell}_seeds`; of each cell
    and the average it has, where records tell, `_low` and `_high`, the ends of the 95 % interval,
    and `_chance`, what always giving the most frequent label of the training set scores. Raises
    `UserError` as `collect` does, and if two models' records show different metrics.
    """
    models = dict.fromkeys(model for model, _, _ in spec.variants)
    cells = {model: collect(records, model, spec.cells.values(), spec.scores) for model in models}
    baseline = size(cells[spec.model], spec.baseline) if spec.model in cells else None
    rows = [
        {"model": model, "row": variant, "label": label}
        | _measured(cells[model], variant, baseline, spec)
        for model, variant, label in spec.variants
    ]
    # Records from elsewhere may not say how sure scores are.
    doubts = [f"{name}_{what}" for name in (*spec.cells, "avg") for what in DOUBTS]
    empty = [name for name in doubts if not any(row[name] for row in rows)]
    rows = [{name: value for name, value in row.items() if name not in empty} for row in rows]
    used = [
        cell
        for model, variant, _ in spec.variants
        for key, cell in cells[model].scores.items()
        if key[0] == variant
    ]
    metrics = {task: _metric(cells, task) for task in spec.tasks}
    sentences = [scores_note(used, metrics)]
    sentences += _missing(cells, spec) + _about_chance(rows, spec, metrics) + _cut_off(cells, spec)
    caption = spec.caption or f"Scores of {spec.model}"
    return Table(caption, " ".join(sentences), {"label": "Model"}, score_columns(spec.cells), rows)


def _add(cells: Cells, record: Record, scores: Mapping[str, str], size_key: str) -> None:
    variant, language, task = record["variant"], record["language"], record["task"]
    cell = cells.scores.setdefault((variant, language, task), Cell())
    if record["seed"] in cell.percent:
        raise UserError(f"two records are of the same run: {_run(record)}; keep one of them")
    name = scores.get(task, record["metric"])
    if has_no_pieces(record, name):
        cells.unscored.setdefault(name, {})[variant] = None
    else:
        cell.add(record, name)
    _agree(cells.metrics, task, name, record, "metric")
    sizes = cells.parameters.setdefault(variant, {})
    _agree(sizes, language, _parameters(record, size_key), record, "parameters")


def _parameters(record: Record, key: str) -> int | None:
    parameters = record[key]
    if parameters is not None and (type(parameters) is not int or parameters < 1):
        raise UserError(f"{key} {parameters!r} of {_run(record)} is not a count from 1 up")
    return parameters


def _agree(known: dict, key: str, value: object, record: Record, what: str) -> None:
    if known.setdefault(key, value) != value:
        raise UserError(
            f"records disagree on {what}: {value} in {_run(record)}, {known[key]} in another of "
            f"'{key}'; score the variants again with one configuration"
        )


def _run(record: Record) -> str:
    return " ".join(
        f"{key} {record.get(key)}" for key in ("model", "language", "variant", "task", "seed")
    )


def _missing(cells: Mapping[str, Cells], spec: ScoresSpec) -> list[str]:
    """Say which cells a baseline cannot have, and which columns a language does not have."""
    found = []
    for score in dict.fromkeys(score for one in cells.values() for score in one.unscored):
        lacking = [
            label
            for model, variant, label in spec.variants
            if variant in cells[model].unscored.get(score, {})
        ]
        if lacking:
            found.append(f"No {printed(score)} without a tokenizer: {', '.join(lacking)}.")
    for language, tasks in spec.left_out.items():
        found.append(f"No {', '.join(map(str.upper, tasks))} for {language}.")
    return found


def _about_chance(
    rows: Sequence[Mapping[str, str]], spec: ScoresSpec, metrics: Mapping[str, str | None]
) -> list[str]:
    """Say what the mark means and what intervals are, where there are any."""
    found, names = [], [name for name in metrics.values() if name]
    if any(at_chance(row, name) for row in rows for name in (*spec.cells, "avg")):
        found.append(f"{AT_CHANCE} marks what is not above always giving {guess(names)}.")
    if any(row.get(f"{name}_low") for row in rows for name in spec.cells):
        seeds = " and other seeds" if any(map(has_seeds, names)) else ""
        found.append(f"Intervals (95 %) count other test examples{seeds} as chance.")
    return found


def _cut_off(cells: Mapping[str, Cells], spec: ScoresSpec) -> list[str]:
    """Say how much of the test sets no model has seen."""
    shares = {}
    for name, (language, task) in spec.cells.items():
        seen = [cells[m].cell(v, language, task).cut for m, v, _ in spec.variants]
        if (share := max(seen)) >= LEAST_CUT:
            shares[name] = f"{language} {task.upper()} {share:.1f} %"
    if not shares:
        return []
    return [f"Test words beyond the longest input, at most: {', '.join(shares.values())}."]


def _metric(cells: Mapping[str, Cells], task: str) -> str | None:
    found = {one.metrics[task]: model for model, one in cells.items() if task in one.metrics}
    if len(found) > 1:
        listed = ", ".join(f"{metric} ({model})" for metric, model in found.items())
        raise UserError(f"the models' records disagree on the metric of '{task}': {listed}")
    return next(iter(found), None)


def _measured(
    cells: Cells, variant: str, baseline: Fraction | None, spec: ScoresSpec
) -> dict[str, str]:
    parameters = size(cells, variant)
    reduction = 100 * (parameters / baseline - 1) if parameters and baseline else None
    found = {name: cells.cell(variant, *place) for name, place in spec.cells.items()}
    means = [cell.mean for cell in found.values()]
    row = {"reduction_percent": _whole(reduction), "size_millions": _millions(parameters)}
    row |= {name: fixed(cell.mean, 2) for name, cell in found.items()}
    row["avg"] = "" if None in means else fixed(mean(means), 2)
    row["parameters"] = _whole(parameters)
    row |= {f"{name}_std": fixed(cell.std, 2) for name, cell in found.items()}
    row |= {f"{name}_seeds": str(len(cell.percent)) for name, cell in found.items()}
    return row | _doubt(found)


def _doubt(cells: Mapping[str, Cell]) -> dict[str, str]:
    """Return the ends of intervals and the level of chance, of each cell and of the average."""
    estimates = {name: cell.estimate for name, cell in cells.items()}
    chances = {name: cell.chance for name, cell in cells.items()}
    known = [one for one in estimates.values() if one]
    estimates["avg"] = chances["avg"] = None
    if len(known) == len(cells):
        from monoglot.significance import mean_of

        estimates["avg"] = mean_of(known)
    if None not in (levels := [chances[name] for name in cells]):
        chances["avg"] = mean(levels)
    row = {}
    for name, estimate in estimates.items():
        low, high = estimate.interval if estimate else (None, None)
        # No score is outside of these.
        row[f"{name}_low"] = fixed(low if low is None else max(low, 0.0), 2)
        row[f"{name}_high"] = fixed(high if high is None else min(high, 100.0), 2)
        row[f"{name}_chance"] = fixed(chances[name], 2)
    return row


def _whole(value: Fraction | None) -> str:
    return "" if value is None else str(round(value))


def _millions(parameters: Fraction | None) -> str:
    """Whole millions as in the paper; three significant digits below ten million."""
    if parameters is None:
        return ""
    millions = float(parameters / 10**6)
    return f"{millions:.0f}" if millions >= 10 else f"{millions:#.3g}"


KIND = Kind(ScoresTable, ScoresSpec, render, keys=("model", "row"))
