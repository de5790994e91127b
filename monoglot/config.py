"""The configuration: validated against the schema, with every default filled in."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from monoglot import figures, tables
from monoglot.config_values import BY, check_choices, check_values, with_codes
from monoglot.errors import UserError
from monoglot.extends import extended

SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "config.schema.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast one, where PyYAML has it: every planning reads the schema."""
STRICT = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)
"""JSON Schema takes 8.0 for an integer, which no command line does."""
OF_ADAPTERS = ("reduction_factor", "label_subtokens", "seeds_affect")
"""Keys of a variant that are its adapters' and change no checkpoint."""


def complete(config: dict) -> dict:
    """Return a copy of `config`, on top of what it extends, with defaults filled in.

    Defaults of variants are left to `variant_settings`. Raises `UserError` naming the key at fault
    if it does not fit the schema.
    """
    config = extended(config)
    try:
        check_values(config)
        _check(config, _schema(), "")
        _fill(config, _schema())
    except RecursionError:
        raise UserError(
            "configuration: is nested too deeply, or holds itself by an alias; write it out"
        ) from None
    for family, read_block in (("tables", tables.read_block), ("figures", figures.read_block)):
        for name, block in config[family].items():
            whole = read_block(block, f"{family}.{name}").given()
            config[family][name] = {key: whole[key] for key in [*block, *whole] if key in whole}
    check_choices(config["variants"])
    for task, settings in config["tasks"].items():
        if task not in config["data"]:
            raise UserError(f"data: there is no source for task '{task}'; add data.{task}")
        if settings["patience"] is not None and settings["checkpoint"] != "best":
            raise UserError(f"tasks.{task}.patience: needs 'checkpoint: best' beside it")
    return config


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
    schema = _schema()["$defs"]["operations"][operation]
    _check(settings, schema, f"variants.{name}")
    _fill(settings, schema)
    return settings


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
