"""The configuration: checked against the classes of its blocks, with every default filled in."""

from copy import deepcopy

from monoglot import figures, tables
from monoglot.config_schema import Adapters, Config
from monoglot.config_values import BY, check_choices, check_values, with_codes
from monoglot.errors import UserError
from monoglot.evaluate import task_block
from monoglot.extends import extended
from monoglot.operations import OPERATIONS

OF_ADAPTERS = tuple(Adapters.model_fields)
"""Keys of a variant that are its adapters' and change no checkpoint."""


def complete(config: dict) -> dict:
    """Return a copy of `config`, on top of what it extends, with defaults filled in.

    Defaults of variants are left to `variant_settings`. Raises `UserError` naming the key at fault
    if it does not fit.
    """
    config = extended(config)
    try:
        check_values(config)
        config = Config.checked(config).given()
    except RecursionError:
        raise UserError(
            "configuration: is nested too deeply, or holds itself by an alias; write it out"
        ) from None
    for task, block in config["tasks"].items():
        config["tasks"][task] = task_block(block, f"tasks.{task}")
    for family, read_block in (("tables", tables.read_block), ("figures", figures.read_block)):
        for name, block in config[family].items():
            whole = read_block(block, f"{family}.{name}").given()
            config[family][name] = {key: whole[key] for key in [*block, *whole] if key in whole}
    check_choices(config["variants"])
    for task in config["tasks"]:
        if task not in config["data"]:
            raise UserError(f"data: there is no source for task '{task}'; add data.{task}")
    # Null says something of this one, so that it is not left out.
    config["energy"].setdefault("country", None)
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
    return OPERATIONS[operation].parameters.checked(settings, f"variants.{name}").given()


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
