"""The base of everything a user can set: each parameter is stated once, in a class of this kind.

The schema of the configuration, the flags of the scripts, the checks, the Python interface and the
reference page follow from these classes. For planning too: imports nothing heavy.

    class Settings(Parameters):
        epochs: Annotated[int, Field(ge=1)] = 20
        "Passes over the training examples."
"""

import argparse
import ast
import inspect
import math
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError

from monoglot.errors import UserError


class Parameters(BaseModel):
    """A block of parameters. An attribute's docstring is its help; it states the unit.

    An attribute whose default is None may be left out, and `given` leaves it out.
    """

    # Planning defines all classes and checks few of them, hence `defer_build`. It needs no help
    # texts either, which is why they are not read by `use_attribute_docstrings` but by `help`.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True
    )

    beside: ClassVar[Mapping[str, str]] = {}
    """Parameters that another one cannot do without, by the name of that one."""

    @model_validator(mode="wrap")
    @classmethod
    def _known(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        """Tell of unknown keys first, which are often misspelt, then of what else is wrong."""
        if not isinstance(values, Mapping):
            return check(values)
        faults = list(cls._faults_of_keys(values))
        if not faults:
            return check(values)
        found = [InitErrorDetails(type=fault, input=values) for fault in faults]
        try:
            check({key: values[key] for key in cls.model_fields if key in values})
        except ValidationError as error:
            found += [_again(fault) for fault in error.errors(include_url=False)]
        raise ValidationError.from_exception_data(cls.__name__, found)

    @classmethod
    def _faults_of_keys(cls, values: Mapping) -> Iterator[PydanticCustomError]:
        for key in values:
            if key not in cls.model_fields and cls.model_config["extra"] == "forbid":
                said = {"key": str(key), "known": ", ".join(sorted(cls.model_fields))}
                yield PydanticCustomError(
                    "unknown_key", "unknown key '{key}'; known keys are {known}", said
                )
        for key, other in cls.beside.items():
            if values.get(key) is not None and values.get(other) is None:
                said = {"key": key, "other": other}
                yield PydanticCustomError(
                    "beside", "'{other}' is a dependency of '{key}'; give both", said
                )

    @classmethod
    def checked(cls, values: Mapping[str, Any], where: str = "") -> Self:
        """Return an instance; raise `UserError`, naming keys below `where`, if some are at fault.

        Args:
            where: the key of the block in the configuration, such as `tables.table1`.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise UserError(*sentences(faults, values, where)) from None

    @classmethod
    def default(cls, name: str) -> Any:
        """Return a parameter's default, for the signature of a function."""
        field = cls.model_fields[name]
        if field.is_required():
            raise TypeError(f"{cls.__name__}.{name} has no default")
        return field.get_default(call_default_factory=True)

    @classmethod
    def help(cls) -> dict[str, str]:
        """Return the help of each parameter: its description, or else the docstring below it."""
        found: dict[str, str] = {}
        for one in reversed(cls.__mro__):
            if issubclass(one, Parameters) and one is not Parameters:
                found |= _docstrings(one)
        fields = cls.model_fields.items()
        return {name: field.description or found.get(name, "") for name, field in fields}

    def changed(self, **changes: Any) -> Self:
        """Return a copy with some other values; raise `UserError` for one that does not fit."""
        return self.checked(dict(self) | changes)

    def given(self) -> dict[str, Any]:
        """Return everything as a dict, here and below, defaults filled in and None left out."""
        return self.model_dump(exclude_none=True, warnings=False)  # 1 is a number


def plain(value: Any) -> Any:
    """Return a number of numpy as Python's; all other values as they are."""
    return value.item() if hasattr(value, "dtype") and not getattr(value, "ndim", 1) else value


def _docstrings(cls: type) -> dict[str, str]:
    """Return the docstrings of a class's own attributes; none of a class without source."""
    try:
        (defined,) = ast.parse(dedent(inspect.getsource(cls))).body
    except (OSError, TypeError):
        return {}
    found = {}
    for attribute, below in pairwise(defined.body):
        text = below.value if isinstance(below, ast.Expr) else None
        if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Constant):
            found[attribute.target.id] = inspect.cleandoc(text.value)
    return found


def _again(fault: ErrorDetails) -> InitErrorDetails:
    """Return a fault in the form in which it can be raised once more."""
    kind, about = fault["type"], fault.get("ctx", {})
    try:
        PydanticKnownError(kind, about)
    except KeyError:  # not a kind of pydantic's, but of this module
        kind = PydanticCustomError(kind, "{said}", about | {"said": fault["msg"]})
    return InitErrorDetails(type=kind, loc=fault["loc"], input=fault["input"], ctx=about)


def _as_written(value: Any, check: Any) -> Any:
    check(value)
    return value


def _unique(values: list) -> list:
    if any(value in values[:i] for i, value in enumerate(values)):
        raise PydanticCustomError("not_unique", "has non-unique elements")
    return values


def _seed(value: Any) -> Any:
    if type(value) is not int or not 0 <= value < 2**63:
        raise PydanticCustomError("seed", f"must be a whole number from 0 to {2**63 - 1}")
    return value


def expanded(path: str) -> str:
    """Return a path with `~` or `~user` as the home folder that it stands for.

    Raises ValueError if it stands for none.
    """
    found = os.path.expanduser(path)
    if found == path and path.startswith("~"):
        raise ValueError(
            f"{path!r} begins with the home folder of nobody known here; write the whole path, or "
            "./ before a name that begins with ~"
        )
    return found


Number = Annotated[float, WrapValidator(_as_written)]
"""A number; 1 stays 1, which is how it is printed."""
Count = Annotated[int, Field(ge=1, lt=2**63)]
Seed = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_seed)]
UNIQUE = (AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True}))
"""Of a list no two of whose items are equal: `Annotated[list[str], *UNIQUE]`."""
Name = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A name that becomes a folder."""
Names = Annotated[list[str], Field(min_length=1), *UNIQUE]
HubId = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+/)?[A-Za-z0-9._-]+$")]
"""Id of a repository on the Hub: OWNER/NAME."""
Revision = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
"""Commit on the Hub."""
HOME = AfterValidator(expanded)
"""Of a path that may begin with `~` or `~user`."""
FilePath = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x1f]+$"), HOME]
"""A file or folder; any characters but control characters."""


class Flag:
    """How a script gets a parameter, where that is not as `--its-name`; goes into `Annotated`.

    Args:
        name: of the flag, as an attribute of the parsed arguments; None for a parameter that the
            script gets in another form, as the path of a parent.
        by_rule: whether the rule gives it by itself, so that a change runs nothing again.
    """

    def __init__(self, name: str | None = None, *, by_rule: bool = False) -> None:
        self.name, self.by_rule = name, by_rule


NO_FLAG = Flag()
Block = TypeVar("Block", bound=Parameters)


def add_flags(
    parser: argparse._ActionsContainer,
    cls: type[Parameters],
    without: Collection[str] = (),
    only: Collection[str] | None = None,
    required: bool = True,
) -> None:
    """Add a flag for each parameter of a class, with its type, default and help.

    Args:
        without: parameters that get none, besides those marked `NO_FLAG`.
        only: the parameters that get one; by default all others.
        required: whether a parameter without a default must be given, or who makes the block says.
    """
    said = cls.help()
    for name, flag, field in _flags_of(cls, without):
        if only is not None and name not in only:
            continue
        how: dict[str, Any] = {"help": said[name].replace("%", "%%")}
        kind = _kind(field.annotation)
        if field.is_required():
            how["required"] = required
        else:
            how["default"] = cls.default(name)
        if get_origin(kind) is list:
            how["nargs"] = "+"
            kind = _kind(get_args(kind)[0])
        if get_origin(kind) is Literal:
            how["choices"] = get_args(kind)
        elif kind is bool:
            how["action"] = "store_true"
        elif kind in (int, float, str):
            how["type"] = kind
        else:
            raise TypeError(f"{cls.__name__}.{name}: there is no flag for {kind}; mark it NO_FLAG")
        parser.add_argument(f"--{flag.replace('_', '-')}", **how)


def from_flags(cls: type[Block], arguments: argparse.Namespace, **others: Any) -> Block:
    """Return the parameters that `add_flags` had parsed; raise `UserError` for one that is wrong.

    Args:
        others: parameters that come from elsewhere.
    """
    without = others.keys()
    values = {name: getattr(arguments, flag) for name, flag, _ in _flags_of(cls, without)}
    return cls.checked(values | others)


def flags(
    settings: Mapping[str, Any],
    cls: type[Parameters] | None = None,
    without: Collection[str] = (),
) -> str:
    """Return command-line flags of a dict: `{"batch_size": 8}` becomes `--batch-size 8`.

    Args:
        cls: the class that the dict is of, if it has parameters that are no flags, or are flags of
            another name, or that the rule gives by itself; other keys are flags of their own names.
        without: keys to leave out.
    """
    markers = {n: m for n, f in cls.model_fields.items() if (m := _marker(f))} if cls else {}
    words = []
    for key, value in settings.items():
        marker = markers.get(key)
        left_out = marker and (marker.name is None or marker.by_rule)
        if left_out or key in without or value is None or value is False or value == []:
            continue
        words.append(f"--{(marker.name if marker else key).replace('_', '-')}")
        if isinstance(value, str) and value.startswith("-"):
            words[-1] += f"={value}"  # which a parser would take for a flag
        elif value is not True:
            words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)


def _flags_of(
    cls: type[Parameters], without: Collection[str]
) -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield parameter, flag and field of all that have a flag."""
    for name, field in cls.model_fields.items():
        marker = _marker(field)
        flag = name if marker is None else marker.name
        if flag is not None and name not in without:
            yield name, flag, field


def _marker(field: FieldInfo) -> Flag | None:
    return next((one for one in field.metadata if isinstance(one, Flag)), None)


def _kind(annotation: Any) -> Any:
    """Return a type without what `Annotated` says of it, and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [one for one in get_args(annotation) if one is not NoneType]
        return _kind(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


TYPES = {
    "bool_type": "boolean",
    "dict_type": "object",
    "float_type": "number",
    "int_type": "integer",
    "list_type": "array",
    "model_type": "object",
    "string_type": "string",
}
LIMITS = {
    "greater_than": ("gt", "is less than or equal to the minimum of"),
    "greater_than_equal": ("ge", "is less than the minimum of"),
    "less_than": ("lt", "is greater than or equal to the maximum of"),
    "less_than_equal": ("le", "is greater than the maximum of"),
}


def sentences(faults: Sequence[ErrorDetails], values: Any, where: str) -> list[str]:
    """Return what is wrong with a block; each sentence begins with the key at fault.

    Args:
        faults: what pydantic says of it.
        values: what was checked.
        where: the key of the block; empty for the configuration itself, or for arguments.
    """
    single, forms = [], {}
    for fault in faults:
        keys, branch = _keys(fault, values)
        if branch is None:
            single.append((keys, [fault]))
        else:
            forms.setdefault(branch, []).append((keys, fault))
    for found in forms.values():
        # What fits no form of several has faults for each; those that came furthest are meant.
        furthest = max(len(keys) for keys, _ in found)
        meant: dict[tuple, list[ErrorDetails]] = {}
        for keys, fault in found:
            if len(keys) == furthest:
                meant.setdefault(tuple(keys), []).append(fault)
        single += meant.items()
    return list(dict.fromkeys(_sentence(where, keys, meant) for keys, meant in single))


def places(faults: Sequence[ErrorDetails], values: Any) -> list[tuple[str | int, ...]]:
    """Return the keys on the way to each fault: to an unknown key, or to a block that lacks one."""
    found = []
    for fault in faults:
        keys, _ = _keys(fault, values)
        unknown = [fault["ctx"]["key"]] if fault["type"] == "unknown_key" else []
        found.append((*keys, *unknown))
    return found


def _sentence(where: str, keys: Sequence[str | int], meant: Sequence[ErrorDetails]) -> str:
    """Return what is wrong with a value that does not fit, whatever form it might have had."""
    key = ".".join([*([where] if where else []), *map(str, keys)])
    prefix = f"{key}: " if key else "configuration: "
    refused = [fault for fault in meant if fault["type"] not in (*TYPES, "literal_error")]
    if refused or len(meant) == 1:
        return prefix + _said((refused or meant)[0])
    value = meant[0]["input"]
    for fault in meant:
        if said := _as_text(value, fault["type"]):
            return prefix + said
    fits = ", or ".join(map(_fits, meant))
    return f"{prefix}{value!r} is not valid; it must be {fits}"


def _keys(fault: ErrorDetails, values: Any) -> tuple[list[str | int], tuple | None]:
    """Return the keys on the way to a fault, and where on it there are several forms, if anywhere.

    For those, pydantic puts the name of each form between the keys.
    """
    loc = fault["loc"][:-1] if fault["type"] == "missing" else fault["loc"]
    keys: list[str | int] = []
    branch = None
    for i, part in enumerate(loc):
        if part == "[key]":
            keys.pop()
        elif part in values if isinstance(values, Mapping) else isinstance(part, int):
            keys.append(part)
            values = values[part]
        elif branch is None:
            branch = loc[:i]
    return keys, branch


def _said(fault: ErrorDetails) -> str:
    kind, value, about = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "missing":
        return f"the key '{fault['loc'][-1]}' is missing"
    if kind in ("beside", "unknown_key", "value_error"):
        return fault["msg"].removeprefix("Value error, ")
    if kind in TYPES:
        return _as_text(value, kind) or f"{value!r} is not of type {TYPES[kind]}"
    if kind == "literal_error":
        return f"{value!r} must be {_fits(fault)}"
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"{value!r} {words} {about[key]}"
    if kind == "too_short":
        return f"{value!r} {'should be non-empty' if not value else 'is too short'}"
    if kind in ("too_long", "string_too_long"):
        return f"{value!r} is too long"
    if kind == "string_pattern_mismatch":
        return f"{value!r} does not match '{about['pattern']}'"
    if kind == "finite_number":
        return f"is {value}; it must be a finite number"
    return f"{value!r} {fault['msg']}"


NUMBER = re.compile(r"[-+]?([0-9][0-9_,]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]{1,4})?")


def _as_text(value: Any, kind: str) -> str | None:
    """Say of a text that is meant for a number how to write that number; None of all others.

    YAML 1.1 wants a point in the mantissa and a sign in the exponent, or takes it for text.
    """
    if kind not in ("int_type", "float_type") or not isinstance(value, str):
        return None
    if not NUMBER.fullmatch(value.strip()):
        return None
    digits = re.sub("[_,]", "", value.strip()).lower()
    number = float(digits)
    if not math.isfinite(number) or (kind == "int_type" and not number.is_integer()):
        return None
    mantissa, _, exponent = digits.partition("e")
    if exponent and kind == "float_type":
        written = f"{float(mantissa)}e{int(exponent):+}"
    else:
        written = str(number if "." in mantissa and not exponent else int(number))
    quoted = " without quotes" if written == value.strip() else ""
    return f"{value!r} is not of type {TYPES[kind]}, but text to YAML; write {written}{quoted}"


def _fits(fault: ErrorDetails) -> str:
    if fault["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        return f"one of {', '.join(allowed)}"
    return f"of type {TYPES[fault['type']]}"


JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
LENGTHS = {"array": "Items", "object": "Properties", "string": "Length"}


def json_schema(cls: type[Parameters]) -> dict[str, Any]:
    """Return the JSON Schema of a block, for editors and for the page of all keys."""
    said, properties = cls.help(), {}
    for name, field in cls.model_fields.items():
        properties[name] = {"description": said[name]} if said[name] else {}
        properties[name] |= _form(field.annotation, [field, *field.metadata])
        default = None if field.is_required() else cls.default(name)
        if default is not None:
            is_block = isinstance(default, Parameters)
            properties[name]["default"] = (
                default.model_dump(exclude_defaults=True) if is_block else default
            )
    found = {"type": "object", "properties": properties}
    if required := [name for name, field in cls.model_fields.items() if field.is_required()]:
        found["required"] = required
    if cls.beside:
        found["dependentRequired"] = {key: [other] for key, other in cls.beside.items()}
    if cls.model_config["extra"] == "forbid":
        return found | {"additionalProperties": False}
    # A class of other keys says of what form they are, or they are checked elsewhere.
    others = cls.__annotations__.get("__pydantic_extra__")
    return found | (_form(others, []) if others else {})


def _form(annotation: Any, about: Sequence[Any]) -> dict[str, Any]:
    """Return the JSON Schema of a type with what `Annotated` says of it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner, *more = arguments
        return _form(inner, [*more, *about])
    if origin in (Union, UnionType):
        forms = [_form(one, ()) for one in arguments if one is not NoneType]
        found = forms[0] if len(forms) == 1 else {"anyOf": forms}
    elif origin is Literal:
        found = {"enum": list(arguments)} if len(arguments) > 1 else {"const": arguments[0]}
    elif origin is list:
        found = {"type": "array", "items": _form(arguments[0], ())}
    elif origin is dict:
        names, values = (_form(one, ()) for one in arguments)
        found = {"type": "object", "additionalProperties": values or True}
        found |= {"propertyNames": names} if len(names) > 1 else {}
    elif isinstance(annotation, type) and issubclass(annotation, Parameters):
        found = json_schema(annotation)
    else:
        found = {"type": JSON_TYPES[annotation]} if annotation in JSON_TYPES else {}
    return found | _limits(found.get("type", ""), about)


def _limits(kind: str, about: Sequence[Any]) -> dict[str, Any]:
    """Return what annotations say of values of a type, in the words of JSON Schema."""
    found: dict[str, Any] = {}
    for one in about:
        if isinstance(one, FieldInfo):
            found |= _limits(kind, one.metadata) | (one.json_schema_extra or {})
            continue
        for key, word in BOUNDS.items():
            # What merely keeps a number within so many bits is no limit to tell of.
            if hasattr(one, key) and abs(getattr(one, key)) < 2**63:
                found[word] = getattr(one, key)
        for key in ("min", "max"):
            if hasattr(one, f"{key}_length"):
                found[f"{key}{LENGTHS[kind]}"] = getattr(one, f"{key}_length")
        if getattr(one, "pattern", None):
            found["pattern"] = one.pattern
    return found
