"""The nodes of an experiment's plan: checkpoints, adapter runs, and what a table needs of them."""

from dataclasses import dataclass, field

ANY = "any"
"""The language of checkpoints that no language touches."""


@dataclass(frozen=True, order=True)
class Checkpoint:
    """One checkpoint of the plan: a variant for a model and a language, or for `any` language."""

    model: str
    language: str
    variant: str

    def __str__(self) -> str:
        return f"{self.model}/{self.language}/{self.variant}"


@dataclass(frozen=True, order=True)
class Run:
    """The adapters of one variant on one task, all seeds, or a baseline: one folder of records."""

    model: str
    language: str
    variant: str
    task: str

    def __str__(self) -> str:
        return f"{self.model}/{self.language}/{self.variant}/{self.task}"


@dataclass(frozen=True)
class Needs:
    """What the cells of a table are made from.

    Attributes:
        runs: adapter runs whose records it shows.
        checkpoints: checkpoints whose shape it shows.
        stores: checkpoints and languages: the text of the language as tokens of the checkpoint's
            tokenizer.
        sets: languages and sets of data, read from their sources.
    """

    runs: list[Run] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    stores: list[tuple[Checkpoint, str]] = field(default_factory=list)
    sets: list[tuple[str, str]] = field(default_factory=list)
