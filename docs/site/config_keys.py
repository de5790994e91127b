"""The page of all configuration keys, and the JSON Schema; both follow from the classes of keys.

    python docs/site/config_keys.py > docs/keys.md
    python docs/site/config_keys.py --schema > schemas/config.schema.yaml

Every mapping of the schema with keys of its own becomes a section with a row for each key; what
is under names that the user chooses (variants, languages) is written with `NAME`.
"""

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from monoglot.config_schema import schema as config_schema

HEAD = """# All configuration keys

Made by `make docs` from the classes that check a configuration; [Configuration](configuration.md) \
introduces them. A key in **bold** is required. Keys of a variant may be set for all variants of \
its operation under `defaults`."""
KINDS = {
    "operations": ("variants.NAME", "operation"),
    "tables": ("tables.NAME", "kind"),
    "figures": ("figures.NAME", "kind"),
}
"""Definitions that hold a block for each kind: where it is used, and the key that selects one."""
SCHEMA_HEAD = """\
# JSON Schema of a configuration, for editors; made by `make docs` from the classes that check it.
"""
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
    "null": "null",
}

Schema = dict[str, Any]


def page(schema: Schema) -> str:
    """Return the page as Markdown; mappings with the same keys share a section."""
    definitions = schema["$defs"]
    found = list(_sections("", schema, definitions))
    for name, (path, key) in KINDS.items():
        for kind, block in definitions[name].items():
            title = f"`{path}` with `{key}: {kind}`"
            found += _sections(path, block, definitions, title, left_out=("kind",))
    titles: dict[str, list[str]] = {}
    for title, body in found:
        titles.setdefault(body, []).append(title)
    parts = [f"## {', '.join(names)}\n\n{body}" for body, names in titles.items()]
    return "\n\n".join([HEAD, *parts]) + "\n"


def _sections(
    path: str, block: Schema, definitions: Schema, title: str = "", left_out: tuple = ()
) -> Iterator[tuple[str, str]]:
    """Yield title and body for a mapping with keys of its own, then those of mappings in it."""
    block = _resolved(block, definitions)
    keys = {k: v for k, v in block.get("properties", {}).items() if k not in left_out}
    if keys:
        heading = title or (f"`{path}`" if path else "Top level")
        said = [block["description"]] if title and "description" in block else []
        yield heading, "\n\n".join([*said, _table(keys, block, definitions)])
    for key, value in keys.items():
        yield from _sections(f"{path}.{key}".lstrip("."), value, definitions)
    if isinstance(others := block.get("additionalProperties"), dict):
        yield from _sections(f"{path}.NAME", others, definitions)
    for one in (block.get("items"), *block.get("anyOf", [])):
        if isinstance(one, dict):
            yield from _sections(
                f"{path}[]" if one is block.get("items") else path, one, definitions
            )


def _table(keys: Schema, block: Schema, definitions: Schema) -> str:
    rows = ["| key | value | default | what |", "| --- | --- | --- | --- |"]
    for key, value in keys.items():
        value = _resolved(value, definitions)
        name = f"**`{key}`**" if key in block.get("required", ()) else f"`{key}`"
        default = f"`{_yaml(value['default'])}`" if "default" in value else ""
        what = value.get("description", "").replace("|", "\\|")
        rows.append(f"| {name} | {_values(value, definitions)} | {default} | {what} |")
    return "\n".join(rows)


def _values(value: Schema, definitions: Schema) -> str:
    """Say what a key may be set to."""
    if "enum" in value:
        return ", ".join(f"`{_yaml(one)}`" for one in value["enum"])
    if "const" in value:
        return f"`{_yaml(value['const'])}`"
    if "anyOf" in value:
        options = (_values(_resolved(one, definitions), definitions) for one in value["anyOf"])
        return " or ".join(dict.fromkeys(options))
    kinds = value.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds == ["array"] and "items" in value:
        return f"list of {_values(_resolved(value['items'], definitions), definitions)}"
    return " or ".join(WORDS[kind] for kind in kinds) + _range(value)


def _range(value: Schema) -> str:
    signs = {
        "minimum": "at least",
        "exclusiveMinimum": "over",
        "maximum": "at most",
        "exclusiveMaximum": "under",
    }
    limits = [f"{word} {value[key]}" for key, word in signs.items() if key in value]
    return f", {' and '.join(limits)}" if limits else ""


def _resolved(block: Schema, definitions: Schema) -> Schema:
    """Return a block with what it refers to laid under it."""
    if "$ref" not in block:
        return block
    referred = definitions[block["$ref"].removeprefix("#/$defs/")]
    own = {key: value for key, value in block.items() if key != "$ref"}
    return _resolved(referred, definitions) | own


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


class _WithoutAliases(yaml.SafeDumper):
    """Writes what appears twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def schema_file() -> str:
    """Return the JSON Schema as YAML."""
    how = {"sort_keys": False, "allow_unicode": True, "width": 100}
    return SCHEMA_HEAD + yaml.dump(config_schema(), Dumper=_WithoutAliases, **how)


if __name__ == "__main__":
    print(schema_file() if "--schema" in sys.argv else page(config_schema()), end="")
