"""The configuration: checked against the classes of its blocks, with every default filled in."""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import count
from pathlib import Path
from string import Formatter
from types import ModuleType
from typing import Any

import yaml
from pydantic import ValidationError

from monoglot import figures, tables
from monoglot.config_schema import Adapters, Config
from monoglot.errors import Faults, UserError
from monoglot.evaluate import task_block
from monoglot.fingerprint import WORKFLOW
from monoglot.keys import expanded, places, sentences
from monoglot.operations import LINKS, OPERATIONS

# What a schema cannot say of a configuration's values.

SURROGATE = re.compile("[\ud800-\udfff]")
BY = ("by_model", "by_language")
MOST_VALUES = 1_000_000
MOST_LEVELS = 64
TOO_DEEP = (
    f"is nested more than {MOST_LEVELS} levels deep, or holds itself by an alias; write out what "
    "it is meant to hold"
)


def _faults_of_value(value: object, where: str, seen: Iterator[int], level: int) -> Iterator[str]:
    """Yield what is no value of a configuration, wherever it is: each fault begins with its key.

    That is a key that is not text, text that is not Unicode, or a number that is not finite: `.nan`
    is neither below a minimum nor above a maximum, so that every range lets it through. Aliases of
    YAML can stand for more values than there is time for, or for themselves: so many values, and
    so many levels, raise a `UserError`.
    """
    if next(seen) > MOST_VALUES:
        raise UserError(
            f"configuration: holds more than {MOST_VALUES:,} values, aliases written out; "
            "no experiment has so many"
        )
    if level > MOST_LEVELS:
        raise UserError(f"configuration: {TOO_DEEP}")
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str) or SURROGATE.search(key):
                yield f"{where or 'configuration'}: the key {key!r} is not text; put it in quotes"
            path = f"{where}.{key}" if where else str(key)
            yield from _faults_of_value(below, path, seen, level + 1)
    elif isinstance(value, list):
        for below in value:
            yield from _faults_of_value(below, where, seen, level + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: is {value}; it must be a finite number"
    elif isinstance(value, str) and SURROGATE.search(value):
        yield f"{where}: {value!r} holds half a surrogate pair; it must be valid Unicode"
    elif not isinstance(value, str | int | float | None):
        yield f"{where}: is a {type(value).__name__}; put {value} in quotes"


def _written_out(value: object) -> Any:
    """Return a copy in which no block is another one by an alias, and all keys are text.

    So what is at fault in one place can be left out there alone.
    """
    if isinstance(value, dict):
        return {k: _written_out(below) for k, below in value.items() if isinstance(k, str)}
    return [_written_out(below) for below in value] if isinstance(value, list) else value


def _faults_of_choices(key_of: str, variant: Mapping) -> Iterator[str]:
    """Yield which `by_model` and `by_language` of a variant have no values to choose from.

    Those of `parent` and `teacher` must be names.
    """
    for key, value in variant.items():
        where, values = f"{key_of}.{key}", [value]
        if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in BY:
            choices = next(iter(value.values()))
            if not isinstance(choices, dict) or not choices:
                yield f"{where}: {next(iter(value))} must map names to values"
                continue
            values = list(choices.values())
        if key in LINKS and not all(isinstance(one, str) for one in values):
            yield f"{where}: {value!r} must be the name of a variant"


def with_codes(value: object, codes: Mapping[str, str], where: str, language: str) -> object:
    """Return a source with the `{code}`s in its texts, at any depth, replaced by a language's.

    Only plain names stand for something: `{flores.__class__}` and `{flores:>99}` are refused as
    unknown codes are, with a `UserError` that names the key `where`.
    """
    if isinstance(value, dict):
        return {k: with_codes(v, codes, f"{where}.{k}", language) for k, v in value.items()}
    if isinstance(value, list):
        return [with_codes(v, codes, where, language) for v in value]
    if not isinstance(value, str):
        return value

    def code(name: str | None, form: str | None, turn: str | None) -> str:
        if form or turn:
            raise ValueError
        return "" if name is None else codes[name]

    try:
        return "".join(text + code(*field) for text, *field in Formatter().parse(value))
    except (KeyError, ValueError):
        raise UserError(
            f"{where}: '{value}' asks for a code that language '{language}' does not have; "
            f"add it to languages.{language}.codes"
        ) from None


# Configurations that extend another one: `extends: demo.yaml`.
#
# The path is relative to the file that says it. Where there is no such file it is one of the
# workflow's own configurations, so that an experiment in any folder can extend `configs/demo.yaml`.


class UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A safe loader that knows of keys that a mapping has twice, of which YAML keeps the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                name, line = (key.tag, key.value), key.start_mark.line + 1
                if name in seen:
                    lines = f"in lines {seen[name]} and {line}"
                    self.twice.append(f"the key '{key.value}' appears twice, {lines}")
                seen.setdefault(name, line)
        return super().construct_mapping(node, deep)


def _from_yaml(text: str) -> tuple[object, list[str]]:
    """Return what YAML says, and its keys that appear twice."""
    level = 0
    # The loader of libyaml ends the process where its stack does.
    for event in yaml.parse(text, Loader=UniqueKeys):
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            raise RecursionError
    loader = UniqueKeys(text)
    return loader.get_single_data(), loader.twice


def _from_json(text: str) -> tuple[object, list[str]]:
    """Return what JSON says, and its keys that appear twice."""
    twice = []

    def mapping(pairs: list[tuple[str, object]]) -> dict:
        counts = Counter(key for key, _ in pairs)
        twice.extend(f"the key '{key}' appears twice" for key in counts if counts[key] > 1)
        return dict(pairs)

    return json.loads(text, object_pairs_hook=mapping), twice


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
        found = _read(str(file), "--configfile")
        if said is not None and found.get("extends") == said:
            config = config | _seen_from({"extends": said}, os.path.dirname(file))
    return config


def _extended(config: dict, path: list[str]) -> dict:
    for _ in _faults_of_value(config, "", count(1), 0):
        pass  # but for what is too large or too deep to be copied
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
        text = Path(path).read_text(encoding="utf-8-sig")
        config, twice = (_from_json if path.endswith(".json") else _from_yaml)(text)
    except RecursionError:
        raise UserError(f"{key}: {path} cannot be read: it {TOO_DEEP}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{key}: {path} cannot be read ({reason})") from None
    if twice:
        raise UserError(
            *(f"{key}: {path} cannot be read ({one}); keep one of the two" for one in twice)
        )
    if not isinstance(config, dict):
        raise UserError(f"{key}: {path} holds no mapping; name a configuration file")
    return config


def _seen_from(config: dict, folder: str) -> dict:
    """Return `config`, written in `folder`, with `extends` as a path from the current folder."""
    name = config.get("extends")
    if not isinstance(name, str):
        return config
    try:
        path = os.path.normpath(os.path.join(folder, expanded(name)))
    except ValueError as error:
        raise UserError(f"extends: {error}") from None
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


OF_ADAPTERS = tuple(Adapters.model_fields)
"""Keys of a variant that are its adapters' and change no checkpoint."""


def complete(config: dict) -> dict:
    """Return a copy of `config`, on top of what it extends, with defaults filled in.

    Defaults of variants are left to `variant_settings`. Raises `UserError`, naming the keys at
    fault, if it does not fit.
    """
    config, faults = sound(config)
    faults.tell()
    return config


def sound(config: dict) -> tuple[dict, Faults]:
    """Return what `complete` does, but without what is at fault, and the faults.

    So that what does not depend on these can be checked too. Raises `UserError` if too little is
    left for that.
    """
    config, faults = extended(config), Faults()
    for fault in _faults_of_value(config, "", count(1), 0):
        faults.add(fault)
        faults.leave_out(fault.partition(": ")[0])
    config = _fitting(_written_out(config), faults)

    def keep(family: str, check: Callable[[dict, str], dict]) -> None:
        for name, block in list(config[family].items()):
            whole = None
            with faults.collected():
                whole = check(block, f"{family}.{name}")
            if whole is None:
                del config[family][name]
                faults.leave_out(name)
            else:
                config[family][name] = whole

    def variant(block: dict, where: str) -> dict:
        if found := list(_faults_of_choices(where, block)):
            raise UserError(*found)
        return block

    def shown(module: ModuleType) -> Callable[[dict, str], dict]:
        def read_block(block: dict, where: str) -> dict:
            whole = module.read_block(block, where).given()
            return {key: whole[key] for key in [*block, *whole] if key in whole}

        return read_block

    keep("tasks", task_block)
    keep("tables", shown(tables))
    keep("figures", shown(figures))
    keep("variants", variant)
    for task in list(config["tasks"]):
        if task not in config["data"]:
            faults.add(f"data: there is no source for task '{task}'; add data.{task}")
            faults.leave_out(task)
            del config["tasks"][task]
    # Null says something of this one, so that it is not left out.
    config["energy"].setdefault("country", None)
    return config, faults


STAND_INS = {"seeds": [0], "tasks": {}, "tables": {}}
"""What takes the place of blocks at fault that the checks of others can do without."""


def _fitting(config: dict, faults: Faults) -> dict:
    """Return the blocks of a configuration with defaults, but without keys that do not fit.

    A block that cannot do without such a key is left out as well.
    """
    first = None
    while True:
        try:
            return Config.model_validate(config).given()
        except ValidationError as error:
            found = error.errors(include_url=False)
        if first is None:
            first = sentences(found, config, "")
            faults.add(*first)
        if not _remove(config, set(places(found, config)), faults):
            faults.tell()


def _remove(config: dict, at_fault: set[tuple], faults: Faults) -> bool:
    """Remove what is at fault; return whether what is left may be a configuration."""

    def place_of(path: tuple[str | int, ...]) -> tuple:
        # Deep ones first, and of a list the last ones, so that nothing moves.
        return len(path), [f"{key:9}" if isinstance(key, int) else str(key) for key in path]

    for path in sorted(at_fault, key=place_of, reverse=True):
        if not path:
            missing = [name for name in STAND_INS if name not in config]
            config |= {name: STAND_INS[name] for name in missing}
            if not missing:
                return False
            continue
        place = config
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        if len(path) == 2 and path[0] in ("models", "languages", "variants"):
            faults.leave_out(path[1])
    return True


def variant_settings(config: dict, name: str, model: str, language: str) -> dict:
    """Return the parameters of variant `name` for one model and language, with defaults.

    A parameter given as `{by_model: {...}}` or `{by_language: {...}}` takes the value of that
    model or language. Raises `UserError` if a parameter does not fit the operation.
    """
    variant = {k: v for k, v in config["variants"][name].items() if k not in OF_ADAPTERS}
    operation = variant.pop("operation")
    settings = deepcopy(config["defaults"].get(operation, {})) | variant
    where = {"by_model": model, "by_language": language}
    settings = {k: _choose(v, where, f"variants.{name}.{k}") for k, v in settings.items()}
    return OPERATIONS[operation].parameters.checked(settings, f"variants.{name}").given()


def check_settings(config: dict, name: str) -> None:
    """Raise `UserError` for parameters of a variant that fit no model and no language."""
    faults = Faults()
    for model in config["models"]:
        for language in config["languages"]:
            with faults.collected():
                variant_settings(config, name, model, language)
    # Whether a choice lacks a value depends on where the variant is used.
    faults = [fault for fault in faults if ": has no value for '" not in fault]
    if faults:
        raise UserError(*faults)


def reduction_factor(config: dict, variant: str, task: str) -> float:
    """Return the adapter's reduction factor for a variant and a task."""
    own = config["variants"][variant].get("reduction_factor", {})
    if isinstance(own, dict):
        return own.get(task, config["tasks"][task]["reduction_factor"])
    return own


def adapter_settings(config: dict, variant: str, task: str) -> dict:
    """Return what a variant may set of its adapters, for a task: the keys of `OF_ADAPTERS`."""
    own = config["variants"][variant]
    return {
        "reduction_factor": reduction_factor(config, variant, task),
        "label_subtokens": own.get("label_subtokens", config["tasks"][task]["label_subtokens"]),
        "seeds_affect": own.get("seeds_affect", config["seeds_affect"]),
    }


def source_of(config: dict, name: str, language: str) -> dict:
    """Return the source of set `name` (`text`, `validation`, a task, ...) for a language.

    `{code}` in its strings is replaced by the language's code of that name. Raises `UserError` if
    there is no source for the language, or no such code.
    """
    sources = config["data"][name]
    if language not in sources and "default" not in sources:
        raise UserError(f"data.{name}: there is no source for language '{language}'; add one")
    key = language if language in sources else "default"
    source = sources[key]
    if not {"format", "files"} <= source.keys():
        raise UserError(f"data.{name}.{key}: give format and files, and where they come from")
    if {"hub", "url"} <= source.keys():
        raise UserError(f"data.{name}.{key}: has hub and url; files come from one of them")
    codes = {"language": language} | config["languages"][language]["codes"]
    return with_codes(source, codes, f"data.{name}.{key}", language)


def _choose(value: object, where: dict[str, str], key: str) -> object:
    if not (isinstance(value, dict) and len(value) == 1 and next(iter(value)) in BY):
        return value
    by, choices = next(iter(value.items()))
    if not isinstance(choices, dict) or where[by] not in choices:
        raise UserError(f"{key}.{by}: has no value for '{where[by]}'; add one")
    return choices[where[by]]
