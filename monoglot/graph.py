"""The experiment as a graph of named variants, checked before anything runs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from monoglot.config import complete, source_of, variant_settings
from monoglot.errors import UserError

ANY = "any"
ROOTS = ("pretrained", "scratch")
MAKES_TOKENIZER = (*ROOTS, "trim_vocab")
TABLE_SCORES = {
    "classification": ("macro_f1", "accuracy"),
    "tagging": ("word_f1", "word_accuracy", "subtoken_f1"),
}


@dataclass(frozen=True, order=True)
class Checkpoint:
    """One checkpoint of the plan: a variant for a model and a language, or for `any` language."""

    model: str
    language: str
    variant: str

    def __str__(self) -> str:
        return f"{self.model}/{self.language}/{self.variant}"


class Graph:
    """Variants, their parents and teachers, and what the tables of a configuration need of them.

    Raises `UserError`, naming the key at fault, for: an unknown parent or teacher, a cycle, a
    teacher with another vocabulary, a size that is larger than the parent's or that the heads do
    not divide, a table that names an unknown model, language, task or variant, a language or task
    without a source.
    """

    def __init__(self, config: dict) -> None:
        self.config = complete(config)
        self._settings: dict[Checkpoint, dict] = {}
        self.variants: dict[str, dict] = self.config["variants"]
        self._check_names()
        self._check_links()
        self._check_metrics()
        for table in self.config["tables"]:
            self._check_table(table)
        for checkpoint in self.checkpoints:
            self._check_checkpoint(checkpoint)
        for language in self.evaluated:
            for task in self.config["tasks"]:
                source_of(self.config, task, language)

    @property
    def evaluated(self) -> list[str]:
        """The languages that tables are made for."""
        languages = self.config["languages"]
        return [name for name, about in languages.items() if about["evaluated"]]

    def operation(self, variant: str) -> str:
        return self.variants[variant]["operation"]

    def of_operation(self, operation: str) -> list[str]:
        """Names of the variants that an operation makes."""
        return [v for v in self.variants if self.operation(v) == operation]

    def settings(self, checkpoint: Checkpoint) -> dict:
        """Return the parameters of a checkpoint's operation, defaults filled in."""
        if checkpoint not in self._settings:
            self._settings[checkpoint] = variant_settings(
                self.config, checkpoint.variant, checkpoint.model, checkpoint.language
            )
        return self._settings[checkpoint]

    def checkpoint(self, model: str, language: str, variant: str) -> Checkpoint:
        """Return the checkpoint of a variant; one that no language touches is kept under `any`."""
        return Checkpoint(model, language if self._touched(variant) else ANY, variant)

    def parent(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return self._link(checkpoint, "parent")

    def teacher(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return self._link(checkpoint, "teacher")

    def tokenizer(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the ancestor (or the checkpoint itself) that made its tokenizer."""
        while self.operation(checkpoint.variant) not in MAKES_TOKENIZER:
            checkpoint = self.parent(checkpoint)
        return checkpoint

    def text(self, checkpoint: Checkpoint) -> dict[str, float]:
        """Return the languages whose text a checkpoint is made from, with the share of each."""
        text = self.settings(checkpoint).get("text", "language")
        return {checkpoint.language: 1.0} if text == "language" else text

    def text_languages(self, checkpoint: Checkpoint) -> list[str]:
        """Return the languages whose text a checkpoint's operation reads, if it reads any."""
        uses_text = ("scratch", "train", "trim_vocab", "prune_ffn")
        if self.operation(checkpoint.variant) not in uses_text:
            return []
        return list(self.text(checkpoint))

    def shape(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return layers, hidden_size, heads, ffn_size and max_positions, without loading it."""
        parent = self.parent(checkpoint)
        if parent is None:
            return dict(self.config["models"][checkpoint.model]["shape"])
        changed = {
            "select_layers": "layers",
            "prune_ffn": "ffn_size",
            "reduce_hidden": "hidden_size",
        }
        shape = self.shape(parent)
        key = changed.get(self.operation(checkpoint.variant))
        if key:
            settings = self.settings(checkpoint)
            shape[key] = settings.get("size", settings.get("layers"))
        return shape

    def table_runs(self, table: str) -> list[tuple[Checkpoint, str, str]]:
        """Return (checkpoint, language, task) of all cells of a table."""
        spec = self.config["tables"][table]
        return [
            (self.checkpoint(spec["model"], language, row["variant"]), language, task)
            for row in spec["rows"]
            for language in spec.get("languages", self.evaluated)
            for task in spec.get("tasks", self.config["tasks"])
        ]

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints that the tables need, ancestors and teachers included."""
        waiting = [run[0] for table in self.config["tables"] for run in self.table_runs(table)]
        found: set[Checkpoint] = set()
        while waiting:
            checkpoint = waiting.pop()
            if checkpoint not in found:
                found.add(checkpoint)
                links = (self.parent(checkpoint), self.teacher(checkpoint))
                waiting.extend(link for link in links if link)
        return sorted(found)

    def _link(self, checkpoint: Checkpoint, kind: str) -> Checkpoint | None:
        if kind not in self.variants[checkpoint.variant]:
            return None
        name = self.settings(checkpoint)[kind]
        return self.checkpoint(checkpoint.model, checkpoint.language, name)

    def _links(self, variant: str) -> list[tuple[str, str]]:
        """(kind, name) of parent and teacher, every alternative of a `by_model` choice."""
        links = []
        for kind in ("parent", "teacher"):
            value = self.variants[variant].get(kind)
            if isinstance(value, dict):
                links += [(kind, name) for choice in value.values() for name in choice.values()]
            elif value is not None:
                links.append((kind, value))
        return links

    def _touched(self, variant: str) -> bool:
        """Whether a variant differs between languages."""
        own = self.variants[variant]
        operation = own["operation"]
        text = (self.config["defaults"].get(operation, {}) | own).get("text", "language")
        return (
            operation in ("trim_vocab", "prune_ffn")
            or (operation == "train" and text == "language")
            or any(isinstance(v, dict) and "by_language" in v for v in own.values())
            or any(self._touched(name) for _, name in self._links(variant))
        )

    def _check_names(self) -> None:
        if ANY in self.config["languages"]:
            raise UserError(f"languages.{ANY}: the name '{ANY}' is taken; choose another one")

    def _check_metrics(self) -> None:
        for name, task in self.config["tasks"].items():
            allowed = TABLE_SCORES[task["kind"]]
            if task["metric"] not in allowed:
                raise UserError(
                    f"tasks.{name}.metric: '{task['metric']}' is not for {task['kind']}; "
                    f"choose one of {', '.join(allowed)}"
                )

    def _check_links(self) -> None:
        for name in self.variants:
            links = self._links(name)
            root = self.operation(name) in ROOTS
            if root and links:
                raise UserError(
                    f"variants.{name}.{links[0][0]}: the operation '{self.operation(name)}' starts "
                    "from nothing; remove the key or change the operation"
                )
            if not root and "parent" not in self.variants[name]:
                raise UserError(f"variants.{name}: the key 'parent' is missing")
            for kind, other in links:
                if other not in self.variants:
                    raise UserError(
                        f"variants.{name}.{kind}: there is no variant '{other}'; "
                        f"variants are {', '.join(self.variants)}"
                    )
        done: set[str] = set()
        for name in self.variants:
            self._check_cycle(name, [], done)

    def _check_cycle(self, name: str, path: list[str], done: set[str]) -> None:
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise UserError(f"variants.{name}: is made from itself ({circle}); break the circle")
        if name not in done:
            for _, other in self._links(name):
                self._check_cycle(other, [*path, name], done)
            done.add(name)

    def _check_table(self, table: str) -> None:
        spec, where = self.config["tables"][table], f"tables.{table}"
        known = {
            "models": ([spec["model"]], self.config["models"]),
            "evaluated languages": (spec.get("languages", []), self.evaluated),
            "tasks": ([*spec.get("tasks", []), *spec["scores"]], self.config["tasks"]),
            "variants": ([row["variant"] for row in spec["rows"]], self.variants),
        }
        if "baseline" in spec:
            known["variants"][0].append(spec["baseline"])
        for kind, (names, allowed) in known.items():
            for name in names:
                if name not in allowed:
                    raise UserError(
                        f"{where}: '{name}' is none of the {kind}; these are {', '.join(allowed)}"
                    )
        for task, score in spec["scores"].items():
            allowed = TABLE_SCORES[self.config["tasks"][task]["kind"]]
            if score not in allowed:
                raise UserError(f"{where}.scores.{task}: '{score}' is none of {', '.join(allowed)}")
        if "published" in spec and not Path(spec["published"]).is_file():
            raise UserError(f"{where}.published: there is no file {spec['published']}")

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        where = f"variants.{checkpoint.variant}"
        parent, teacher = self.parent(checkpoint), self.teacher(checkpoint)
        settings, shape = self.settings(checkpoint), self.shape(checkpoint)
        if self.operation(checkpoint.variant) == "train":
            self._check_training(settings, where)
        if settings.get("max_length", 0) > shape["max_positions"]:
            raise UserError(
                f"{where}.max_length: {settings['max_length']} is more than the "
                f"{shape['max_positions']} positions of {checkpoint.model}"
            )
        if teacher and self.tokenizer(teacher) != self.tokenizer(parent):
            raise UserError(
                f"{where}.teacher: '{teacher.variant}' has the vocabulary of "
                f"'{self.tokenizer(teacher).variant}', the parent '{parent.variant}' that of "
                f"'{self.tokenizer(parent).variant}'; a teacher must share the vocabulary"
            )
        for key, value in shape.items():
            if parent and value > self.shape(parent)[key]:
                raise UserError(
                    f"{where}: {key} {value} is larger than the parent's {self.shape(parent)[key]}"
                )
        if self.operation(checkpoint.variant) == "pretrained":
            self._check_origin(checkpoint, settings)
        if shape["hidden_size"] % shape["heads"]:
            raise UserError(
                f"{where}: hidden size {shape['hidden_size']} cannot be divided by the "
                f"{shape['heads']} attention heads of {checkpoint.model}; choose a multiple"
            )
        for language in self.text_languages(checkpoint):
            if language not in self.config["languages"]:
                raise UserError(f"{where}.text: there is no language '{language}'")
            for name in ("text", "validation", "heldout"):
                source_of(self.config, name, language)

    def _check_origin(self, checkpoint: Checkpoint, settings: dict) -> None:
        model = self.config["models"][checkpoint.model]
        if not {"hub", "folder"} & (model.keys() | settings.keys()):
            raise UserError(
                f"models.{checkpoint.model}: the variant '{checkpoint.variant}' is pretrained, but "
                "the model has neither 'hub' and 'revision' nor 'folder'; add them"
            )

    def _check_training(self, settings: dict, where: str) -> None:
        if ("epochs" in settings) == ("steps" in settings):
            raise UserError(f"{where}: give either 'epochs' or 'steps'")
        if settings.get("loss", "none") == "none" and "teacher" in settings:
            raise UserError(f"{where}: has a teacher but no loss; set loss to mse or kl")
        if settings.get("loss", "none") != "none" and "teacher" not in settings:
            raise UserError(f"{where}: has the loss '{settings['loss']}' but no teacher; name one")
