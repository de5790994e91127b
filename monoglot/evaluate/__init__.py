"""Training on tasks and scoring; the registry of the kinds of task.

To add a kind of task: a module here that defines `TASK`, a subclass of `TrainedTask` if adapters
are trained for it, else of `VectorTask`. Nobody lists it; the configuration, the flags of scripts,
the reading of data, records and cards follow from it.
Planning imports these modules, hence they import torch and its like inside their methods.
"""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from copy import copy
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import Field, create_model
from pydantic_core import PydanticUndefined

from monoglot.errors import Faults, UserError
from monoglot.evaluate.metrics import METRICS
from monoglot.evaluate.task import Task, TrainedTask, TuningKeys, key_of
from monoglot.keys import Count, Parameters, add_flags, json_schema

REQUIRED = ("kind", "metric", "learning_rate", "batch_size", "epochs", "max_length")
"""Keys that the configuration must give: scripts have defaults for them, a table of results no."""


def _found() -> dict[str, type[Task]]:
    """Return the entries of this folder's modules, by kind.

    A module is read before it is imported: those without an entry may import torch.
    """
    entries = [
        import_module(f"{__name__}.{file.stem}").TASK
        for file in sorted(Path(__file__).parent.glob("*.py"))
        if re.search(r"^TASK\b", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    return {entry.model_fields["kind"].default: entry for entry in entries}


KINDS: dict[str, type[Task]] = _found()
"""Kinds of task by name."""


LIMIT = "At most this many examples of a split, evenly spread over it."


class SplitLimits(Parameters):
    """How many examples of a split are kept, evenly spread over it."""

    train: Count | None = None
    """Training examples."""
    dev: Count | None = None
    """Validation examples."""
    test: Count | None = None
    """Test examples."""


@cache
def block_class(kind: str) -> type[Task]:
    """Return the class of a kind's blocks in the configuration.

    They say how checkpoints are tuned on it as well, if they are.
    """
    fields: dict[str, Any] = {"limit": (SplitLimits, Field(SplitLimits(), description=LIMIT))}
    bases = (TuningKeys, KINDS[kind]) if KINDS[kind].trained else (KINDS[kind],)
    for cls in reversed(bases):
        for name, field in cls.model_fields.items():
            if name in REQUIRED:
                needed = copy(field)
                needed.default = PydanticUndefined
                fields[name] = (field.annotation, needed)
    return create_model(f"{kind.title()}Block", __base__=bases, **fields)


def task_schema() -> dict[str, Any]:
    """Return the JSON Schema of blocks of `tasks`: the keys of all kinds together.

    Which of them a kind has, `task_block` checks.
    """
    properties = dict(json_schema(TrainedTask)["properties"])
    blocks = [json_schema(block_class(kind)) for kind in KINDS]
    for block in blocks:
        properties = block["properties"] | properties
    properties["kind"] |= {"enum": list(KINDS)}
    properties["metric"] |= {"enum": list(METRICS)}
    needed = [key for key in blocks[0]["required"] if all(key in b["required"] for b in blocks)]
    return blocks[0] | {"properties": properties, "required": needed}


def kind_of(about: Mapping[str, Any], where: str = "") -> type[Task]:
    """Return the class of the kind that a block names.

    Raises `UserError` if it names none of them; `where` is the key of the block.
    """
    kind = about.get("kind")
    if kind not in KINDS:
        raise UserError(f"{key_of(where, 'kind')}: {kind!r} must be one of {', '.join(KINDS)}")
    return KINDS[kind]


def task_block(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a block of the configuration's `tasks` with defaults filled in, here and below.

    Raises `UserError`, naming the key below `where`, if it does not fit.
    """
    if "kind" not in block:
        raise UserError(f"{where}: the key 'kind' is missing")
    kind, faults = kind_of(block, where).model_fields["kind"].default, Faults()
    with faults.collected():
        checked = block_class(kind).checked(block, where)
    with faults.collected():  # what it says of its tuning may be wrong besides
        make_task("", block, where)
    faults.tell()
    return checked.model_dump() | {"limit": checked.limit.given()}


def make_task(name: str, about: Mapping[str, Any], where: str = "") -> Task:
    """Return the task that a mapping describes: a block of the configuration, or a record's.

    Keys that are not of its kind are left aside. Raises `UserError` if one of its own does not fit;
    `where` is the key of the block.
    """
    cls = kind_of(about, where)
    own = {key: about[key] for key in cls.model_fields if about.get(key) is not None}
    task = cls.checked(own, where).named(name)
    task.check(where)
    return task


def own_keys(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a block of the configuration says of the task itself, not of its tuning."""
    return {key: block[key] for key in kind_of(block).model_fields}


def metrics_of(block: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics of a task of the configuration."""
    return make_task("", {**block, "metric": None}).metrics


def add_name_flags(parser: ArgumentParser) -> None:
    """Add `--model`, `--language`, `--variant` and `--task`, by which a record is found."""
    for name in ("model", "language", "variant", "task"):
        parser.add_argument(f"--{name}", required=True, help=f"name of the {name}, for the record")


def add_task_flags(
    parser: ArgumentParser, trained: bool | None = None, scored: bool = True
) -> None:
    """Add `--kind` and the flags of all kinds; without `scored`, no metric.

    With `trained`, only of the kinds that something is, or is not, trained for.
    """
    kinds = {name: one for name, one in KINDS.items() if trained in (None, one.trained)}
    add = parser.add_argument
    add("--kind", choices=list(kinds), required=True, help="what is asked of a model")
    added = {"kind"} if scored else {"kind", "metric"}
    for cls in (Task, *([] if trained is False else [TrainedTask]), *kinds.values()):
        add_flags(parser, cls, without=added, required=False)  # kinds differ
        added |= cls.model_fields.keys()


def task_from_flags(arguments: Namespace, name: str = "", scored: bool = True) -> Task:
    """Return the task that flags describe; raise `UserError` if one does not fit its kind."""
    about = vars(arguments)
    if scored and not about["metric"]:
        raise UserError(f"metric: is missing; choose one of {', '.join(metrics_of(about))}")
    return make_task(name, about if scored else {**about, "metric": None})
