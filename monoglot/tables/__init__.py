"""Tables: each kind is one module of this package that ends in its `KIND`, and is found by that.

A kind owns its keys in the configuration, what it needs of the experiment, what it refuses before
anything runs, what its job is given, and how it is rendered. Planning imports all of them, so that
none imports a heavy library at its top.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.tables.base import Kind, TableBlock

DEFAULT = "scores"
"""The kind of a table that does not name one."""

HEAVY = ("formats",)
"""Modules that are no kind, and too slow to import for planning."""


@cache
def kinds() -> dict[str, "Kind"]:
    """Return the kinds of tables by name, which is that of their module."""
    names = [one.name for one in iter_modules(__path__) if one.name not in HEAVY]
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: module.KIND for name, module in modules.items() if hasattr(module, "KIND")}


def kind_of(name: str) -> "Kind":
    """Return one kind, importing no other; raise `UserError` if it is not known."""
    try:
        return import_module(f"{__name__}.{name}").KIND
    except (ModuleNotFoundError, AttributeError):
        raise UserError(f"kind: {name!r} must be one of {', '.join(kinds())}") from None


def read_block(block: Mapping[str, Any], where: str) -> "TableBlock":
    """Return a table's block of the configuration; raise `UserError` if it does not fit its kind.

    Args:
        where: the key of the block, such as `tables.table1`.
    """
    name = block.get("kind", DEFAULT)
    if name not in [*kinds()]:  # may be no text
        raise UserError(f"{where}.kind: {name!r} must be one of {', '.join(kinds())}")
    return kinds()[name].block.checked(block, where)
