"""The experiment as a graph of named variants, checked before anything runs."""

from functools import cached_property

from monoglot import figures, tables
from monoglot.config import complete, source_of, variant_settings
from monoglot.figures.base import FigureBlock
from monoglot.graph_checks import check
from monoglot.nodes import ANY, Checkpoint, Needs, Run
from monoglot.operations import LINKS, OPERATIONS, Operation
from monoglot.tables.base import TableBlock


class Graph:
    """Variants, their parents and teachers, and what tables and figures need of them.

    Raises `UserError` for what `graph_checks` refuses.
    """

    def __init__(self, config: dict) -> None:
        self.config = complete(config)
        self._settings: dict[Checkpoint, dict] = {}
        self._is_touched: dict[str, bool] = {}
        self.variants: dict[str, dict] = self.config["variants"]
        check(self)

    @property
    def evaluated(self) -> list[str]:
        """The languages that tables are made for."""
        languages = self.config["languages"]
        return [name for name, about in languages.items() if about["evaluated"]]

    def tasks(self, language: str) -> list[str]:
        """The tasks that a language is evaluated on."""
        return self.config["languages"][language].get("tasks", list(self.config["tasks"]))

    def operation(self, variant: str) -> str:
        return self.variants[variant]["operation"]

    def entry(self, variant: str) -> Operation:
        """What the registry says of a variant's operation."""
        return OPERATIONS[self.operation(variant)]

    def of_operation(self, operation: str) -> list[str]:
        """Names of the variants that an operation makes."""
        return [v for v in self.variants if self.operation(v) == operation]

    def is_baseline(self, variant: str) -> bool:
        """Whether a variant is scored without an encoder, and so has no checkpoint."""
        return self.operation(variant) == "baseline"

    def seeds(self, variant: str) -> list[int]:
        """The seeds that a variant has a record of; a baseline draws nothing, so the first one."""
        seeds = self.config["seeds"]
        return seeds[:1] if self.is_baseline(variant) else seeds

    def settings(self, checkpoint: Checkpoint) -> dict:
        """Return the parameters of a checkpoint's operation, defaults filled in."""
        if checkpoint not in self._settings:
            self._settings[checkpoint] = variant_settings(
                self.config, checkpoint.variant, checkpoint.model, checkpoint.language
            )
        return self._settings[checkpoint]

    def checkpoint(self, model: str, language: str, variant: str) -> Checkpoint:
        """Return the checkpoint of a variant; one that no language touches is kept under `any`.

        An alias has no checkpoint of its own, but that of its parent.
        """
        while self.operation(variant) == "alias":
            variant = self.settings(Checkpoint(model, language, variant))["parent"]
        return Checkpoint(model, language if self._touched(variant) else ANY, variant)

    def parent(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return self._link(checkpoint, "parent")

    def teacher(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return self._link(checkpoint, "teacher")

    def tokenizer(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the ancestor (or the checkpoint itself) that made its tokenizer."""
        parent = self.parent(checkpoint)
        if parent is None or self.entry(checkpoint.variant).new_tokenizer:
            return checkpoint
        return self.tokenizer(parent)

    def text(self, checkpoint: Checkpoint) -> dict[str, float]:
        """Return the languages whose text a checkpoint is made from, with the share of each."""
        text = self.entry(checkpoint.variant).text(self.settings(checkpoint))
        return {checkpoint.language: 1.0} if text == "language" else text

    def text_languages(self, checkpoint: Checkpoint) -> list[str]:
        """Return the languages whose text a checkpoint's operation reads, if it reads any."""
        return list(self.text(checkpoint)) if self.sets(checkpoint) else []

    def sets(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """Return the sets of texts that a checkpoint's operation reads."""
        return self.entry(checkpoint.variant).sets(self.parent(checkpoint) is not None)

    def shape(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return layers, hidden_size, heads, ffn_size and max_positions, without loading it."""
        parent = self.parent(checkpoint)
        if parent is None:
            return dict(self.config["models"][checkpoint.model]["shape"])
        changed = self.entry(checkpoint.variant).shape(self.settings(checkpoint))
        return self.shape(parent) | dict(changed)

    def source(self, name: str, language: str) -> dict:
        """Return where a set of a language comes from; raise `UserError` if that is not said."""
        return source_of(self.config, name, language)

    def table(self, name: str) -> TableBlock:
        """Return the block of a table."""
        return tables.read_block(self.config["tables"][name], f"tables.{name}")

    def figure(self, name: str) -> FigureBlock:
        """Return the block of a figure."""
        return figures.read_block(self.config["figures"][name], f"figures.{name}")

    @cached_property
    def needs(self) -> dict[str, Needs]:
        """What the cells of each table are made from."""
        return {name: self.table(name).needs(self) for name in self.config["tables"]}

    @cached_property
    def figure_needs(self) -> dict[str, Needs]:
        """What each figure is made from."""
        return {name: self.figure(name).needs(self) for name in self.config["figures"]}

    def table_runs(self, table: str) -> list[Run]:
        """Return the runs that the cells of a table show."""
        return self.needs[table].runs

    @cached_property
    def runs(self) -> list[Run]:
        """All runs that tables and figures need."""
        return sorted({run for needs in self._all_needs for run in needs.runs})

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints that tables and figures need, ancestors and teachers included."""
        waiting = [
            self.checkpoint(run.model, run.language, run.variant)
            for run in self.runs
            if not self.is_baseline(run.variant)
        ]
        for needs in self._all_needs:
            waiting += needs.checkpoints
            waiting += [self.tokenizer(checkpoint) for checkpoint, _ in needs.stores]
        found: set[Checkpoint] = set()
        while waiting:
            checkpoint = waiting.pop()
            if checkpoint not in found:
                found.add(checkpoint)
                links = (self.parent(checkpoint), self.teacher(checkpoint))
                waiting.extend(link for link in links if link)
        return sorted(found)

    @property
    def _all_needs(self) -> list[Needs]:
        return [*self.needs.values(), *self.figure_needs.values()]

    def _link(self, checkpoint: Checkpoint, kind: str) -> Checkpoint | None:
        if kind not in self.variants[checkpoint.variant]:
            return None
        name = self.settings(checkpoint)[kind]
        return self.checkpoint(checkpoint.model, checkpoint.language, name)

    def links(self, variant: str) -> list[tuple[str, str]]:
        """(kind, name) of parent and teacher, every alternative of a `by_model` choice."""
        links = []
        for kind in LINKS:
            value = self.variants[variant].get(kind)
            if isinstance(value, dict):
                links += [(kind, name) for choice in value.values() for name in choice.values()]
            elif value is not None:
                links.append((kind, value))
        return links

    def _touched(self, variant: str) -> bool:
        """Whether a variant differs between languages; each is looked at once."""
        if variant not in self._is_touched:
            self._is_touched[variant] = self._differs(variant)
        return self._is_touched[variant]

    def _differs(self, variant: str) -> bool:
        own, entry = self.variants[variant], self.entry(variant)
        settings = self.config["defaults"].get(entry.name, {}) | own
        reads = entry.sets("parent" in own)
        return bool(
            (reads and entry.text(settings) == "language")
            or any(isinstance(v, dict) and "by_language" in v for v in own.values())
            or any(self._touched(name) for _, name in self.links(variant))
        )
