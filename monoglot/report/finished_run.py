"""A run as its results folder has it: which files a report is made from, read and checked.

Snakemake's planning asks this module for the files, so it imports nothing heavy.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from monoglot.data.overlap import Overlap, read_overlaps
from monoglot.errors import UserError
from monoglot.evaluate.metrics import guess
from monoglot.evaluate.records import Record, read_record
from monoglot.figures.curves_figure import read_history
from monoglot.graph import Checkpoint, Graph
from monoglot.paths import Run
from monoglot.provenance import Provenance
from monoglot.provenance import read as read_provenance
from monoglot.report.html_tables import TableView, read_table
from monoglot.tables.base import read_published
from monoglot.tables.scores import Cell, collect, common_seeds, shown_scores

NAME = "report.html"
TEMPLATES = Path(__file__).with_name("templates")
PROVENANCE = "provenance.json"
LONGEST = 10**12
"""Seconds, or joules, that no job takes."""

HistoryRow = Mapping[str, float | None]


# Which files


def templates() -> list[Path]:
    """Return the files that a report is filled into: they are part of its code."""
    return sorted(file for file in TEMPLATES.iterdir() if file.is_file())


def reported(config: dict) -> Graph:
    """Return the part of an experiment that its report shows: all of it.

    Figures and what is made for them alone are left out unless they are among the targets, since
    the report would have to wait for them.
    """
    graph = Graph(config)
    if "figures" in graph.config["targets"] or not graph.config["figures"]:
        return graph
    return Graph(graph.config | {"figures": {}})


def made_from(graph: Graph) -> list[str]:
    """Return the paths, relative to the results folder, of all that a report is made from.

    What is `in_use` comes on top where it has been measured.
    """
    return [
        *(f"tables/{name}.{form}" for name in _tables(graph) for form in ("csv", "md")),
        *(f"figures/{name}.{form}" for name in graph.config["figures"] for form in ("csv", "png")),
        *(path for paths in records(graph).values() for path in paths),
        *histories(graph).values(),
        *overlaps(graph).values(),
        *jobs(graph),
    ]


def in_use(graph: Graph) -> list[str]:
    """Return the files of tables of deployment: a report shows those that are there."""
    tables = [name for name in graph.config["tables"] if name not in _tables(graph)]
    return [f"tables/{name}.{form}" for name in tables for form in ("csv", "md")]


def records(graph: Graph) -> dict[str, list[str]]:
    """Return the records of each adapter run, by the run's name."""
    return {
        str(run): [f"scores/{run}/seed{seed}.json" for seed in graph.seeds(run.variant, run.task)]
        for run in _runs(graph)
    }


def histories(graph: Graph) -> dict[Checkpoint, str]:
    """Return the history of each trained checkpoint."""
    trained = (node for node in graph.checkpoints if graph.operation(node.variant) == "train")
    return {node: f"models/{node}/history.csv" for node in trained}


def overlaps(graph: Graph) -> dict[str, str]:
    """Return, by language, what its text and training examples hold of evaluation sentences."""
    return {language: f"overlap/{language}.json" for language in graph.tested}


def jobs(graph: Graph) -> list[str]:
    """Return the provenance of all jobs behind tables and figures, and of these themselves."""
    config, found = graph.config, []
    if "invented" in config["data"]:  # the raw files, perhaps in another folder, have a job too
        found.append(os.path.relpath(f"{config['data']['root']}/{PROVENANCE}", config["results"]))
    found += [f"data/{language}/{name}.{PROVENANCE}" for language, name in _sets(graph)]
    found += [f"overlap/{language}.{PROVENANCE}" for language in overlaps(graph)]
    found += [f"tokens/{store}/{PROVENANCE}" for store in sorted(set(_stores(graph)))]
    found += [f"models/{node}/{PROVENANCE}" for node in graph.checkpoints]
    found += [f"scores/{run}/{PROVENANCE}" for run in _runs(graph)]
    found += [f"tables/{name}.{PROVENANCE}" for name in _tables(graph)]
    found += [f"figures/{name}.{PROVENANCE}" for name in config["figures"]]
    return found


def _tables(graph: Graph) -> list[str]:
    """Tables that are made without measuring: those of deployment have a target of their own."""
    tables = graph.config["tables"].items()
    return [name for name, spec in tables if spec["kind"] != "deployment"]


def _runs(graph: Graph) -> list[Run]:
    """Adapter runs that these tables, or figures, need."""
    needs = [*(graph.needs[name] for name in _tables(graph)), *graph.figure_needs.values()]
    return sorted({run for one in needs for run in one.runs})


def _sets(graph: Graph) -> list[tuple[str, str]]:
    """Languages and sets of data that were read: examples of runs, texts of operations, tables'."""
    found = {(run.language, run.task) for run in _runs(graph)}
    found |= {about for needs in graph.needs.values() for about in needs.sets}
    found |= {(language, "text") for needs in graph.needs.values() for _, language in needs.stores}
    for node in graph.checkpoints:
        found |= set(product(graph.text_languages(node), graph.sets(node)))
    return sorted(found)


def _stores(graph: Graph) -> Iterator[str]:
    """Token stores that operations and tables read: tokenizer's checkpoint, language, set."""
    for node in graph.checkpoints:
        operation = graph.operation(node.variant)
        source = graph.parent(node) if operation == "trim_vocab" else node
        encoded = graph.entry(node.variant).encoded
        for name in (one for one in graph.sets(node) if one in encoded):
            for language in graph.text_languages(node):
                yield f"{graph.tokenizer(source)}/{language}/{name}"
    for needs in graph.needs.values():
        for node, language in needs.stores:
            yield f"{graph.tokenizer(node)}/{language}/text"


# What they hold


def read_run(graph: Graph, results: Path) -> "FinishedRun":
    """Read what there is of a run; raise `UserError` if a file of it is not what it should be."""

    def there(paths: Mapping[Any, str]) -> dict[Any, Path]:
        files = {key: results / path for key, path in paths.items()}
        return {key: file for key, file in files.items() if file.is_file()}

    of_runs = {path: path for paths in records(graph).values() for path in paths}
    csvs = there({name: f"tables/{name}.csv" for name in graph.config["tables"]})
    kinds = {name: block["kind"] for name, block in graph.config["tables"].items()}
    tables = [
        read_table(file, _groups(graph, graph.config["tables"][name]), graph.variants)
        for name, file in sorted(csvs.items(), key=lambda one: kinds[one[0]] != "scores")
        if file.with_suffix(".md").is_file()
    ]
    published: dict[tuple[str, ...], dict[str, float]] = {}
    for file in (file for name, file in csvs.items() if kinds[name] == "scores"):
        for row, numbers in read_published(file, ("model", "row")).items():
            of_row = {
                column.removeprefix("published_"): float(number)
                for column, number in numbers.items()
                if column.startswith("published_")
            }
            if of_row:
                published.setdefault(row, of_row)
    return FinishedRun(
        graph,
        results,
        records=[read_record(file) for file in there(of_runs).values()],
        tables=tables,
        published=published,
        histories={node: _history(file) for node, file in there(histories(graph)).items()},
        overlaps={one: read_overlaps(file) for one, file in there(overlaps(graph)).items()},
        jobs={path: _job(file) for path, file in there({p: p for p in jobs(graph)}).items()},
    )


def _history(file: Path) -> list[HistoryRow]:
    return [
        {name: float(text) if text else None for name, text in row.items()}
        for row in read_history(file)
    ]


def _job(path: Path) -> Provenance:
    """Read a file of provenance, and check what the job says it took."""
    found = read_provenance(path)
    for key in ("seconds", "cpu_seconds", "gpu_joules"):
        value = found.get(key)
        if value is not None and not (type(value) in (int, float) and 0 <= value < LONGEST):
            raise UserError(f"{path}: '{key}' is {value!r}; it must be a number from 0")
    return found


def _groups(graph: Graph, block: Mapping[str, Any]) -> dict[str, str]:
    """How the headings of columns that belong together begin, and what to call the group."""
    languages = {name: about["name"] for name, about in graph.config["languages"].items()}
    columns = (one.get("label", one.get("variant", "")) for one in block.get("columns", []))
    return {name: name for name in columns} | languages


# The run


@dataclass(frozen=True)
class FinishedRun:
    """An experiment and what there is of its results; what is missing is left out.

    Attributes:
        graph: the experiment as configured.
        results: its results folder.
        records: what adapter runs scored.
        tables: the finished tables, those of scores first.
        published: published numbers in the tables of scores: (model, variant) -> column -> value.
        histories: of each trained checkpoint, a row an evaluation.
        overlaps: by language, what its text and training examples hold of evaluation sentences.
        jobs: files of provenance by their path in the results folder.
    """

    graph: Graph
    results: Path
    records: list[Record]
    tables: list[TableView]
    published: Mapping[tuple[str, str], Mapping[str, float]]
    histories: Mapping[Checkpoint, list[HistoryRow]]
    overlaps: Mapping[str, list[Overlap]]
    jobs: Mapping[str, Provenance]

    @cached_property
    def scores(self) -> Mapping[str, str]:
        """By task, the metric shown where it is not the records' own: as in the first table."""
        return shown_scores(self.graph)

    @cached_property
    def cells(self) -> Mapping[Run, Cell]:
        """Scores in percent by model, language, variant and task; runs without scores left out."""
        found = collect([one for one in self.records if _has(one, self.scores)], self.scores)
        return {key: cell for key, cell in found.items() if cell.percent}

    @cached_property
    def chances(self) -> Mapping[tuple[str, str], Fraction]:
        """By language and task, what the most frequent label scores in percent, where known."""
        return {
            (run.language, run.task): cell.chance
            for run, cell in self.cells.items()
            if cell.chance is not None
        }

    @cached_property
    def sizes(self) -> Mapping[tuple[str, str, str], int]:
        """Parameters by model, language and variant; baselines, which have none, left out."""
        return {
            (one["model"], one["language"], one["variant"]): one["parameters"]
            for one in self.records
            if one["parameters"] is not None
        }

    @cached_property
    def models(self) -> list[str]:
        return [m for m in self.graph.config["models"] if any(run.model == m for run in self.cells)]

    @cached_property
    def languages(self) -> list[str]:
        """Languages that anything is scored in, in the order of the configuration."""
        return [
            one for one in self.graph.evaluated if any(run.language == one for run in self.cells)
        ]

    @cached_property
    def variants(self) -> list[str]:
        """Variants that are scored, in the order of the configuration."""
        return [one for one in self.graph.variants if any(run.variant == one for run in self.cells)]

    def tasks(self, language: str) -> list[str]:
        """The tasks that anything is scored on in a language."""
        return [task for task in self.graph.tasks(language) if (language, task) in self._scored]

    @cached_property
    def _scored(self) -> set[tuple[str, str]]:
        return {(run.language, run.task) for run in self.cells}

    def metric(self, task: str) -> str:
        """Return the metric that a task's scores are; '' if nothing is scored on it."""
        return next((cell.metric for run, cell in self.cells.items() if run.task == task), "")

    def model_name(self, model: str) -> str:
        return self.graph.config["models"][model].get("name", model)

    def language_name(self, language: str) -> str:
        return self.graph.config["languages"].get(language, {}).get("name", language)

    def average(self, model: str, variant: str, languages: Sequence[str]) -> Fraction | None:
        """Return the mean score over tasks and languages in percent; None if any is missing."""
        cells = self._cells(model, variant, languages)
        return None if not cells or None in cells else mean(cell.mean for cell in cells)

    def chance(self, languages: Sequence[str]) -> float | None:
        """Return the mean of what the most frequent labels score in percent; None if unknown."""
        levels = [self.chances.get((one, task)) for one in languages for task in self.tasks(one)]
        return None if not levels or None in levels else float(mean(levels))

    @property
    def guess(self) -> str:
        """What scores by chance, in words."""
        return guess(map(self.metric, {task for _, task in self._scored}))

    def deviation(self, model: str, variant: str, languages: Sequence[str]) -> float | None:
        """Return the standard deviation of the averages of seeds; None below two whole seeds."""
        cells = self._cells(model, variant, languages)
        averages = [mean(cell.of_seed(seed) for cell in cells) for seed in common_seeds(cells)]
        return float(stdev(averages)) if len(averages) > 1 else None

    def size(self, model: str, variant: str, languages: Sequence[str]) -> float | None:
        """Return the mean number of parameters over languages; None if any is missing."""
        counts = [self.sizes.get((model, language, variant)) for language in languages]
        return None if not counts or None in counts else mean(counts)

    def references(self, model: str, language: str) -> dict[str, str]:
        """Return, by scored variant, the variant it is measured against.

        One that is its own, and a baseline, is measured against what most others are.
        """
        found = {
            variant: reference(self.graph, self.graph.checkpoint(model, language, variant)).variant
            for variant in self.variants
            if not self.graph.is_baseline(variant)
        }
        others = Counter(found[v] for v in found if found[v] != v)
        main = others.most_common(1)[0][0] if others else None
        return {
            variant: main if main and found.get(variant, variant) == variant else found[variant]
            for variant in self.variants
            if main or variant in found
        }

    def _cells(self, model: str, variant: str, languages: Sequence[str]) -> list[Cell | None]:
        return [
            self.cells.get(Run(model, language, variant, task))
            for language in languages
            for task in self.tasks(language)
        ]


def reference(graph: Graph, node: Checkpoint) -> Checkpoint:
    """Return the whole model behind a checkpoint: itself, if nothing was taken from it.

    That is its teacher's reference; of a checkpoint without a teacher that was made smaller, or
    trained after that, its parent's.
    """
    if teacher := graph.teacher(node):
        return reference(graph, teacher)
    parent = graph.parent(node)
    if parent is None or graph.operation(node.variant) == "scratch":
        return node
    shrinks = any(graph.entry(one.variant).shrinks for one in (node, parent))
    return reference(graph, parent) if shrinks else node


def _has(record: Record, scores: Mapping[str, str]) -> bool:
    """Whether a record has the metric shown: a baseline has none that needs a tokenizer."""
    return record["task"] not in scores or scores[record["task"]] in record["scores"]
