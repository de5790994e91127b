"""What all kinds of figures share: a block of the configuration, its sources, and rows of numbers.

To add a kind, write a module beside this one: a `FigureBlock` with its keys, a function that makes
the rows of its CSV, one that draws them, and a `FigureKind` of these named `KIND`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from monoglot.errors import UserError
from monoglot.escapes import csv_of, rows_of_csv
from monoglot.keys import Names, Parameters
from monoglot.paths import Checkpoint, Run
from monoglot.tables.base import OutputBlock, Record, Row, parse_block
from monoglot.tables.scores import Cell

if TYPE_CHECKING:
    from monoglot.figures.canvas import Canvas
    from monoglot.graph import Graph
    from monoglot.paths import Paths


class FigureBlock(OutputBlock):
    """The block of a figure. Each kind adds its keys.

    A job is given it whole: with what `whole` lists filled in.
    """

    whole: ClassVar[tuple[str, ...]] = ("models", "languages")
    """What the configuration may leave open, and a job may not: all of them are meant."""

    models: Names | None = None
    """A panel for each; all models by default."""
    languages: Names | None = None
    """A panel for each; all evaluated languages by default."""

    def histories(self, graph: "Graph") -> dict[str, Checkpoint]:
        """Return the checkpoints whose `history.csv` it shows, by `model/language/variant`."""
        return {}

    def teachers(self, graph: "Graph") -> dict[str, Checkpoint]:
        """Return the checkpoints whose text it tells of, by `model/language/variant`."""
        return {}

    def corpora(self, graph: "Graph") -> list[str]:
        """Return the languages whose text it measures."""
        return []

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        tasks = self.tasks_of(graph) if self.is_by_task() else ()
        for language, task in product(self.languages_of(graph), tasks):
            if task not in graph.tasks(language):
                raise UserError(
                    f"{where}: the language '{language}' has no task '{task}'; "
                    "give languages or tasks that go together"
                )

    def inputs(self, graph: "Graph", paths: "Paths") -> list[str]:
        """Return all files that the job reads."""
        sources = self.sources(graph, paths)
        files = [*sources["histories"].values(), *sources["corpora"].values()]
        published = getattr(self, "published", None)
        return self.records(graph, paths) + files + [one for one in (published,) if one]

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        """Return what the job is given: this block, with what it leaves open filled in."""
        return {key: getattr(self, f"{key}_of")(graph) for key in self.whole} | self.given()

    def sources(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        """Return what the block cannot say by itself, see `Sources`."""
        config, histories = graph.config, self.histories(graph).items()
        return {
            "names": {
                **{one: about.get("name", one) for one, about in config["models"].items()},
                **{task: task.upper() for task in config["tasks"]},
                **{one: about["name"] for one, about in config["languages"].items()},
            },
            "histories": {one: f"{paths.checkpoint(node)}/history.csv" for one, node in histories},
            "texts": {one: dict(graph.text(node)) for one, node in self.teachers(graph).items()},
            "corpora": {one: paths.data(one, "text") for one in self.corpora(graph)},
        }

    def runs_of(self, graph: "Graph", variants: Iterable[str], tasks: Iterable[str]) -> list[Run]:
        """Return the runs of variants on tasks in all panels."""
        panels = self.models_of(graph), self.languages_of(graph)
        return sorted({Run(*parts) for parts in product(*panels, variants, tasks)})

    def checkpoints_of(self, graph: "Graph", variants: Iterable[str]) -> dict[str, Checkpoint]:
        """Return the checkpoints of variants in all panels, by `model/language/variant`."""
        panels = self.models_of(graph), self.languages_of(graph)
        return {"/".join(one): graph.checkpoint(*one) for one in product(*panels, variants)}


class Sources(Parameters):
    """What a figure's block cannot say by itself."""

    names: dict[str, str] = {}
    """Names in print of models, languages and tasks; a name that is not there is its own."""
    histories: dict[str, str] = {}
    """Path of `history.csv` by curve, `{model}/{language}/{variant}`."""
    texts: dict[str, dict[str, float]] = {}
    """What a teacher was trained on, by the same name: the share of each language's text."""
    corpora: dict[str, str] = {}
    """Parquet files of text by language, as `read_text` writes them."""

    def name(self, *keys: str) -> str:
        """Return names in print, with commas."""
        return ", ".join(self.names.get(key, key) for key in keys)


class FigureKind(NamedTuple):
    """A kind of figure.

    Attributes:
        block: its keys in the configuration.
        rows: from a block, its sources and records to the rows of its CSV.
        draw: from those rows as read from the CSV, block and sources to the drawing; block and
            sources give labels, scales and names alone.
    """

    block: type[FigureBlock]
    rows: Callable[[Any, Sources, Sequence[Record]], list[Row]]
    draw: Callable[[list[Row], Any, Sources], "Canvas"]


def read_spec(text: str) -> FigureBlock:
    """Read a figure's block from YAML or JSON text, or from the file that `text` names.

    Raises `UserError` if it does not fit its kind, or leaves out models, languages or tasks, which
    only a block in a configuration can do.
    """
    from monoglot.figures import read_block

    block = read_block(_mapping(text, "the figure's spec"), "the figure")
    for key in block.whole:
        if getattr(block, key) is None:
            raise UserError(f"the figure: the key '{key}' is missing")
    return block


def read_sources(text: str) -> Sources:
    """Read sources in the same way; raise `UserError` for an unknown key."""
    what = "the figure's sources"
    return Sources.checked(_mapping(text, what), what)


def _mapping(text: str, what: str) -> dict[str, Any]:
    block = parse_block(text, what)
    if not isinstance(block, dict):
        raise UserError(f"{what}: {block!r} must be a mapping")
    return block


def numbers(spec: FigureBlock, sources: Sources, records: Sequence[Record]) -> str:
    """Return the CSV of a figure: a row a mark, everything that is drawn and nothing else.

    Raises `UserError` if something it needs is missing.
    """
    from monoglot.figures import kind_of

    rows = kind_of(spec.kind).rows(spec, sources, records)
    return csv_of(rows, list(rows[0]))


def drawing(csv: str, spec: FigureBlock, sources: Sources) -> "Canvas":
    """Draw the CSV of a figure."""
    from monoglot.figures import kind_of
    from monoglot.figures.canvas import look

    with look():
        return kind_of(spec.kind).draw(from_csv(csv), spec, sources)


def from_csv(text: str) -> list[Row]:
    """Return the rows of a figure's CSV."""
    return [row for _, row in rows_of_csv(text)[1]]


def distinct(rows: Iterable[Row], *columns: str) -> list[tuple[str, ...]]:
    """Return the different values of some columns, in the order in which they first appear."""
    return list(dict.fromkeys(tuple(row[column] for column in columns) for row in rows))


def where(rows: Iterable[Row], **values: str) -> list[Row]:
    """Return the rows that have these values."""
    return [row for row in rows if all(row[key] == value for key, value in values.items())]


# Scores


def cell_of(cells: Mapping[Run, Cell], *key: str) -> Cell:
    """Return the cell of a run; raise `UserError` if no record is of it."""
    run = Run(*key)
    if run not in cells:
        raise UserError(f"the figure needs records of {run}, but none of them is given")
    return cells[run]


# Checks


def check_labels(where: str, lines: Sequence[Any]) -> None:
    """Raise `UserError` if two lines have the same label."""
    labels = [line.label for line in lines]
    for label in labels:
        if labels.count(label) > 1:
            raise UserError(f"{where}: the label '{label}' appears twice; rename one")


def check_trained(graph: "Graph", nodes: Mapping[str, Checkpoint], where: str) -> None:
    """Raise `UserError` for a checkpoint that no training made."""
    for name, node in nodes.items():
        operation = graph.operation(node.variant)
        if operation != "train":
            raise UserError(
                f"{where}: '{name.split('/')[-1]}' is made by {operation}, which trains nothing; "
                "name a variant of the operation train"
            )
