"""Spoilt configurations: refused by one sentence, or a plan whose every name and number is sane."""

import copy
import math
import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mutations import ODD_VALUES, spoilt_bytes, spoilt_document

from monoglot.config import read
from monoglot.data.download import all_needs
from monoglot.graph import Graph

ROOT = Path(__file__).parents[2]
CONFIGS = ("configs/demo.yaml", "configs/ablations.yaml", "configs/real-small.yaml", "config.yaml")
SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text(encoding="utf-8"))
UNSAFE = set("/\\;$&|`'\"<>(){}*?! \n\r\t\x00")


@cache
def whole(name: str) -> dict:
    """A configuration with what it extends laid below it."""
    config, file = yaml.safe_load((ROOT / name).read_text(encoding="utf-8")), ROOT / name
    while "extends" in config:
        file = file.parent / config["extends"]
        below = yaml.safe_load(file.read_text(encoding="utf-8"))
        above = {key: value for key, value in config.items() if key != "extends"}
        config = extended_over(below, above)
    return config


def extended_over(below: dict, above: dict) -> dict:
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = extended_over(found[key], value) if both else value
        if value is None:
            del found[key]
    return found


def plan(config: Any) -> None:
    """Make the plan of a configuration, and look at all that jobs would be told."""
    graph = Graph(config)
    names = [*graph.config["models"], *graph.config["languages"], *graph.config["tasks"]]
    names += [*graph.variants, *graph.config["tables"], *graph.config["figures"]]
    for name in names:
        assert name[:1] not in ("", ".", "-"), repr(name)
        assert not set(name) & UNSAFE, repr(name)
    told: list[Any] = [graph.settings(node) for node in graph.checkpoints]
    told += [graph.runs, list(all_needs(graph))]
    for number in _numbers(told):
        assert math.isfinite(number), "a number that is none"
    assert graph.config == Graph(copy.deepcopy(graph.config)).config, "another plan of the same"


def value_case(draw: random.Random, folder: Path) -> None:
    """Spoil one or two places of a configuration."""
    plan(spoilt_document(whole(draw.choice(CONFIGS)), draw))


def key_case(draw: random.Random, folder: Path) -> None:
    """Put an odd value to a key that the schema knows, whether the configuration has it or not."""
    config = copy.deepcopy(whole(draw.choice(CONFIGS)))
    operation = draw.choice(sorted(SCHEMA["$defs"]["operations"]))
    places = [
        *((config, key) for key in SCHEMA["properties"]),
        *((config["data"], key) for key in SCHEMA["properties"]["data"]["properties"]),
        *_of_block(config["models"], SCHEMA["properties"]["models"], draw),
        *_of_block(config["languages"], SCHEMA["properties"]["languages"], draw),
        *_of_block(config["tasks"], SCHEMA["properties"]["tasks"], draw),
        *_of_operation(config, operation, draw),
        *_of_kinds(config, draw),
        *_of_sources(config, draw),
    ]
    holder, key = draw.choice(places)
    holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
    plan(config)


def link_case(draw: random.Random, folder: Path) -> None:
    """Make graphs that cannot be: circles, unknown parents, teachers of another vocabulary."""
    config = copy.deepcopy(whole(draw.choice(CONFIGS)))
    names = [*config["variants"], "nobody"]
    for _ in range(draw.randint(1, 3)):
        variant = config["variants"][draw.choice(names[:-1])]
        kind = draw.choice(["parent", "teacher", "operation", "text", "gone"])
        if kind == "operation":
            variant[kind] = draw.choice(sorted(SCHEMA["$defs"]["operations"]))
        elif kind == "text":
            variant[kind] = {draw.choice([*config["languages"], "xx"]): draw.choice([0, 0.5, 1, 2])}
        elif kind == "gone":
            variant.pop(draw.choice(sorted(variant)))
        else:
            variant[kind] = draw.choice(names)
        if "operation" not in variant:
            break
    plan(config)


def file_case(draw: random.Random, folder: Path) -> None:
    """Spoil the bytes of a configuration's file."""
    content = (ROOT / "configs/demo.yaml").read_bytes()
    (folder / "config.yaml").write_bytes(spoilt_bytes(content, draw))
    plan(read(str(folder / "config.yaml"), "--config"))


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for below in value:
            yield from _numbers(below)
    elif isinstance(value, float):
        yield value


def _of_block(block: dict, schema: dict, draw: random.Random) -> list[tuple[dict, str]]:
    about = block[draw.choice(sorted(block))]
    return [(about, key) for key in schema["additionalProperties"]["properties"]]


def _of_operation(config: dict, operation: str, draw: random.Random) -> list[tuple[dict, str]]:
    keys = SCHEMA["$defs"]["operations"][operation]["properties"]
    variants = [v for v in config["variants"].values() if v["operation"] == operation]
    holders = [*variants, config.setdefault("defaults", {}).setdefault(operation, {})]
    return [(draw.choice(holders), key) for key in keys]


def _of_kinds(config: dict, draw: random.Random) -> list[tuple[dict, str]]:
    found = []
    for family in ("tables", "figures"):
        for block in config.get(family, {}).values():
            keys = SCHEMA["$defs"][family][block.get("kind", "scores")]["properties"]
            found.append((block, draw.choice(sorted(keys))))
    return found


def _of_sources(config: dict, draw: random.Random) -> list[tuple[dict, str]]:
    found = []
    for name, block in config["data"].items():
        if not isinstance(block, dict) or name == "invented":
            continue
        known = SCHEMA["properties"]["data"]
        known = known["properties"].get(name, known["additionalProperties"])
        source = block[draw.choice(sorted(block))]
        keys = known["additionalProperties"]["properties"]
        found.append((source, draw.choice(sorted(keys))))
    return found
