"""The operations: what makes a variant out of its parent. The registry of all of them.

To add one: a module here that defines `OPERATION`, a script and a rule of its name. Nobody lists
it; everything that planning, cards and the report say of an operation follows from its entry.
Planning imports these modules, hence they import torch and its like within functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from monoglot.keys import NO_FLAG, Number, Parameters

Settings = Mapping[str, Any]
Share = Annotated[Number, Field(gt=0, le=1)]
TextOf = Literal["language"] | Annotated[dict[str, Share], Field(min_length=1)]
"""Whose text: `language` (the one at hand), or languages with the share of each."""
LINKS = ("parent", "teacher")
"""Parameters that are names of variants; a script gets the paths of their checkpoints."""


class OfParent(Parameters):
    """Parameters of an operation that has a parent."""

    parent: Annotated[str, NO_FLAG]
    """The variant it is made from."""


@dataclass(frozen=True)
class Operation:
    """What everything else must know of an operation.

    Attributes:
        name: of its module, script and rule.
        parameters: keys of its variants; it has a parent or a teacher if it has such a key.
        done: what it made of its parent, for a card: "fewer layers".
        summary: what it does, in plain words, for the report: "some of the layers kept".
        reads: sets of texts of each language that it reads: `text`, `validation`, `heldout`. They
            are those of `text`, if it has that parameter, else those of the language at hand.
        encoded: those of them that it reads as token ids, under its parent's tokenizer.
        reads_with: returns whether it reads any, from its parameters.
        takes: what it takes of its parent; one that takes its tokenizer alone reads texts only if
            it has no parent.
        new_tokenizer: whether the tokenizer is not its parent's.
        vocabulary: returns how many pieces there are afterwards, from its parameters; None if they
            do not say.
        shape: returns the keys of the shape that it changes, from its parameters, the shape of its
            parent, and the model's family.
        trains: whether it trains with masked LM, beside a `history.csv`.
        asks_head: whether it needs the predictions of its parent, hence a trained head.
        check_variant: raises `UserError` for what a variant cannot be, given its key, what it says
            itself, and that with the defaults of the operation.
        check: raises `UserError` for what a checkpoint cannot be, given its key, its parameters,
            its model's name and its model's block of the configuration, with its parent's shape.
        memory, hours: gigabytes and time of a first attempt on a cluster, with room for the models
            of the paper.
        gpu: whether it runs on a GPU, if there is one.
        local: whether it runs where Snakemake does, as what may need the network.
        checkpoint: whether it makes one; of an alias and a baseline there is none.
        order: where it stands in lists.
    """

    name: str
    parameters: type[Parameters]
    done: str
    summary: str
    reads: tuple[str, ...] = ()
    encoded: tuple[str, ...] = ()
    reads_with: Callable[[Settings], bool] = lambda settings: True
    takes: Literal["weights", "tokenizer"] = "weights"
    new_tokenizer: bool = False
    vocabulary: Callable[[Settings], int | None] = lambda settings: None
    shape: Callable[[Settings, Mapping[str, int], str], Mapping[str, int]] = (
        lambda settings, before, family: {}
    )
    shrinks: bool = False
    trains: bool = False
    asks_head: bool = False
    check_variant: Callable[[str, Settings, Settings], None] = lambda where, own, settings: None
    check: Callable[[str, Settings, str, Mapping], None] = lambda where, settings, name, model: None
    memory: float = 8
    hours: float = 1
    gpu: bool = False
    local: bool = False
    checkpoint: bool = True
    order: int = 100

    @property
    def links(self) -> tuple[str, ...]:
        """The links that it may have."""
        return tuple(link for link in LINKS if link in self.parameters.model_fields)

    def sets(self, has_parent: bool, settings: Settings) -> tuple[str, ...]:
        """Return the sets of texts that it reads."""
        if has_parent and self.takes == "tokenizer":
            return ()
        return self.reads if self.reads_with(settings) else ()

    def text(self, settings: Settings) -> str | dict:
        """Return whose text it reads: `language`, or languages with the share of each."""
        text = self.parameters.model_fields.get("text")
        default = text.default if text else None
        return settings.get("text") or default or "language"


def chosen(value: Any) -> list[Any]:
    """Return what a parameter may be: itself, or what it is by model or language."""
    if not isinstance(value, Mapping):
        return [value]
    choices = (one for one in value.values() if isinstance(one, Mapping))
    return [one for by_name in choices for one in by_name.values()]


class Baseline(Parameters):
    """Parameters of a baseline."""

    method: Literal["majority", "ngrams"]
    """Always the most frequent label, or a linear model on bags of n-grams."""


def _found() -> dict[str, Operation]:
    """Return the entries of this folder's modules, by name and in their order.

    A module is read before it is imported: those without an entry may import torch.
    """
    entries = [
        import_module(f"{__name__}.{file.stem}").OPERATION
        for file in sorted(Path(__file__).parent.glob("*.py"))
        if re.search(r"^OPERATION\b", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    entries += [
        Operation(
            name="alias",
            parameters=OfParent,
            done="the same",
            summary="the same model under another name, scored with other settings",
            checkpoint=False,
            order=101,
        ),
        Operation(
            name="baseline",
            parameters=Baseline,
            done="none",
            summary="a simple method without a neural network, to compare with",
            checkpoint=False,
            order=102,
        ),
    ]
    return {entry.name: entry for entry in sorted(entries, key=lambda one: (one.order, one.name))}


OPERATIONS = _found()
