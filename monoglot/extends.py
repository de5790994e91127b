"""Configurations that extend another one: `extends: demo.yaml`.

The path is relative to the file that says it. Where there is no such file it is one of the
workflow's own configurations, so that an experiment in any folder can extend `configs/demo.yaml`.
"""

import os
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import yaml

from monoglot.errors import UserError
from monoglot.fingerprint import WORKFLOW


class UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A safe loader that refuses a mapping with a key twice, of which YAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key '{key.value}' appears twice", key.start_mark
                    )
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def extended(config: dict) -> dict:
    """Return `config` laid over the file that its key `extends` names, if it has one.

    Mappings are merged key by key, every other value replaces the one below it, and `null` takes a
    key away. The file may extend another one. A relative path is seen from the current folder.
    Raises `UserError` if a file is missing, is no mapping, or extends itself.
    """
    return _extended(_seen_from(config, "."), [])


def merged_from(config: dict, files: Iterable[str | Path]) -> dict:
    """Return `config`, which Snakemake merged from `files`, with `extends` seen from its own file.

    Raises `UserError` for a key that appears twice in a file, of which Snakemake takes the last.
    """
    said = config.get("extends")
    for file in files:
        if not str(file).endswith(".json"):  # which the loader of YAML may refuse
            found = _read(str(file), "--configfile")
            if said is not None and found.get("extends") == said:
                config = config | _seen_from({"extends": said}, os.path.dirname(file))
    return config


def _extended(config: dict, path: list[str]) -> dict:
    config = deepcopy(config)
    below = config.pop("extends", None)
    if below is None:
        return config
    if not isinstance(below, str):
        raise UserError(f"extends: {below!r} must be the path of one configuration file")
    if below in path:
        raise UserError(f"extends: {' -> '.join([*path, below])} is a circle; break it")
    return _laid_over(_extended(read(below, "extends"), [*path, below]), config)


def read(path: str, key: str) -> dict:
    """Return the mapping of a configuration file; `key` says where its path was given.

    What it `extends` is named so that it is found from the current folder. Raises `UserError` if
    the file cannot be read, holds something else, or a key twice.
    """
    return _seen_from(_read(path, key), os.path.dirname(path))


def _read(path: str, key: str) -> dict:
    try:
        config = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=UniqueKeys)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{key}: {path} cannot be read ({reason})") from None
    if not isinstance(config, dict):
        raise UserError(f"{key}: {path} holds no mapping; name a configuration file")
    return config


def _seen_from(config: dict, folder: str) -> dict:
    """Return `config`, written in `folder`, with `extends` as a path from the current folder."""
    name = config.get("extends")
    if not isinstance(name, str):
        return config
    path = os.path.normpath(os.path.join(folder, name))
    if not os.path.isfile(path) and (WORKFLOW / name).is_file():
        path = str(WORKFLOW / name)
    return config | {"extends": path}


def _laid_over(below: dict, above: dict) -> dict:
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged
