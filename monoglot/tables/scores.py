"""Tables 1 and 6 of the paper: scores of every variant, language and task.

Such a table is a pure function of the records and its spec. Scores are added as exact fractions of
their decimal form and become floats once, when they are printed: 0.285 shows as 28.50, and no cell
depends on the order of records.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from monoglot.errors import UserError
from monoglot.evaluate.metrics import METRICS, guess, printed
from monoglot.evaluate.records import read_record, read_records
from monoglot.paths import Needs, Run
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
    fixed,
    millions,
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
            for language in self.languages_of(graph)
            for task in self.tasks_of(graph)
        ]
        return Needs(runs=runs_of(graph, cells))

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        if self.baseline and graph.is_baseline(self.baseline):
            raise UserError(
                f"{where}.baseline: '{self.baseline}' has no checkpoint, and so no size that "
                "reductions could refer to; name another variant"
            )

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        languages = self.languages_of(graph)
        tasks = self.tasks_of(graph)
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


@dataclass(frozen=True)
class Cell:
    """What a run scored in percent: one variant in one language on one task, all seeds.

    Records from elsewhere need not say how sure scores are, see `errors` and `chance` there.

    Attributes:
        percent: by seed; empty where there is none, or none without a tokenizer.
        metric: name of the score.
        records: by seed.
    """

    percent: Mapping[object, Fraction] = field(default_factory=dict)
    metric: str = ""
    records: Mapping[object, Record] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Mapping[object, Record], metric: str) -> Self:
        """Return the scores of a run's records by that name."""
        scored = {s: r for s, r in records.items() if not has_no_pieces(r, metric)}
        return cls({s: 100 * score_of(r, metric) for s, r in scored.items()}, metric, records)

    def of_seed(self, seed: object) -> Fraction:
        """Return the score of a seed, or the one score of what no seed changes."""
        return self.percent[seed] if self.has_seeds else next(iter(self.percent.values()))

    @property
    def mean(self) -> Fraction | None:
        """The mean over seeds, None without any."""
        return mean(self.percent.values()) if self.percent else None

    @property
    def std(self) -> float | None:
        """The sample standard deviation over seeds (ddof 1), None below two seeds."""
        return stdev(self.percent.values()) if len(self.percent) > 1 else None

    def __str__(self) -> str:
        """The mean with its deviation, `84.96 ± 0.31`."""
        return f"{float(self.mean):.2f}" + ("" if self.std is None else f" ± {self.std:.2f}")

    @property
    def chance(self) -> Fraction | None:
        """What is scored by chance, None if records do not say."""
        levels = (record.get("chance", {}).get(self.metric) for record in self.records.values())
        return next((100 * Fraction(str(one)) for one in levels if one is not None), None)

    @property
    def has_seeds(self) -> bool:
        """Whether it is of something trained, of which one seed alone says little."""
        return has_seeds(self.metric)

    @property
    def cut(self) -> float:
        """The share of the test words that no model has seen, in percent."""
        of = next((r for r in self.records.values() if r.get("n_test_words")), None)
        return 100 * of.get("n_test_words_cut", 0) / of["n_test_words"] if of else 0.0

    @property
    def estimate(self) -> "UncertainNumber | None":
        """The mean with its error, None of one seed or without errors of all."""
        from monoglot.significance import mean_over_seeds  # imports scipy

        records = [self.records[seed] for seed in self.percent]
        errors = [record.get("errors", {}).get(self.metric) for record in records]
        if len(errors) < (2 if self.has_seeds else 1) or None in errors:
            return None
        found = zip(records, errors, strict=True)
        shared = [one.get("shared_errors", {}).get(self.metric, error) for one, error in found]
        in_percent = [[100 * one for one in many] for many in (errors, shared)]
        scores = list(map(float, self.percent.values()))
        return mean_over_seeds(scores, *in_percent, records[0].get("n_test", 0))


def read_scores(paths: Iterable[str | Path]) -> list[Record]:
    """Read records from JSON files, and from folders with all their `seed*.json`."""
    read: list[Record] = []
    for path in map(Path, paths):
        read += read_records(path) if path.is_dir() else [read_record(path)]
    return read


def collect(records: Iterable[Record], scores: Mapping[str, str]) -> dict[Run, Cell]:
    """Return the scores of records by run.

    Args:
        scores: by task, the metric to take instead of the records' own.

    Raises:
        UserError: a record has no such metric, two are of the same run and seed, or those of a run
            have different metrics.
    """
    found: dict[Run, dict[object, Record]] = {}
    for record in records:
        run = Run(*(record[part] for part in ("model", "language", "variant", "task")))
        seeds = found.setdefault(run, {})
        if record["seed"] in seeds:
            raise UserError(f"two records are of {run} and seed {record['seed']}; keep one of them")
        seeds[record["seed"]] = record
    cells = {}
    for run, seeds in found.items():
        metrics = {scores.get(run.task, record["metric"]): None for record in seeds.values()}
        if len(metrics) > 1:
            raise UserError(
                f"the records of {run} disagree on the metric: {', '.join(metrics)}; score them "
                "again with one configuration"
            )
        cells[run] = Cell.of(seeds, *metrics)
    return cells


def collect_for_table(
    records: Iterable[Record],
    models: Iterable[str],
    places: Collection[tuple[str, str]],
    scores: Mapping[str, str],
) -> dict[Run, Cell]:
    """Return the cells of models in these languages and tasks, as `collect` does.

    Raises `UserError` besides if no record is of one of the models.
    """
    models = list(models)
    cells = collect(
        [r for r in records if r["model"] in models and (r["language"], r["task"]) in places],
        scores,
    )
    for model in models:
        if not any(run.model == model for run in cells):
            raise UserError(f"no record is of model '{model}' and the table's languages and tasks")
    return cells


def size(
    cells: Mapping[Run, Cell], model: str, variant: str, parameters: str = "mlm"
) -> Fraction | None:
    """Return a variant's number of parameters, None without records or without a checkpoint.

    Sizes may differ by language, as trimmed vocabularies need not come out equally long; a table's
    row then shows their mean.

    Args:
        parameters: how they are counted, a key of `SIZES`.

    Raises:
        UserError: a record has no such number, or records of a checkpoint disagree on it.
    """
    key, counts = SIZES[parameters], {}
    for run, cell in cells.items():
        for record in cell.records.values() if (run.model, run.variant) == (model, variant) else ():
            if key not in record:
                raise UserError(f"a record lacks the key '{key}': {run} seed {record['seed']}")
            said = record[key]
            if said is not None and (type(said) is not int or said < 1):
                raise UserError(f"{key} {said!r} of {run} is not a count from 1 up")
            count = counts.setdefault(run.language, said)
            if count != said:
                raise UserError(
                    f"records disagree on {key}: {said} in {run}, {count} in another of "
                    f"'{run.language}'; score the variants again with one configuration"
                )
    known = counts.values()
    return mean(map(Fraction, known)) if known and None not in known else None


def common_seeds(cells: Iterable[Cell]) -> list:
    """Return the seeds that every cell has which has any, in order."""
    found = [set(cell.percent) for cell in cells if cell.has_seeds]
    return sorted(set.intersection(*found)) if found else []


def has_seeds(metric: str) -> bool:
    """Whether a metric is of something trained; one that is not known is taken for such."""
    return metric not in METRICS or METRICS[metric].has_seeds


def metrics_of(cells: Mapping[Run, Cell], tasks: Iterable[str]) -> dict[str, str]:
    """Return the metric of each scored task; raise `UserError` if cells disagree on one."""
    found = {}
    for task in tasks:
        runs = {cell.metric: run for run, cell in cells.items() if run.task == task}
        if len(runs) > 1:
            listed = ", ".join(f"{metric} ({run})" for metric, run in sorted(runs.items()))
            raise UserError(f"the records disagree on the metric of '{task}': {listed}")
        found |= dict.fromkeys(() if not runs else [task], *runs)
    return found


def scores_note(cells: Iterable[Cell], metrics: Mapping[str, str]) -> str:
    """Say what the scores of a table are: the metric of each task, and over how many seeds."""
    counts = [len(cell.percent) for cell in cells if cell.percent and cell.has_seeds]
    low, high = min(counts, default=0), max(counts, default=0)
    seeds = (
        "one seed" if high == 1 else f"{high} seeds" if low == high else f"{low} to {high} seeds"
    )
    names = ", ".join(f"{task.upper()}: {printed(name)}" for task, name in metrics.items())
    if not counts:
        return f"Scores in percent ({names}), of models as they are."
    as_they_are = [task.upper() for task, name in metrics.items() if not has_seeds(name)]
    but = f"; {', '.join(as_they_are)} of models as they are" if as_they_are else ""
    return f"Scores in percent ({names}), mean over {seeds}{but}."


def has_no_pieces(record: Record, name: str) -> bool:
    """Tell whether a record cannot have a score of sub-tokens, being that of a baseline."""
    return record["parameters"] is None and name.startswith("subtoken_")


def score_of(record: Record, name: str) -> Fraction:
    """Return a record's score of that name, from 0 to 1; raise `UserError` if it has none."""
    if name == record["metric"]:
        return Fraction(str(record["score"]))
    if name not in record["scores"]:
        run = " ".join(f"{k} {record[k]}" for k in ("model", "language", "variant", "task", "seed"))
        raise UserError(
            f"there is no score '{name}' in the record {run}; "
            f"it has {', '.join(sorted(record['scores']))}"
        )
    return Fraction(str(record["scores"][name]))


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
    `UserError` as `collect_for_table`, `size` and `metrics_of` do.
    """
    models = dict.fromkeys(model for model, _, _ in spec.variants)
    cells = collect_for_table(records, models, set(spec.cells.values()), spec.scores)
    baseline = size(cells, spec.model, spec.baseline)
    rows, used, unscored, cut = [], [], {}, {}
    for model, variant, label in spec.variants:
        found = {
            name: cells.get(Run(model, language, variant, task), Cell())
            for name, (language, task) in spec.cells.items()
        }
        used += found.values()
        for name, cell in found.items():
            cut[name] = max(cut.get(name, 0.0), cell.cut)
            if cell.records and not cell.percent:
                unscored.setdefault(cell.metric, {})[label] = None
        names = {"model": model, "row": variant, "label": label}
        rows.append(names | _measured(found, size(cells, model, variant), baseline))
    # Records from elsewhere may not say how sure scores are.
    doubts = [f"{name}_{what}" for name in (*spec.cells, "avg") for what in DOUBTS]
    empty = [name for name in doubts if not any(row[name] for row in rows)]
    rows = [{name: value for name, value in row.items() if name not in empty} for row in rows]
    metrics = metrics_of(cells, spec.tasks)
    sentences = [scores_note(used, metrics)]
    sentences += [
        f"No {printed(metric)} without a tokenizer: {', '.join(labels)}."
        for metric, labels in unscored.items()
    ]
    sentences += [
        f"No {', '.join(map(str.upper, tasks))} for {language}."
        for language, tasks in spec.left_out.items()
    ]
    sentences += _about_chance(rows, spec, metrics)
    shares = [
        f"{language} {task.upper()} {cut[name]:.1f} %"
        for name, (language, task) in spec.cells.items()
        if cut[name] >= LEAST_CUT
    ]
    if shares:
        sentences.append(f"Test words beyond the longest input, at most: {', '.join(shares)}.")
    caption = spec.caption or f"Scores of {spec.model}"
    return Table(caption, " ".join(sentences), {"label": "Model"}, score_columns(spec.cells), rows)


def _about_chance(
    rows: Sequence[Mapping[str, str]], spec: ScoresSpec, metrics: Mapping[str, str]
) -> list[str]:
    """Say what the mark means and what intervals are, where there are any."""
    found, names = [], list(metrics.values())
    if any(at_chance(row, name) for row in rows for name in (*spec.cells, "avg")):
        found.append(f"{AT_CHANCE} marks what is not above always giving {guess(names)}.")
    if any(row.get(f"{name}_low") for row in rows for name in spec.cells):
        seeds = " and other seeds" if any(map(has_seeds, names)) else ""
        found.append(f"Intervals (95 %) count other test examples{seeds} as chance.")
    ends = [
        (row.get(f"{name}_low"), row.get(f"{name}_high")) for row in rows for name in spec.cells
    ]
    if ("0.00", "100.00") in ends:
        found.append(
            "An interval from 0 to 100 says that seeds are too few and too far apart to tell a "
            "mean."
        )
    return found


def _measured(
    found: Mapping[str, Cell], parameters: Fraction | None, baseline: Fraction | None
) -> dict[str, str]:
    reduction = 100 * (parameters / baseline - 1) if parameters and baseline else None
    means = [cell.mean for cell in found.values()]
    row = {"reduction_percent": _whole(reduction), "size_millions": millions(parameters)}
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


KIND = Kind(ScoresTable, ScoresSpec, render, keys=("model", "row"))
