"""Table 2 of the paper: how much text of each language variants are made from."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from monoglot.errors import UserError
from monoglot.operations import OPERATIONS
from monoglot.paths import ANY, Checkpoint, Needs
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
)

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Paths

BYTES_PER_MEGABYTE = 1_000_000
FROM_TEXT = tuple(name for name, one in OPERATIONS.items() if "text" in one.reads)
"""Operations that take something from the raw text of a language."""


class CorporaTable(TableBlock):
    """Megabytes, documents and tokens that variants are made from (Table 2)."""

    any_language = True

    kind: Literal["corpora"] = "corpora"
    """What the cells are."""
    model: Text
    """Name of a model."""
    languages: TextNames | None = None
    """All evaluated languages by default; others may be named too."""
    columns: Entries[Labelled]
    """Variants that are made from text."""
    tokens: bool = False
    """Count tokens too, as the tokenizer of each variant cuts the text."""

    def needs(self, graph: "Graph") -> Needs:
        stores = [
            (checkpoint, language)
            for column in self.columns
            for language, checkpoint in self.made_from_text(graph, column.variant).items()
        ]
        sets = [(language, "text") for language in self.languages_of(graph)]
        return Needs(stores=stores if self.tokens else [], sets=sets)

    def check(self, graph: "Graph", where: str) -> None:
        super().check(graph, where)
        for language in self.languages_of(graph):
            graph.source("text", language)
        for variant in (column.variant for column in self.columns):
            made = graph.checkpoint(self.model, next(iter(graph.config["languages"])), variant)
            operation = graph.operation(made.variant)
            if operation not in FROM_TEXT or not graph.text_languages(made):
                raise UserError(
                    f"{where}.columns: '{variant}' is made by {operation}, from no text; "
                    f"name a variant of {', '.join(FROM_TEXT)}"
                )

    def spec(self, graph: "Graph", paths: "Paths") -> dict[str, Any]:
        columns = []
        for column in self.columns:
            nodes = self.made_from_text(graph, column.variant)
            more: dict[str, Any] = {"shares": {one: graph.text(n)[one] for one, n in nodes.items()}}
            if self.tokens:
                more["tokens"] = {
                    one: paths.store(graph.tokenizer(node), one, "text")
                    for one, node in nodes.items()
                }
            columns.append(column.given() | more)
        languages = names_of(graph, self.languages_of(graph))
        texts = {language: paths.data(language, "text") for language in languages}
        return self.given() | {"languages": languages, "texts": texts, "columns": columns}

    def made_from_text(self, graph: "Graph", variant: str) -> dict[str, Checkpoint]:
        """Return, by language, the checkpoint that is made from its text.

        A language has none if the variant is not made for it and does not have it in its mixture.
        """
        found = {}
        for language in self.languages_of(graph):
            checkpoint = graph.checkpoint(self.model, language, variant)
            made = checkpoint.language == ANY or language in graph.evaluated
            if made and language in graph.text(checkpoint):
                found[language] = checkpoint
        return found


class TextOfVariant(Labelled):
    """A column with the text that its variant is made from."""

    shares: dict[str, float] = {}
    """By language, how much of its text; a language that is not there is missing."""
    tokens: dict[str, str] | None = None
    """By language, the folder of a token store; None if tokens are not counted."""


class CorporaSpec(CorporaTable):
    """What a table of corpora is made by."""

    languages: Labels
    """What is printed for each language."""
    texts: dict[str, str]
    """By language, the parquet file that `read_text` wrote."""
    columns: Entries[TextOfVariant]


def render(records: Sequence[Record], spec: CorporaSpec) -> Table:
    """Make the table: a row for each language, and two or three columns a variant."""
    from monoglot.data.parquet import read_texts  # imports pyarrow

    rows = []
    for language, label in spec.languages.items():
        path = spec.texts.get(language)
        sizes = [len(text.encode("utf-8")) for text in read_texts(path)] if path else []
        row = {"language": language, "label": label}
        for column in spec.columns:
            row |= _measured(column, language, sizes)
        rows.append(row)
    note = (
        "Text in megabytes (a million bytes of UTF-8), after all limits; of a share, the first "
        "documents."
    )
    columns = []
    for one in spec.columns:
        columns.append(Column(f"{one.variant}_megabytes", "MB", one.label, decimals=0))
        columns.append(Column(f"{one.variant}_documents", "documents", one.label))
        if one.tokens is not None:
            columns.append(Column(f"{one.variant}_tokens", "tokens", one.label))
    return Table(
        spec.caption or "Text of the corpora", note, {"label": "Language"}, tuple(columns), rows
    )


def _first(documents: int, share: float) -> int:
    """Return how many documents a share is: the first ones, at least one."""
    return max(1, round(documents * share))


def _measured(column: TextOfVariant, language: str, sizes: Sequence[int]) -> dict[str, str]:
    name, share = column.variant, column.shares.get(language)
    taken = sizes[: _first(len(sizes), share)] if share else []
    row = {
        f"{name}_megabytes": _megabytes(sum(taken)) if taken else "",
        f"{name}_documents": str(len(taken)) if taken else "",
    }
    if column.tokens is not None:
        store = column.tokens.get(language)
        row[f"{name}_tokens"] = str(_tokens(store, share)) if store and taken else ""
    return row


def _tokens(folder: str, share: float) -> int:
    from monoglot.tokens.store import TokenStore  # imports numpy

    store = TokenStore(folder)
    return int(store.offsets[_first(len(store), share)])


def _megabytes(size: int) -> str:
    """Whole megabytes as in the paper; three significant digits below ten."""
    megabytes = Fraction(size, BYTES_PER_MEGABYTE)
    return fixed(megabytes, 0) if megabytes >= 10 else f"{float(megabytes):#.3g}"


KIND = Kind(CorporaTable, CorporaSpec, render, keys=("language",))
