"""The experiment as a graph of named variants, checked before anything runs."""

from functools import cached_property

from monoglot import figures, tables
from monoglot.checkpoints import SCORED
from monoglot.config import complete, source_of, variant_settings
from monoglot.errors import UserError
from monoglot.figures.blocks import FigureBlock
from monoglot.operations import LINKS, OPERATIONS, Operation
from monoglot.paths import ANY, Checkpoint, Needs, Run
from monoglot.tables.base import TableBlock

# What is refused before anything runs: each fault of an experiment graph in its own words.


def check(graph: "Graph") -> None:
    """Raise `UserError`, naming the key at fault, if the graph cannot be run."""
    _names(graph)
    _links(graph)
    _tasks(graph)
    for table in graph.config["tables"]:
        graph.table(table).check(graph, f"tables.{table}")
    for figure in graph.config["figures"]:
        graph.figure(figure).check(graph, f"figures.{figure}")
    for checkpoint in graph.checkpoints:
        _checkpoint(graph, checkpoint)
    for language in graph.evaluated:
        for task in graph.tasks(language):
            source_of(graph.config, task, language)


def _names(graph: "Graph") -> None:
    if ANY in graph.config["languages"]:
        raise UserError(f"languages.{ANY}: the name '{ANY}' is taken; choose another one")


def _tasks(graph: "Graph") -> None:
    for language in graph.config["languages"]:
        for task in graph.tasks(language):
            if task not in graph.config["tasks"]:
                raise UserError(
                    f"languages.{language}.tasks: '{task}' is not one of the tasks; "
                    f"these are {', '.join(graph.config['tasks'])}"
                )


def _links(graph: "Graph") -> None:
    for name in graph.variants:
        links, entry, own = graph.links(name), graph.entry(name), graph.variants[name]
        for kind, _ in links:
            if kind not in entry.links:
                raise UserError(
                    f"variants.{name}.{kind}: the operation '{entry.name}' has no {kind}; "
                    "remove the key or change the operation"
                )
        for kind in entry.links:
            if kind not in own and entry.parameters.model_fields[kind].is_required():
                raise UserError(f"variants.{name}: the key '{kind}' is missing")
        defaults = graph.config["defaults"].get(entry.name, {})
        entry.check_variant(f"variants.{name}", own, defaults | own)
        for kind, other in links:
            if other not in graph.variants:
                raise UserError(
                    f"variants.{name}.{kind}: there is no variant '{other}'; "
                    f"variants are {', '.join(graph.variants)}"
                )
            if graph.is_baseline(other):
                raise UserError(
                    f"variants.{name}.{kind}: '{other}' is a baseline, which has no checkpoint; "
                    "name another variant"
                )
    done: set[str] = set()
    for name in graph.variants:
        _cycle(graph, name, [], done)


def _cycle(graph: "Graph", name: str, path: list[str], done: set[str]) -> None:
    if name in path:
        circle = " -> ".join([*path[path.index(name) :], name])
        raise UserError(f"variants.{name}: is made from itself ({circle}); break the circle")
    if name not in done:
        for _, other in graph.links(name):
            _cycle(graph, other, [*path, name], done)
        done.add(name)


def _checkpoint(graph: "Graph", checkpoint: "Checkpoint") -> None:
    where = f"variants.{checkpoint.variant}"
    parent, teacher = graph.parent(checkpoint), graph.teacher(checkpoint)
    settings, shape = graph.settings(checkpoint), graph.shape(checkpoint)
    entry, model = graph.entry(checkpoint.variant), graph.config["models"][checkpoint.model]
    if model["family"] not in SCORED:  # what is checked here is in a table or figure
        raise UserError(
            f"models.{checkpoint.model}.family: '{model['family']}' can be made smaller, but not "
            f"scored; in tables and figures it must be one of {', '.join(SCORED)}"
        )
    _supported(graph, checkpoint, where)
    if settings.get("max_length", 0) > shape["max_positions"]:
        raise UserError(
            f"{where}.max_length: {settings['max_length']} is more than the "
            f"{shape['max_positions']} positions of {checkpoint.model}"
        )
    if teacher and graph.tokenizer(teacher) != graph.tokenizer(parent):
        raise UserError(
            f"{where}.teacher: '{teacher.variant}' has the vocabulary of "
            f"'{graph.tokenizer(teacher).variant}', the parent '{parent.variant}' that of "
            f"'{graph.tokenizer(parent).variant}'; a teacher must share the vocabulary"
        )
    for key, value in shape.items():
        if parent and entry.takes == "weights" and value > graph.shape(parent)[key]:
            raise UserError(
                f"{where}: {key} {value} is larger than the parent's {graph.shape(parent)[key]}"
            )
    entry.check(where, settings, checkpoint.model, model)
    if shape["hidden_size"] % shape["heads"]:
        raise UserError(
            f"{where}: hidden size {shape['hidden_size']} cannot be divided by the "
            f"{shape['heads']} attention heads of {checkpoint.model}; choose a multiple"
        )
    for language in graph.text_languages(checkpoint):
        if language not in graph.config["languages"]:
            raise UserError(f"{where}.text: there is no language '{language}'")
        for name in ("text", "validation", "heldout"):
            source_of(graph.config, name, language)


def _supported(graph: "Graph", checkpoint: "Checkpoint", where: str) -> None:
    """Refuse what cannot be done with a masked-LM head that was never trained."""
    asks_head = graph.entry(checkpoint.variant).asks_head
    asked = graph.parent(checkpoint) if asks_head else graph.teacher(checkpoint)
    if asked and not _head_is_trained(graph, asked):
        raise UserError(
            f"{where}: '{asked.variant}' of {asked.model} has an untrained masked-LM head "
            f"(models.{asked.model}.head), so that its predictions mean nothing; train it first"
        )


def _head_is_trained(graph: "Graph", checkpoint: "Checkpoint") -> bool:
    while not graph.entry(checkpoint.variant).trains:
        if graph.parent(checkpoint) is None:
            return graph.config["models"][checkpoint.model]["head"] == "trained"
        checkpoint = graph.parent(checkpoint)
    return True


class Graph:
    """Variants, their parents and teachers, and what tables and figures need of them.

    Raises `UserError` for what `check` refuses.
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
