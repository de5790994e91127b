"""Figures: each kind is one module of this package, `NAME_figure.py`, which ends in its `KIND`.

A kind owns its keys in the configuration, what it needs of the experiment, what it refuses before
anything runs, and how its numbers become a CSV and that CSV, alone, a drawing. Planning imports all
of them, so that none imports a heavy library at its top.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.figures.blocks import FigureBlock, FigureKind


@cache
def kinds() -> dict[str, "FigureKind"]:
    """Return the kinds of figures by name, which is that of their module without `_figure`."""
    found = (one.name for one in iter_modules(__path__))
    names = [name.removesuffix("_figure") for name in found if name.endswith("_figure")]
    return {name: kind_of(name) for name in names}


def kind_of(name: str) -> "FigureKind":
    """Return one kind, importing no other."""
    return import_module(f"{__name__}.{name}_figure").KIND


def read_block(block: Mapping[str, Any], where: str) -> "FigureBlock":
    """Return a figure's block of the configuration; raise `UserError` if it does not fit its kind.

    Args:
        where: the key of the block, such as `figures.figure2`.
    """
    if "kind" not in block:
        raise UserError(f"{where}: the key 'kind' is missing")
    if block["kind"] not in [*kinds()]:  # may be no text
        known = ", ".join(kinds())
        raise UserError(f"{where}.kind: {block['kind']!r} must be one of {known}")
    return kinds()[block["kind"]].block.checked(block, where)
