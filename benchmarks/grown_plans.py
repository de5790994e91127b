"""A plan several times over: more languages, more variants or more tasks."""

from collections.abc import Callable
from copy import deepcopy

LINKS = ("parent", "teacher")


def grown(config: dict, by: str, times: int) -> dict:
    """Return a configuration with `times` as many languages, variants or tasks as `config`.

    The copies of `mt` are called `mt-2`, `mt-3` and so on; they are read, made, scored and shown
    as the first.
    """
    grown = deepcopy(config)
    for number in range(2, times + 1):
        GROW[by](grown, config, f"-{number}")
    return grown


def _languages(grown: dict, config: dict, end: str) -> None:
    for name, about in config["languages"].items():
        grown["languages"][name + end] = about
        for block, sources in config["data"].items():
            if isinstance(sources, dict) and name in sources:
                grown["data"][block][name + end] = sources[name]


def _variants(grown: dict, config: dict, end: str) -> None:
    for name, about in config["variants"].items():
        links = {link: about[link] + end for link in LINKS if link in about}
        grown["variants"][name + end] = about | links
    for name, table in config["tables"].items():
        if "rows" in table:
            rows = [row | {"variant": row["variant"] + end} for row in table["rows"]]
            grown["tables"][name]["rows"] = [*grown["tables"][name]["rows"], *rows]


def _tasks(grown: dict, config: dict, end: str) -> None:
    for name, about in config["tasks"].items():
        grown["tasks"][name + end] = about
        grown["data"][name + end] = config["data"][name]


GROW: dict[str, Callable[[dict, dict, str], None]] = {
    "languages": _languages,
    "variants": _variants,
    "tasks": _tasks,
}
