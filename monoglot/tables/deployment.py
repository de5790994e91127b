"""What variants take where they are used, what they score there, and what they took to make.

A row is a form of a variant that somebody could serve: PyTorch, ONNX, ONNX in int8. The table is a
function of files of deployment and of scores after export, and of the energy of jobs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor, log10
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from monoglot import errors
from monoglot.energy import Total, making, scoring
from monoglot.errors import UserError
from monoglot.evaluate.metrics import printed
from monoglot.files import read_json
from monoglot.paths import Checkpoint, Needs, Run
from monoglot.provenance import NAME as PROVENANCE
from monoglot.provenance import machine
from monoglot.tables.base import (
    Column,
    Entries,
    Kind,
    Labelled,
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
from monoglot.tables.scores import ScoresTable, shown_scores

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

Files = Mapping[str, Mapping[str, Any]]
"""What files say, by `model/language/variant`."""

Values = dict[str, float | None]
"""Numbers by column; None where there is none."""

Energies = Callable[[str, str], tuple[Total, Total]]
"""From a checkpoint and a run (`model/language/variant`) to what making and scoring them took."""

MEAN = "mean"
"""What is in place of the language in a row that is the mean over languages."""
FORMS = {
    "torch-fp32": "PyTorch",
    "torch-bf16": "PyTorch, bf16",
    "onnx-fp32": "ONNX",
    "onnx-int8": "ONNX, int8",
}
"""Labels of the forms that an encoder is served in, in their order."""

PRECISIONS = {"torch-fp32": "torch", "onnx-fp32": "fp32", "onnx-int8": "int8"}
"""What the scores of a form are called in files of scores after export."""

NAMES = ("model", "language", "variant")
HOW = ("measuring", "threads", "hardware")
NEEDED = {
    "measured": (*NAMES, *HOW, "parameters", "tokens", "forms", "load_average_before"),
    "scored": (*NAMES, "tasks"),
}
MEGABYTE = 10**6
DECIMALS = {"parameters": 0, "score": 2, "score_change": 2}
"""Of other columns, three digits count."""


class DeploymentRow(NamedTuple):
    """A variant that a table of deployment shows, and the languages that it is shown for."""

    model: str
    variant: str
    label: str
    languages: list[str]


class DeploymentTable(TableBlock):
    """What variants take where they are used, score there, and took to make."""

    target: ClassVar[str] = "deployment"

    kind: Literal["deployment"] = "deployment"
    """What the cells are."""
    models: TextNames | None = None
    """All models by default."""
    languages: TextNames | None = None
    """All evaluated languages by default."""
    tasks: TextNames | None = None
    """All tasks that adapters are trained for by default."""
    rows: Entries[Labelled] | None = None
    """Variants with their labels; the rows of the tables of scores by default."""
    each_language: bool = False
    """Rows for each language, instead of the mean over languages."""
    length: Annotated[int, Field(ge=4)] | None = None
    """Which of `deployment.lengths` Markdown and LaTeX show; the middle one by default."""

    def needs(self, graph: "Graph") -> Needs:
        cells = [
            (row.model, language, row.variant, task)
            for row in self.shown(graph)
            for language in row.languages
            for task in self.tasks_of(graph)
        ]
        return Needs(runs=runs_of(graph, cells))

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        for task in self.tasks or ():
            if not graph.is_trained(task):
                raise UserError(
                    f"{where}.tasks: '{task}' has no adapters that could be scored after export; "
                    "remove it"
                )
        for row in self.rows or ():
            if graph.is_baseline(row.variant):
                raise UserError(
                    f"{where}.rows: '{row.variant}' is a baseline, without a model; remove it"
                )
        for language in self.languages_of(graph):
            graph.source("heldout", language)
        lengths = graph.config["deployment"]["lengths"]
        if self.length not in (None, *lengths):
            raise UserError(
                f"{where}.length: {self.length} is not one of deployment.lengths, which are "
                f"{', '.join(map(str, lengths))}"
            )

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        rows, cells = self.shown(graph), self._cells(graph)
        tasks = self.tasks_of(graph)
        models = dict.fromkeys(row.model for row in rows)
        measured, scored = (sorted(set(files)) for files in self._files(graph, paths))
        return self.given() | {
            "models": {one: graph.config["models"][one].get("name", one) for one in models},
            "languages": names_of(graph, self.languages_of(graph)),
            "tasks": tasks,
            "scores": {task: s for task, s in shown_scores(graph).items() if task in tasks},
            "rows": [{"model": r.model, "variant": r.variant, "label": r.label} for r in rows],
            "measured": measured,
            "scored": scored,
            "checkpoints": {f"{r.model}/{r.language}/{r.variant}": str(n) for r, n in cells},
            "results": paths.results,
            "country": graph.config["energy"]["country"],
        }

    def records(self, graph: "Graph", paths: "Paths") -> list[str]:
        return []

    def inputs(self, graph: "Graph", paths: "Paths") -> list[str]:
        """Return measurements, scores, and the provenance that tells the energy."""
        nodes = [node for _, node in self._cells(graph)]
        measured, scored = self._files(graph, paths)
        files = [*measured, *scored]
        files += [f"{paths.checkpoint(node)}/{PROVENANCE}" for node in nodes]
        files += [self.published] if self.published else []
        return list(dict.fromkeys(files))

    def is_made(self, graph: "Graph", target: str) -> bool:
        """Whether a target makes this table, which may have no rows."""
        return target == self.target and bool(self.shown(graph))

    def shown(self, graph: "Graph") -> list[DeploymentRow]:
        """Return the rows, each model's together.

        Where the table has none of its own they are those of the tables of scores, without
        baselines, each with the languages that those show.
        """
        models = self.models_of(graph)
        languages = self.languages_of(graph)
        own = [(model, r.variant, r.label, languages) for model in models for r in self.rows or ()]
        of_scores = (
            (*row, table.languages or graph.evaluated)
            for table in map(graph.table, graph.config["tables"])
            if isinstance(table, ScoresTable)
            for row in table.variants
        )
        rows: dict[tuple[str, str], DeploymentRow] = {}
        for model, variant, label, shown in own or of_scores:
            if model in models and not graph.is_baseline(variant):
                row = rows.setdefault((model, variant), DeploymentRow(model, variant, label, []))
                row.languages.extend(
                    one for one in languages if one in shown and one not in row.languages
                )
        found = (row for row in rows.values() if row.languages)
        return sorted(found, key=lambda row: models.index(row.model))

    def _cells(self, graph: "Graph") -> list[tuple[Checkpoint, Checkpoint]]:
        """Return model, language and variant of each cell, with the checkpoint behind it."""
        return [
            (
                Checkpoint(row.model, language, row.variant),
                graph.checkpoint(row.model, language, row.variant),
            )
            for row in self.shown(graph)
            for language in row.languages
        ]

    def _files(self, graph: "Graph", paths: "Paths") -> tuple[list[str], list[str]]:
        """Return the measurements of each cell, and the scores after export where it has any."""
        cells, tasks = self._cells(graph), self.tasks_of(graph)
        measured = [paths.measurement(node) for _, node in cells]
        scored = [c for c, _ in cells if {*tasks} & {*graph.tasks(c.language)}]
        return measured, [paths.onnx_scores(c.model, c.language, c.variant) for c in scored]

    def tasks_of(self, graph: "Graph") -> list[str]:
        """The table's tasks, by default those with adapters."""
        return self.tasks or [task for task in graph.config["tasks"] if graph.is_trained(task)]


class LabelledOfSomeModel(Labelled):
    """A row with its model."""

    model: Text


class DeploymentSpec(DeploymentTable):
    """What a table of deployment is made by."""

    models: Labels
    """What is printed for each model."""
    languages: Labels
    """What is printed for each language."""
    tasks: list[Text]
    scores: dict[str, str] = {}
    """By task, the metric to show instead of the records' own."""
    rows: Entries[LabelledOfSomeModel]
    measured: list[str]
    """Files of measurements."""
    scored: list[str]
    """Files of scores after export."""
    checkpoints: dict[str, str]
    """By `model/language/variant`, the checkpoint that is measured for it, for the languages that a
    variant is shown for."""
    results: str = ""
    """The results folder, in whose files of provenance the energy is."""
    country: str | None = None
    """Whose electricity it was, alpha-3; the world's if none."""

    @model_validator(mode="after")
    def _rows(self) -> Self:
        for row in self.rows:
            if row.model not in self.models:
                raise ValueError(f"'models' lacks '{row.model}', which 'rows' names")
            names = (f"{row.model}/{one}/{row.variant}" for one in self.languages)
            if not self.checkpoints.keys() & set(names):
                raise ValueError(f"'checkpoints' lacks '{row.variant}' of {row.model}")
        return self

    @property
    def labels(self) -> dict[str, str]:
        """The columns of text on the left, with their headings."""
        labels = {"label": "Model"}
        if len(self.models) > 1:
            labels = {"family": "Family"} | labels
        if self.each_language:
            labels["language_name"] = "Language"
        return labels | {"form_label": "Served as"}

    def groups(self) -> Iterator[tuple[LabelledOfSomeModel, str, list[str]]]:
        """Yield what has rows of its own: variant, language or MEAN, `model/language/variant`s."""
        for row in self.rows:
            runs = {one: f"{row.model}/{one}/{row.variant}" for one in self.languages}
            runs = {one: run for one, run in runs.items() if run in self.checkpoints}
            if self.each_language:
                yield from ((row, language, [run]) for language, run in runs.items())
            else:
                yield row, MEAN, list(runs.values())

    def files(self) -> Iterable[Path]:
        return map(Path, [*self.measured, *self.scored])


def deployed_runs(graph: "Graph") -> list[Run]:
    """Return the runs with adapters that tables of scores and of deployment show."""
    return sorted(run for run in _encoder_runs(graph) if graph.is_trained(run.task))


def deployed(graph: "Graph") -> list[Checkpoint]:
    """Return the checkpoints that tables of scores and of deployment show."""
    runs = _encoder_runs(graph)
    return sorted({graph.checkpoint(run.model, run.language, run.variant) for run in runs})


def _encoder_runs(graph: "Graph") -> set[Run]:
    return {
        run
        for name in graph.config["tables"]
        if isinstance(graph.table(name), ScoresTable | DeploymentTable)
        for run in graph.needs[name].runs
        if not graph.is_baseline(run.variant)
    }


def render(records: Sequence[Record], spec: DeploymentSpec) -> Table:
    """Make the table, see `table_of`, with the energy that files of provenance tell."""
    errors.need("energy")

    def energies(checkpoint: str, run: str) -> tuple[Total, Total]:
        made = making(spec.results, checkpoint, spec.country)
        return made, scoring(spec.results, run, spec.country)

    return table_of(spec, energies)


def table_of(spec: DeploymentSpec, energies: Energies) -> Table:
    """Make the table: for each model and variant a row for each form.

    Numbers are means over languages, or with `each_language` rows are of one language. Markdown and
    LaTeX show latencies of one length, the CSV all. Raises `UserError` for files that are missing,
    damaged or measured differently.
    """
    files = _read_all(spec.measured, "measured")
    after = _read_all(spec.scored, "scored") if spec.tasks else {}
    settings = _agreed(files)
    rows = [
        row
        for shown, language, runs in spec.groups()
        for row in _rows(spec, shown, language, runs, files, after, energies)
    ]
    every = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name, "") for name in every} for row in rows]
    lengths = settings["measuring"]["lengths"]
    length = spec.length or sorted(lengths)[len(lengths) // 2]
    if length not in lengths:
        raise UserError(f"the table.length: {length} is not one of those measured, {lengths}")
    columns = [column for column in _columns(settings, length) if column.name in every]
    note = _note(settings, length, spec, after, rows)
    caption = spec.caption or "What serving takes, and scores"
    return Table(caption, note, spec.labels, (*columns,), rows)


def _read_all(paths: Sequence[str], kind: str) -> dict[str, dict[str, Any]]:
    """Read files of a kind (`measured` or `scored`), by `model/language/variant`."""
    read = {}
    for path in paths:
        said = read_json(path, "measure again")
        for key in NEEDED[kind]:
            if not isinstance(said, dict) or key not in said:
                raise UserError(f"{path}: has no '{key}'; it must be a file of deployment")
        read["/".join(said[key] for key in NAMES)] = said
    if not read:
        raise UserError(f"table key '{kind}': names no file")
    return read


def _agreed(files: Files) -> dict[str, Any]:
    """Return how all files were measured, and the highest load before any of them (`load`).

    `cut` says whether any model reads less than the longest text.
    """
    first, *others = files.values()
    for other in others:
        for key in HOW:
            if other[key] != first[key]:
                both = ", ".join("/".join(one[k] for k in NAMES) for one in (first, other))
                raise UserError(f"{both}: were measured with other {key}; measure them again")
    load = max(one["load_average_before"] for one in files.values())
    cut = any(int(asked) > got for one in files.values() for asked, got in one["tokens"].items())
    return {key: first[key] for key in HOW} | {"load": load, "cut": cut}


def _rows(
    spec: DeploymentSpec,
    shown: LabelledOfSomeModel,
    language: str,
    runs: Sequence[str],
    files: Files,
    after: Files,
    energies: Energies,
) -> Iterator[dict[str, str]]:
    """Yield the rows of a variant in one language, or of its means."""
    checkpoints = [spec.checkpoints[run] for run in runs]
    for checkpoint in checkpoints:
        if checkpoint not in files:
            raise UserError(f"table key 'measured': lacks the file of '{checkpoint}'")
    measured = [files[checkpoint] for checkpoint in checkpoints]
    # A language may have no task with adapters.
    scores = [after[run] for run in runs if run in after]
    # Unknown where any job does not say what it used.
    spent = [
        {
            f"{kind}_{name}": None if total.unknown or not total.jobs else getattr(total, name)
            for kind, total in zip(("making", "scoring"), energies(*one), strict=True)
            for name in ("kwh", "co2_kg")
        }
        for one in zip(checkpoints, runs, strict=True)
    ]
    for form, form_label in FORMS.items():
        if not all(form in one["forms"] for one in measured):
            continue
        values = _means([_measured(one, form) for one in measured])
        values |= _scored(scores, form, spec)
        values |= _means(spent)
        where = "" if language == MEAN else f"{language}:"
        names = {
            "model": shown.model,
            "row": f"{shown.variant}:{where}{form}",
            "variant": shown.variant,
            "language": language,
            "form": form,
            "family": spec.models[shown.model],
            "label": shown.label,
            "language_name": spec.languages.get(language, MEAN),
            "form_label": form_label,
        }
        yield names | {
            name: fixed(value, DECIMALS[name]) if name in DECIMALS else significant(value)
            for name, value in values.items()
        }


def _measured(said: Mapping[str, Any], form: str) -> Values:
    """Return the numbers of one form of a checkpoint, by column.

    Disk and memory are in megabytes (a million bytes), latencies in milliseconds. Memory is that
    with the first number of threads asked for. Columns of runs are named by device and threads,
    `cpu_1`, `cpu_all`, `cuda`, then by length.
    """
    disk, memory = said["forms"][form]["disk"], {}
    values: Values = {
        "parameters": said["parameters"],
        "size_millions": said["parameters"] / 10**6,
        "disk_mb": disk["weights_bytes"] / MEGABYTE,
        "folder_mb": disk["folder_bytes"] / MEGABYTE,
    }
    for run in said["forms"][form]["runs"]:
        # One number of threads may be asked for under two names.
        asked = [name for name, count in said["threads"].items() if count == run["threads"]]
        for name in [f"cpu_{one}" for one in asked] if run["device"] == "cpu" else [run["device"]]:
            if not memory:
                memory, peak = run["memory"], run["memory"]["peak_bytes"]
                values["memory_mb"] = peak / MEGABYTE
                # Above a process that has only imported its libraries.
                values["memory_above_mb"] = (peak - memory["imported_bytes"]) / MEGABYTE
                values["batch_memory_mb"] = memory["batch_peak_bytes"] / MEGABYTE
                values["load_seconds"] = run["load_seconds"]
            if "gpu_peak_bytes" in run["memory"]:
                values["gpu_memory_mb"] = run["memory"]["gpu_peak_bytes"] / MEGABYTE
            for kind in ("latency", "throughput"):
                for length, numbers in run[kind].items():
                    values |= {f"{name}_{length}_{key}": one for key, one in numbers.items()}
    return values


def _scored(files: Sequence[Mapping[str, Any]], form: str, spec: DeploymentSpec) -> Values:
    """Return the mean score in percent, and how much it is above PyTorch's.

    The mean is that over all tasks in all files, one of each language, which may lack some; None
    for a form that was not scored.
    """
    means = {}
    for precision in ("torch", PRECISIONS.get(form)):
        scores = []
        for task, said in (
            (t, f["tasks"][t]) for f in files for t in spec.tasks if t in f["tasks"]
        ):
            found = said.get(precision) or {}
            named = found.get("scores", {}).get(spec.scores.get(task))
            scores.append(named if task in spec.scores else found.get("score"))
        means[precision] = _mean(scores)
    score, exact = means[PRECISIONS.get(form)], means["torch"]
    known = score is not None and exact is not None
    return {
        "score": None if score is None else 100 * score,
        "score_change": 100 * (score - exact) if known else None,
    }


def _means(values: Sequence[Values]) -> Values:
    """Return the means of all columns; None where any number lacks."""
    names = dict.fromkeys(name for one in values for name in one)
    return {name: _mean([one.get(name) for one in values]) for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    if None in values or not values:
        return None
    return float(mean(Fraction(str(value)) for value in values))


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, and all of those before the point."""
    if value is None:
        return ""
    if not value:
        return "0"
    return f"{value:.{max(0, digits - 1 - floor(log10(abs(value))))}f}"


def _columns(settings: Mapping[str, Any], length: int) -> list[Column]:
    """Return the columns that Markdown and LaTeX show, where there are such numbers."""
    columns = [
        Column("size_millions", "Size", unit="M"),
        Column("disk_mb", "Disk, MB"),
        Column("memory_mb", "Memory, MB"),
    ]
    runs = {f"cpu_{asked}": _threads(asked) for asked in settings["threads"]} | {"cuda": "GPU"}
    for name, group in runs.items():
        unit = f"{group}, ms"
        columns += [Column(f"{name}_{length}_p{p}_ms", f"p{p}", unit) for p in (50, 95)]
    last = [*runs][-2]
    columns += [
        Column(f"{run}_{length}_sequences_per_second", f"texts/s, {runs[run]}")
        for run in (last, "cuda")
    ]
    return [
        *columns,
        Column("score", "Score"),
        Column("making_kwh", "Making, kWh"),
        Column("making_co2_kg", "kg CO2"),
    ]


def _threads(asked: str) -> str:
    return "1 thread" if asked == "1" else f"{asked} threads"


def _note(
    settings: Mapping[str, Any],
    length: int,
    spec: DeploymentSpec,
    after: Files,
    rows: list[dict[str, str]],
) -> str:
    hardware, how = settings["hardware"], settings["measuring"]
    cores = settings["threads"].get("all", hardware["cores"])
    seeds = sorted({task["seed"] for one in after.values() for task in one["tasks"].values()})
    sentences = [
        f"On {machine({**hardware, 'cores': cores})}.",
        f"Latency of one text of {length} tokens, median and 95th percentile of {how['repeats']}; "
        f"texts a second at {how['batch']} at a time.",
        "Memory is the largest that a process had which loads the model and answers one text at a "
        "time.",
    ]
    if spec.tasks:
        # Each task's metric is named as notes of tables of scores do.
        own = {task: s["metric"] for one in after.values() for task, s in one["tasks"].items()}
        shown = {task: spec.scores.get(task, own[task]) for task in spec.tasks if task in own}
        metrics = ", ".join(f"{task.upper()}: {printed(one)}" for task, one in shown.items())
        sentences.append(
            f"Score is the mean over languages and tasks in percent ({metrics}; seed "
            f"{', '.join(map(str, seeds))}), of adapter and encoder in that form."
        )
    sentences.append("Making is all jobs behind the checkpoint.")
    if settings["cut"]:
        sentences.append("Texts are cut to what the model reads.")
    if any(row.get("making_kwh") == "" for row in rows):
        sentences.append("Energy is missing where a job does not say what it used.")
    sentences.append(
        f"Before measurements the load average was up to {settings['load']:.1f}; above 0 is "
        "other work, timed along."
    )
    return " ".join(sentences)


KIND = Kind(DeploymentTable, DeploymentSpec, render, keys=("model", "row"))
