"""What all kinds of tables share: a block of the configuration, and named columns of texts.

To add a kind, write a module beside this one: a `TableBlock` with its keys, a subclass of that for
what its job is given besides, a function `render`, and a `Kind` of these named `KIND`.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, TypeVar

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from monoglot.errors import UserError
from monoglot.escapes import rows_of_csv
from monoglot.keys import UNIQUE, FilePath, Parameters
from monoglot.paths import Needs, Run

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

MISSING = "–"
AT_CHANCE = "°"
"""Behind a score that is not above chance."""
LARGEST = 10**15
"""No number of a table is larger; 1e9999999 would be printed with all its digits."""

Row = Mapping[str, str]
Record = Mapping[str, Any]
Published = Mapping[tuple[str, ...], Mapping[str, Decimal]]
Entry = TypeVar("Entry", bound=Parameters)


def _line(value: Any) -> Any:
    """Make white space single; JSON's escapes may hold half a surrogate pair, which is refused."""
    if not isinstance(value, str):
        # YAML reads a bare `no` (Norwegian) as false, hence the hint.
        raise PydanticCustomError("not_text", "must be text; put it in quotes")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise PydanticCustomError("not_unicode", "must be valid Unicode") from None
    return " ".join(value.split())


def _text(value: Any) -> Any:
    if not (line := _line(value)):
        raise PydanticCustomError("no_text", "must be text; put it in quotes")
    return line


def _once(entries: list[Entry]) -> list[Entry]:
    """Refuse a row or column that appears twice, under whatever label."""
    seen: list[list[str]] = []
    for entry in entries:
        about = [str(value) for key, value in entry.given().items() if key != "label"]
        if about in seen:
            raise ValueError(f"'{' '.join(about)}' appears twice")
        seen.append(about)
    return entries


Text = Annotated[str, BeforeValidator(_text)]
Caption = Annotated[str, BeforeValidator(_line)]
TextNames = Annotated[list[Text], Field(min_length=1), *UNIQUE]
Labels = Annotated[dict[Text, Text], Field(min_length=1)]
"""What is printed for names."""
Entries = Annotated[list[Entry], Field(min_length=1), AfterValidator(_once)]
"""Rows or columns, each different from the others."""


class Labelled(Parameters):
    """A row or column that shows a variant."""

    variant: Text
    """Name of a variant."""
    label: Text = ""
    """What is printed; the variant's name by default."""

    @model_validator(mode="before")
    @classmethod
    def _labelled(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "variant" in values and "label" not in values:
            return {**values, "label": values["variant"]}
        return values


class LabelledOfModel(Labelled):
    """One that may be of another model than the table's."""

    model: Text | None = None
    """Its model, if not the table's."""


NAMED = {
    "model": "models",
    "models": "models",
    "languages": "languages",
    "task": "tasks",
    "tasks": "tasks",
    "scores": "tasks",
    "variant": "variants",
    "baseline": "variants",
    "teacher": "variants",
    "student": "variants",
}
"""What the keys of a block name, or those of its rows, columns, lines and points."""


class OutputBlock(Parameters):
    """The block of a table or figure in the configuration. Each kind adds its keys."""

    any_language: ClassVar[bool] = False
    """Whether it may show languages that nothing is evaluated in."""

    caption: Caption = ""
    """Title."""

    def needs(self, graph: "Graph") -> Needs:
        """Return what it is made from."""
        return Needs()

    def check(self, graph: "Graph", where: str) -> None:
        """Raise `UserError`, naming the key at fault, if it asks for what there is not.

        Args:
            where: the key of the block, such as `tables.table1`.
        """
        known = {kind: (kind, graph.config[kind]) for kind in ("models", "languages", "tasks")}
        known["variants"] = "variants", graph.variants
        if not self.any_language:
            known["languages"] = "evaluated languages", graph.evaluated
        faults = []
        for key in type(self).model_fields:
            for kind, name in _named(key, getattr(self, key)):
                what, names = known[kind]
                faults += unknown(f"{where}.{key}", what, [name], names)
        if faults:
            raise UserError(*dict.fromkeys(faults))
        for task, score in getattr(self, "scores", {}).items():
            _check_score(graph, f"{where}.scores.{task}", task, score)
        if getattr(self, "score", None):
            _check_score(graph, f"{where}.score", self.task, self.score)
        published = getattr(self, "published", None)
        if published is not None and not os.path.isfile(published):
            raise UserError(f"{where}.published: there is no file {published}")

    def records(self, graph: "Graph", paths: "Paths") -> list[str]:
        """Return the records that the job reads, by default those of all runs it needs."""
        return [
            file
            for run in self.needs(graph).runs
            for file in paths.records(run, graph.seeds(run.variant, run.task))
        ]

    def models_of(self, graph: "Graph") -> list[str]:
        return self.models or list(graph.config["models"])

    def languages_of(self, graph: "Graph") -> list[str]:
        return self.languages or graph.evaluated

    def tasks_of(self, graph: "Graph") -> list[str]:
        """Return the block's `tasks`, all by default, or its `task`."""
        if "task" in type(self).model_fields:
            return [self.task]
        return self.tasks or list(graph.config["tasks"])

    def is_by_task(self) -> bool:
        """Whether it shows tasks of languages."""
        keys = type(self).model_fields.keys()
        return "languages" in keys and not keys.isdisjoint(("task", "tasks"))


def _named(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield what a value of a block names, and the name: models, languages, tasks or variants."""
    if isinstance(value, Parameters):
        for name in type(value).model_fields:
            yield from _named(name, getattr(value, name))
    elif isinstance(value, str):
        if key in NAMED:
            yield NAMED[key], value
    elif isinstance(value, Iterable):
        for one in value:
            yield from _named(key, one)


class TableBlock(OutputBlock):
    """The block of a table.

    What a job is given (`--spec`) is a subclass, in which all that the configuration leaves open is
    filled in.
    """

    target: ClassVar[str] = "tables"
    """The target that makes tables of this kind."""

    published: FilePath | None = None
    """CSV file with published values to show beside ours."""

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        if self.is_by_task() and not any(
            task in graph.tasks(language)
            for language in self.languages_of(graph)
            for task in self.tasks_of(graph)
        ):
            raise UserError(f"{where}: none of its languages is evaluated on one of its tasks")
        for run in self.needs(graph).runs:
            metric = graph.config["tasks"][run.task]["metric"]
            if not graph.is_baseline(run.variant):
                continue
            graph.settings(graph.checkpoint(run.model, run.language, run.variant))
            if not graph.is_trained(run.task):
                raise UserError(
                    f"{where}: '{run.variant}' is a baseline, which has nothing to do in the task "
                    f"'{run.task}': it learns from labelled examples; name the table's `tasks` "
                    "without it"
                )
            if metric.startswith("subtoken_"):
                raise UserError(
                    f"tasks.{run.task}.metric: '{metric}' needs a tokenizer, which '{run.variant}' "
                    f"of {where} does not have; take a score of words, and show '{metric}' by the "
                    "key 'scores' of the tables that want it"
                )

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        """Return what the job is given: this block, with what it leaves open filled in."""
        return self.given()

    def inputs(self, graph: "Graph", paths: "Paths") -> list[str]:
        """Return all files that the job reads."""
        from monoglot.tokens.store import FILES  # imports numpy

        needs = self.needs(graph)
        files = self.records(graph, paths) + [paths.data(*one) for one in needs.sets]
        files += [f"{paths.checkpoint(node)}/config.json" for node in needs.checkpoints]
        stores = [paths.store(graph.tokenizer(node), one, "text") for node, one in needs.stores]
        files += [f"{store}/{name}" for store in stores for name in FILES]
        return files + [file for file in (self.published,) if file]

    def is_made(self, graph: "Graph", target: str) -> bool:
        """Whether a target makes this table."""
        return target == self.target

    def files(self) -> Iterable[Path]:
        """Return the files and folders that the job is told of, for its provenance."""
        return files_in(self.given())


class Kind(NamedTuple):
    """A kind of table.

    Attributes:
        block: its keys in the configuration.
        spec: what its job is given.
        render: makes the table from records (none where it is made from other things) and a spec.
        keys: the columns that identify a row, by which published numbers are found.
    """

    block: type[TableBlock]
    spec: type[TableBlock]
    render: Callable[[Sequence[Record], Any], "Table"]
    keys: tuple[str, ...] = ("row",)


def parse_block(source: str, what: str = "the table's spec") -> Any:
    """Return a block from YAML or JSON text, or from the file that `source` names."""
    try:
        block = _parsed(source)
        if isinstance(block, str):
            block = _parsed(Path(block).read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{what} is neither YAML nor a file of it: {reason}") from None
    return block


def _parsed(text: str) -> Any:
    """Return what YAML or JSON text holds; of JSON, YAML refuses some characters of labels."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return yaml.safe_load(text)


def files_in(block: Any) -> Iterator[Path]:
    """Yield the files that a block's texts name, wherever they are in it."""
    if isinstance(block, Mapping):
        block = block.values()
    if isinstance(block, str):
        # A label may be too long for the name of a file; then it is none.
        with suppress(OSError):
            if Path(block).exists():
                yield Path(block)
    elif isinstance(block, Iterable):
        for one in block:
            yield from files_in(one)


# Checks of tables and figures


def unknown(where: str, what: str, names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return a sentence for each name that is not among those known."""
    return [
        f"{where}: '{name}' is not one of the {what}; these are {', '.join(known)}"
        for name in names
        if name not in known
    ]


def _check_score(graph: "Graph", where: str, task: str, score: str) -> None:
    """Raise `UserError` if a task has no metric of that name."""
    from monoglot.evaluate import metrics_of

    allowed = metrics_of(graph.config["tasks"][task])
    if score not in allowed:
        raise UserError(f"{where}: '{score}' is not one of {', '.join(allowed)}")


def runs_of(graph: "Graph", cells: Iterable[tuple[str, str, str, str]]) -> list[Run]:
    """Return runs by model, language, variant and task, but for tasks that a language lacks."""
    return [run for run in starmap(Run, cells) if run.task in graph.tasks(run.language)]


def names_of(graph: "Graph", languages: Iterable[str]) -> dict[str, str]:
    """Return the names of languages in print."""
    return {one: graph.config["languages"][one]["name"] for one in languages}


# Finished tables


@dataclass(frozen=True)
class Column:
    """A column of numbers: its name in the CSV and its heading, which may be below a group's.

    `decimals` is how many published numbers are shown with; None leaves them as they are.
    """

    name: str
    head: str
    group: str = ""
    decimals: int | None = None
    unit: str = ""

    @property
    def title(self) -> str:
        """The heading with its group, for forms that have one line of headings."""
        return f"{self.group} {self.head}".strip()


@dataclass(frozen=True)
class Table:
    """Rows of texts by column name; a missing number is an empty text.

    `labels` are the columns of text on the left with their headings, `columns` those of numbers
    that Markdown and LaTeX show. Rows may hold more, which only the CSV has: what identifies a row,
    `{column}_std`, `{column}_low` and `{column}_high` (which Markdown shows in blocks of their
    own), `{column}_chance`, and, of a table with published numbers, `published_{column}` and
    `difference_{column}`. `note` says what the cells are.
    """

    caption: str
    note: str
    labels: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: list[dict[str, str]]


def shown(row: Row, name: str, unit: str = "") -> str:
    """Return a number with its unit and with commas from 10,000 on; a dash where it is missing.

    A score that is not above chance has a mark.
    """
    if not row[name]:
        return MISSING
    commas = re.sub(r"^([+-]?)(\d{5,})", lambda m: f"{m[1]}{int(m[2]):,}", row[name])
    return commas + unit + (AT_CHANCE if at_chance(row, name) else "")


def at_chance(row: Row, name: str) -> bool:
    """Whether a score is not above what always giving the most frequent label scores."""
    with suppress(ValueError):  # a table of somebody else
        chance = row.get(f"{name}_chance")
        return bool(row[name] and chance) and float(row[name]) <= float(chance)
    return False


def fixed(value: Fraction | float | None, decimals: int) -> str:
    """Return a number with its decimals; an empty text for None, which is a missing number."""
    return "" if value is None else f"{float(value):.{decimals}f}"


def millions(count: Fraction | float | None) -> str:
    """Whole millions as in the paper; three significant digits below ten million."""
    if count is None:
        return ""
    number = float(count / 10**6)
    return f"{number:.0f}" if number >= 10 else f"{number:#.3g}"


# Published numbers


def read_published(path: str | Path, keys: Sequence[str]) -> Published:
    """Read published numbers: values of `keys` -> column -> number, empty cells left out.

    Raises `UserError` if a column of `keys` is missing, a row appears twice, or a cell of another
    column than `label` is not a number.
    """
    try:
        columns, rows = rows_of_csv(Path(path).read_bytes().decode("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a CSV file ({error})") from None
    if missing := [name for name in keys if rows and name not in columns]:
        raise UserError(f"{path}: there is no column '{missing[0]}'")
    published: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for number, entry in rows:
        where, key = f"{path}, line {number}", tuple(entry.pop(name) for name in keys)
        if key in published:
            raise UserError(f"{where}: the row of {' '.join(key)} appears twice")
        published[key] = _numbers(entry, where)
    return published


def compared(table: Table, path: str | Path | None, keys: Sequence[str]) -> Table:
    """Return the table with published numbers beside its own, found by the columns `keys`.

    `published_{column}` and `difference_{column}` (ours minus theirs) are added for every numeric
    column. The difference is that of the two numbers as shown, so that readers can check it.
    Without a path the table stays as it is.
    """
    if path is None:
        return table
    published = read_published(path, keys)
    rows = []
    for row in table.rows:
        theirs = published.get(tuple(row[key] for key in keys), {})
        for column in table.columns:
            row = row | _beside(column, row[column.name], theirs.get(column.name))
        rows.append(row)
    return replace(table, rows=rows)


def _beside(column: Column, ours: str, theirs: Decimal | None) -> dict[str, str]:
    value, difference = "", ""
    if theirs is not None:
        value = f"{theirs:f}" if column.decimals is None else f"{theirs:.{column.decimals}f}"
    if value and ours:
        gap = Decimal(ours) - Decimal(value)
        if column.decimals is not None:
            gap = round(gap, column.decimals)
        # Adding zero turns -0 into 0.
        difference = f"{gap + 0:+f}"
    return {f"published_{column.name}": value, f"difference_{column.name}": difference}


def _numbers(entry: Mapping[str, str], where: str) -> dict[str, Decimal]:
    numbers = {}
    for column, text in entry.items():
        if column == "label" or not text:
            continue
        try:
            numbers[column] = Decimal(text)
        except (TypeError, ValueError, InvalidOperation):
            raise UserError(f"{where}, column {column}: {text!r} is not a number") from None
        if not numbers[column].is_finite() or abs(numbers[column]) > LARGEST:
            raise UserError(f"{where}, column {column}: {text!r} is not a number")
    return numbers
