"""What a schema cannot say of a configuration's values."""

import math
from collections.abc import Iterator, Mapping
from itertools import count
from string import Formatter

from monoglot.errors import UserError

BY = ("by_model", "by_language")
MOST_VALUES = 1_000_000
LINKS = ("parent", "teacher")


def check_values(config: object) -> None:
    """Raise `UserError`, naming the key, for what is no value of a configuration.

    That is a key that is no text, text that is no Unicode, and a number that is not finite: `.nan`
    is neither below a minimum nor above a maximum, so that every range lets it through. Aliases of
    YAML can stand for more values than there is time for; so many are refused too.
    """
    _check(config, "", count(1))


def _check(value: object, where: str, seen: Iterator[int]) -> None:
    if next(seen) > MOST_VALUES:
        raise UserError(
            f"configuration: holds more than {MOST_VALUES:,} values, aliases written out; "
            "no experiment has so many"
        )
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str) or not _is_unicode(key):
                raise UserError(
                    f"{where or 'configuration'}: the key {key!r} is not text; put it in quotes"
                )
            _check(below, f"{where}.{key}" if where else key, seen)
    elif isinstance(value, list):
        for below in value:
            _check(below, where, seen)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{where}: is {value}; it must be a finite number")
    elif isinstance(value, str) and not _is_unicode(value):
        raise UserError(f"{where}: {value!r} holds half a surrogate pair; it must be valid Unicode")
    elif not isinstance(value, str | int | float | None):
        raise UserError(f"{where}: is a {type(value).__name__}; put {value} in quotes")


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_choices(variants: Mapping[str, Mapping]) -> None:
    """Raise `UserError` unless every `by_model` and `by_language` has values to choose from.

    Those of `parent` and `teacher` must be names.
    """
    for name, variant in variants.items():
        for key, value in variant.items():
            where, values = f"variants.{name}.{key}", [value]
            if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in BY:
                choices = next(iter(value.values()))
                if not isinstance(choices, dict) or not choices:
                    raise UserError(f"{where}: {next(iter(value))} must map names to values")
                values = list(choices.values())
            if key in LINKS and not all(isinstance(one, str) for one in values):
                raise UserError(f"{where}: {value!r} must be the name of a variant")


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
    try:
        return "".join(text + _code(codes, *field) for text, *field in Formatter().parse(value))
    except (KeyError, ValueError):
        raise UserError(
            f"{where}: '{value}' asks for a code that language '{language}' does not have; "
            f"add it to languages.{language}.codes"
        ) from None


def _code(codes: Mapping[str, str], name: str | None, form: str | None, turn: str | None) -> str:
    if form or turn:
        raise ValueError
    return "" if name is None else codes[name]
