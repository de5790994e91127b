"""The experiment as a graph of named variants, checked before anything runs."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from monoglot import figures, tables
from monoglot.checkpoints import stated
from monoglot.config import check_settings, sound, source_of, variant_settings
from monoglot.config_schema import TEXT_SETS
from monoglot.errors import Faults, UserError
from monoglot.evaluate import kind_of
from monoglot.families import FAMILIES
from monoglot.figures.blocks import FigureBlock
from monoglot.operations import LINKS, OPERATIONS, Operation
from monoglot.operations.trim_vocab import SPECIAL_PIECES, usable_pieces
from monoglot.paths import ANY, Checkpoint, Needs, Run
from monoglot.tables.base import TableBlock
from monoglot.training.settings import logits_weight

# What is refused before anything runs: each fault of an experiment graph in its own words. All are
# told at once, as far as one does not follow from another: what has a fault is left out of the
# graph, and so is what hangs on it.


def check(graph: "Graph", faults: Faults) -> None:
    """Raise `UserError`, naming the keys at fault, if the graph cannot be run.

    Args:
        graph: of a configuration without what was found to be at fault.
        faults: those.
    """
    variants = {
        name: {k: v for k, v in own.items() if k not in LINKS or k in graph.entry(name).links}
        for name, own in graph.variants.items()
    }
    if ANY in graph.config["languages"]:
        faults.add(f"languages.{ANY}: the name '{ANY}' is taken; choose another one")
    _tasks(graph, faults)
    with faults.collected():
        _links(graph, faults)
    _others(graph, faults)
    if faults and not graph.evaluated:  # all tables and figures would miss what was left out
        graph.config |= {"tables": {}, "figures": {}}
    named: list[Checkpoint] = []
    for family, block in (("tables", graph.table), ("figures", graph.figure)):
        for name in list(graph.config[family]):
            is_sound = False
            with faults.collected():
                block(name).check(graph, f"{family}.{name}")
                is_sound = True
            if not is_sound:
                named += _named(graph, graph.config[family].pop(name))
    for checkpoint in sorted({*graph.checkpoints, *graph.with_ancestors(named)}):
        with faults.collected():
            _checkpoint(graph, checkpoint, faults)
    with faults.collected():
        for run in graph.runs:
            if not graph.is_baseline(run.variant):
                checkpoint = graph.checkpoint(run.model, run.language, run.variant)
                length = graph.config["tasks"][run.task]["max_length"]
                if fault := _fault_of_length(graph, checkpoint, length):
                    faults.add(f"tasks.{run.task}.max_length: {fault}")
    with faults.collected():
        _widths_of_others(graph, faults)
    for language in graph.evaluated:
        for task in graph.tasks(language):
            with faults.collected():
                _source_of_task(graph, task, language)
    if faults:
        # What tables and figures at fault need was not looked at.
        more = Faults()
        for name in variants:
            with more.collected():
                check_settings(graph.config | {"variants": variants}, name)
        raise UserError(*faults, *more)


def _named(graph: "Graph", block: dict) -> list[Checkpoint]:
    """Return the checkpoints that a table or figure may mean which is at fault itself."""
    names = set(re.findall(r'"([a-z0-9_-]+)"', json.dumps(block)))
    return [
        graph.checkpoint(model, language, variant)
        for model in names & graph.config["models"].keys()
        for variant in names & graph.variants.keys()
        for language in graph.evaluated
        if not graph.is_baseline(variant)
    ]


def _source_of_task(graph: "Graph", task: str, language: str) -> None:
    """Raise `UserError` if a task has no source, or one that is not of its kind."""
    source, kind = source_of(graph.config, task, language), kind_of(graph.config["tasks"][task])
    files = source["files"]
    if set(files) != set(kind.parts):
        key = language if language in graph.config["data"][task] else "default"
        raise UserError(
            f"data.{task}.{key}.files: names {', '.join(files)}; for tasks of the kind "
            f"{kind.default('kind')} it must name {', '.join(kind.parts)}"
        )


def _others(graph: "Graph", faults: Faults) -> None:
    """Check the variants that tasks compare with, and go on without those at fault."""
    for name, task in graph.config["tasks"].items():
        other, key = task.get("targets_from"), f"tasks.{name}.targets_from"
        if not other or (other in graph.variants and not graph.is_baseline(other)):
            continue
        if other in graph.variants:
            faults.add(f"{key}: '{other}' is a baseline, which has no checkpoint; name another")
        else:
            known = ", ".join(graph.variants)
            faults.add(f"{key}: there is no variant '{other}'; variants are {known}")
        del task["targets_from"]


def _widths_of_others(graph: "Graph", faults: Faults) -> None:
    for run in graph.runs:
        if other := graph.other(run):
            own = graph.checkpoint(run.model, run.language, run.variant)
            widths = [graph.shape(node)["hidden_size"] for node in (own, other)]
            if widths[0] != widths[1]:
                faults.add(
                    f"tasks.{run.task}.targets_from: '{other.variant}' makes vectors of "
                    f"{widths[1]} dimensions, '{run.variant}' of {run.model} of {widths[0]}; "
                    "compare with a variant of the same hidden size, or show that one elsewhere"
                )


def _tasks(graph: "Graph", faults: Faults) -> None:
    """Check the tasks that languages name, or whose sentences are left out of a text."""
    config, known = graph.config, graph.config["tasks"]
    named = {f"languages.{one}.tasks": graph.tasks(one) for one in config["languages"]}
    named |= {
        f"data.{name}.{key}.exclude": source.get("exclude", [])
        for name in TEXT_SETS
        for key, source in config["data"][name].items()
    }
    for where, tasks in named.items():
        for task in tasks:
            if task not in known:
                faults.add(
                    f"{where}: '{task}' is not one of the tasks; these are {', '.join(known)}"
                )
    for about in config["languages"].values():
        if "tasks" in about:
            about["tasks"] = [task for task in about["tasks"] if task in known] or list(known)


def _links(graph: "Graph", faults: Faults) -> None:
    """Take variants whose links are at fault out of the graph, with all that are made from them."""
    at_fault = set()
    for name in graph.variants:
        found = Faults()
        found.add(*_faults_of_links(graph, name))
        with found.collected():
            entry, own = graph.entry(name), graph.variants[name]
            settings = graph.config["defaults"].get(entry.name, {}) | own
            entry.check_variant(f"variants.{name}", own, settings)
        if found:
            faults.add(*found)
            at_fault.add(name)
    done: set[str] = set()
    for name in graph.variants:
        if circle := _circle(graph, name, [], done):
            at_fault |= set(circle)
            said = " -> ".join(circle)
            faults.add(f"variants.{circle[0]}: is made from itself ({said}); break the circle")
    while at_fault:
        for name in at_fault:
            graph.variants.pop(name, None)
            faults.leave_out(name)
        at_fault = {
            name
            for name in graph.variants
            for _, other in graph.links(name)
            if other not in graph.variants
        }


def _faults_of_links(graph: "Graph", name: str) -> Iterator[str]:
    links, entry, own = graph.links(name), graph.entry(name), graph.variants[name]
    for kind, other in links:
        if kind not in entry.links:
            yield (
                f"variants.{name}.{kind}: the operation '{entry.name}' has no {kind}; "
                "remove the key or change the operation"
            )
        elif other not in graph.variants:
            yield (
                f"variants.{name}.{kind}: there is no variant '{other}'; "
                f"variants are {', '.join(graph.variants)}"
            )
        elif graph.is_baseline(other):
            yield (
                f"variants.{name}.{kind}: '{other}' is a baseline, which has no checkpoint; "
                "name another variant"
            )
    for kind in entry.links:
        if kind not in own and entry.parameters.model_fields[kind].is_required():
            yield f"variants.{name}: the key '{kind}' is missing"


def _circle(graph: "Graph", name: str, path: list[str], done: set[str]) -> list[str]:
    """Return the variants of a circle, the first one again at its end; none if there is none."""
    if name in path:
        return [*path[path.index(name) :], name]
    if name not in done:
        done.add(name)
        for kind, other in graph.links(name):
            follow = kind in graph.entry(name).links and other in graph.variants
            if follow and (found := _circle(graph, other, [*path, name], done)):
                return found
    return []


def _checkpoint(graph: "Graph", checkpoint: "Checkpoint", faults: Faults) -> None:
    where = f"variants.{checkpoint.variant}"
    entry, model = graph.entry(checkpoint.variant), graph.config["models"][checkpoint.model]
    with faults.collected():
        faults.add(*_faults_of_shape(graph, checkpoint, where))
    with faults.collected():
        faults.add(*_faults_of_vocabulary(graph, checkpoint, where))
    with faults.collected():
        _supported(graph, checkpoint, where)
    with faults.collected():
        block = model | {
            "shape": graph.shape(graph.parent(checkpoint) or checkpoint),
            "embeddings": graph.own_width(checkpoint),
        }
        entry.check(where, graph.settings(checkpoint), checkpoint.model, block)
    with faults.collected():
        for language in graph.text_languages(checkpoint):
            if language not in graph.config["languages"]:
                faults.add(f"{where}.text: there is no language '{language}'")
                continue
            for name in ("text", "validation", "heldout"):
                source_of(graph.config, name, language)


def _faults_of_shape(graph: "Graph", checkpoint: "Checkpoint", where: str) -> Iterator[str]:
    parent, entry = graph.parent(checkpoint), graph.entry(checkpoint.variant)
    settings, shape = graph.settings(checkpoint), graph.shape(checkpoint)
    if fault := _fault_of_length(graph, checkpoint, settings.get("max_length", 0)):
        yield f"{where}.max_length: {fault}"
    for key, value in shape.items():
        if parent and entry.takes == "weights" and value > graph.shape(parent)[key]:
            yield f"{where}: {key} {value} is larger than the parent's {graph.shape(parent)[key]}"
    if shape["hidden_size"] % shape["heads"]:
        yield (
            f"{where}: hidden size {shape['hidden_size']} cannot be divided by the "
            f"{shape['heads']} attention heads of {checkpoint.model}; choose a multiple"
        )
    elif (
        FAMILIES[graph.config["models"][checkpoint.model]["family"]].rotary
        and shape["hidden_size"] // shape["heads"] % 2
    ):
        yield (
            f"{where}: hidden size {shape['hidden_size']} gives each of the {shape['heads']} "
            f"attention heads of {checkpoint.model} an odd width, which its rotary positions do "
            f"not allow; choose a multiple of {2 * shape['heads']}"
        )


def _fault_of_length(graph: "Graph", checkpoint: "Checkpoint", length: int) -> str | None:
    positions = graph.positions(checkpoint)
    if length <= positions:
        return None
    return (
        f"{length} is more than the {positions} positions of {checkpoint.model}; "
        f"give {positions} or fewer"
    )


def _faults_of_vocabulary(graph: "Graph", checkpoint: "Checkpoint", where: str) -> Iterator[str]:
    parent, teacher = graph.parent(checkpoint), graph.teacher(checkpoint)
    if teacher and graph.tokenizer(teacher) != graph.tokenizer(parent):
        yield (
            f"{where}.teacher: '{teacher.variant}' has the vocabulary of "
            f"'{graph.tokenizer(teacher).variant}', the parent '{parent.variant}' that of "
            f"'{graph.tokenizer(parent).variant}'; a teacher must share the vocabulary"
        )
    if parent and graph.entry(checkpoint.variant).new_tokenizer:
        size = graph.settings(checkpoint)["size"]
        most = graph.pieces(parent, size)
        if most is not None and size > most:
            yield (
                f"{where}.size: {size} is more than the {most} pieces that '{parent.variant}' of "
                f"{checkpoint.model} has besides the special tokens; give {most} or fewer"
            )


def _supported(graph: "Graph", checkpoint: "Checkpoint", where: str) -> None:
    """Refuse what cannot be done with a masked-LM head that was never trained."""
    asks_head = graph.entry(checkpoint.variant).asks_head
    asked = graph.parent(checkpoint) if asks_head else graph.teacher(checkpoint)
    if asked and not asks_head and not logits_weight(graph.settings(checkpoint)):
        return  # a teacher whose logits are not asked for
    trained = asked
    while trained and not graph.entry(trained.variant).trains:
        trained = graph.parent(trained)
    if asked and not trained and graph.config["models"][asked.model]["head"] != "trained":
        raise UserError(
            f"{where}: '{asked.variant}' of {asked.model} has an untrained masked-LM head "
            f"(models.{asked.model}.head), so that its predictions mean nothing; train it first"
        )


class Graph:
    """Variants, their parents and teachers, and what tables and figures need of them.

    Raises `UserError` for what `check` refuses.
    """

    def __init__(self, config: dict) -> None:
        self.config, faults = sound(config)
        self._settings: dict[Checkpoint, dict] = {}
        self._is_touched: dict[str, bool] = {}
        self.variants: dict[str, dict] = self.config["variants"]
        check(self, faults)

    @property
    def evaluated(self) -> list[str]:
        """The languages that tables are made for."""
        languages = self.config["languages"]
        return [name for name, about in languages.items() if about["evaluated"]]

    def tasks(self, language: str) -> list[str]:
        """The tasks that a language is evaluated on."""
        return self.config["languages"][language].get("tasks", list(self.config["tasks"]))

    def excluded(self, name: str, language: str) -> list[str]:
        """The tasks of a language whose sentences are left out of a set of its texts."""
        sources = self.config["data"][name]
        unwanted = sources.get(language, sources.get("default", {})).get("exclude", [])
        return [task for task in self.tasks(language) if task in unwanted]

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

    def seeds(self, variant: str, task: str) -> list[int]:
        """The seeds that a variant has records of on a task.

        A baseline draws nothing, nor does a task that nothing is trained for: the first one.
        """
        seeds = self.config["seeds"]
        return seeds if self.is_trained(task) and not self.is_baseline(variant) else seeds[:1]

    def is_trained(self, task: str) -> bool:
        """Whether something is trained for a task; else models are scored on it as they are."""
        return kind_of(self.config["tasks"][task]).trained

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
        has_parent = self.parent(checkpoint) is not None
        return self.entry(checkpoint.variant).sets(has_parent, self.settings(checkpoint))

    def shape(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return layers, hidden_size, heads, ffn_size and max_positions, without loading it."""
        parent, model = self.parent(checkpoint), self.config["models"][checkpoint.model]
        if parent is None:
            return dict(model["shape"])
        before, entry = self.shape(parent), self.entry(checkpoint.variant)
        return before | dict(entry.shape(self.settings(checkpoint), before, model["family"]))

    def first(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint that another one's weights go back to."""
        while (parent := self.parent(checkpoint)) and self.entry(
            checkpoint.variant
        ).takes == "weights":
            checkpoint = parent
        return checkpoint

    def stated(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return what the folder that a checkpoint's weights come from says, see `stated`."""
        folder = self.origin(self.first(checkpoint)).get("folder")
        return stated(folder) if folder else {}

    def positions(self, checkpoint: Checkpoint) -> int:
        """Return the longest input in tokens, also as the folder says that a model comes from."""
        said = self.shape(checkpoint)["max_positions"]
        return min(said, self.stated(checkpoint).get("positions", said))

    def own_width(self, checkpoint: Checkpoint) -> int | None:
        """Return how wide embeddings are, where the folder says that layers are not as wide."""
        width = self.stated(checkpoint).get("embeddings")
        layers = self.config["models"][checkpoint.model]["shape"]["hidden_size"]
        return None if width == layers else width

    def other(self, run: Run) -> Checkpoint | None:
        """Return the checkpoint that a run compares its own with, if its task names a variant."""
        name = self.config["tasks"][run.task].get("targets_from")
        return self.checkpoint(run.model, run.language, name) if name else None

    def pieces(self, checkpoint: Checkpoint, wanted: int) -> int | None:
        """Return how many pieces there are at most, special tokens left out.

        None if that is not known before they are made or downloaded, or if they are far more than
        are `wanted`.
        """
        maker = self.tokenizer(checkpoint)
        model, own = self.config["models"][maker.model], self.settings(maker)
        if (size := self.entry(maker.variant).vocabulary(own)) is not None:
            return size - SPECIAL_PIECES
        place = self.origin(maker).get("folder")
        if "tokenizer" in model and self.operation(maker.variant) == "scratch":
            place = os.path.join(self.config["data"]["root"], model["tokenizer"])
        return usable_pieces(place, model["family"], wanted) if place else None

    def origin(self, checkpoint: Checkpoint) -> dict[str, str]:
        """Return `hub` and `revision`, or `folder`, of a pretrained checkpoint, else nothing.

        They are the variant's own, else the model's.
        """
        if self.operation(checkpoint.variant) != "pretrained":
            return {}
        model = self.config["models"][checkpoint.model]
        return self.settings(checkpoint) or {
            key: model[key] for key in ("hub", "revision", "folder") if key in model
        }

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

    @cached_property
    def runs(self) -> list[Run]:
        """All runs that tables and figures need."""
        return sorted({run for needs in self._all_needs for run in needs.runs})

    @cached_property
    def tested(self) -> dict[str, list[str]]:
        """By language whose own text models are trained on, the tasks they are tested on."""
        trained = {language for node in self.checkpoints for language in self.text_languages(node)}
        tasks = {(run.language, run.task) for run in self.runs}
        return {
            language: found
            for language in self.evaluated
            if language in trained
            and (found := [task for task in self.tasks(language) if (language, task) in tasks])
        }

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints that tables and figures need, ancestors and teachers included."""
        waiting = [
            self.checkpoint(run.model, run.language, run.variant)
            for run in self.runs
            if not self.is_baseline(run.variant)
        ]
        waiting += [other for run in self.runs if (other := self.other(run))]
        for needs in self._all_needs:
            waiting += needs.checkpoints
            waiting += [self.tokenizer(checkpoint) for checkpoint, _ in needs.stores]
        return self.with_ancestors(waiting)

    def with_ancestors(self, nodes: Iterable[Checkpoint]) -> list[Checkpoint]:
        """Return checkpoints and all that they are made from, teachers included."""
        waiting, found = list(nodes), set()
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
            own, entry = self.variants[variant], self.entry(variant)
            settings = self.config["defaults"].get(entry.name, {}) | own
            reads = entry.sets("parent" in own, settings)
            self._is_touched[variant] = bool(
                (reads and entry.text(settings) == "language")
                or any(isinstance(v, dict) and "by_language" in v for v in own.values())
                or any(self._touched(name) for _, name in self.links(variant))
            )
        return self._is_touched[variant]
