"""Blocks of tables and figures by the kinds in schemas/kinds.schema.yaml: until they have classes.

To be deleted with that file, once the kinds have classes.
"""

from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from monoglot.errors import UserError

SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "kinds.schema.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STRICT = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)
DEFAULTS = {"tables": "scores"}


def read_block(family: str, block: object, where: str) -> dict:
    """Return a block of `tables` or `figures` with the defaults of its kind filled in."""
    kinds = _schema()["$defs"][family]
    about = {"type": "object", "properties": {"kind": {"enum": list(kinds)}}}
    if family not in DEFAULTS:
        about["required"] = ["kind"]
    _check(block, about, where)
    block = deepcopy(block)
    block.setdefault("kind", DEFAULTS.get(family))
    _check(block, kinds[block["kind"]], where)
    _fill(block, kinds[block["kind"]])
    return block


@cache
def _schema() -> dict:
    return yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=LOADER)


def _check(value: object, schema: dict, where: str) -> None:
    schema = {**schema, "$defs": _schema()["$defs"]}
    error = best_match(STRICT(schema).iter_errors(value))
    if error:
        raise UserError(_sentence(error, where))


def _sentence(error: ValidationError, where: str) -> str:
    key = ".".join(
        [where, *map(str, error.absolute_path)] if where else map(str, error.absolute_path)
    )
    prefix = f"{key}: " if key else "configuration: "
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(error.schema.get("properties", {}))
        patterns = error.schema.get("patternProperties", {})
        unknown = [k for k in error.instance if k not in known] if not patterns else error.instance
        return f"{prefix}unknown key '{next(iter(unknown))}'; known keys are {', '.join(known)}"
    if error.validator == "required":
        missing = next(k for k in error.validator_value if k not in error.instance)
        return f"{prefix}the key '{missing}' is missing"
    if error.validator == "type":
        return f"{prefix}{error.instance!r} is not of type {error.validator_value}"
    if error.validator == "enum":
        allowed = ", ".join(map(str, error.validator_value))
        return f"{prefix}{error.instance!r} must be one of {allowed}"
    return f"{prefix}{error.message}"


def _fill(value: object, schema: dict) -> None:
    """Fill in the defaults of properties, here and below."""
    if "$ref" in schema:
        target = _schema()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    if isinstance(value, list):
        for item in value:
            _fill(item, schema.get("items", {}))
    if not isinstance(value, dict):
        return
    for key, below in schema.get("properties", {}).items():
        if key not in value and "default" in below:
            value[key] = deepcopy(below["default"])
        if key in value:
            _fill(value[key], below)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            _fill(value[key], extra)
