"""Parameters of operations: schema, flags, Python interface and reference page say the same."""

import argparse
import inspect
import re
import runpy
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import yaml

import monoglot
from monoglot.keys import _flags_of, _kind, json_schema
from monoglot.operations import OPERATIONS

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
WITH_SCRIPTS = [name for name, entry in OPERATIONS.items() if entry.checkpoint]
INTERFACE = {
    "train": ("adapt", "distill"),
    "select_layers": ("select_layers",),
    "prune_ffn": ("prune_ffn",),
    "reduce_hidden": ("reduce_hidden",),
    "trim_vocab": ("trim_vocab",),
}
OTHERWISE = {("distill", "loss"), ("distill", "teacher")}
OTHERWISE |= {(name, "max_length") for name in ("adapt", "distill", "prune_ffn")}
"""A distillation has a teacher and a loss; a length of None is the class's, or the model's."""
FROM_ELSEWHERE = {"pretrained": {"hub", "revision", "folder"}}
"""Flags that a script defines itself, since exactly one of two must be given."""


class ParsedError(Exception):
    """Holds the parser of a script."""


def parser_of(script: str, monkeypatch) -> argparse.ArgumentParser:
    def stop(parser, *_):
        raise ParsedError(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(ParsedError) as raised:
        runpy.run_path(str(ROOT / "scripts" / f"{script}.py"))["main"]()
    return raised.value.args[0]


@pytest.mark.parametrize("name", WITH_SCRIPTS)
def test_flags_are_those_of_the_class(name, monkeypatch):
    cls = OPERATIONS[name].parameters
    flags = {action.dest: action for action in parser_of(name, monkeypatch)._actions}
    for parameter, flag, field in _flags_of(cls, FROM_ELSEWHERE.get(name, ())):
        action = flags[flag]
        assert action.required == field.is_required(), parameter
        if not field.is_required():
            assert action.default == cls.default(parameter), parameter
        kind = _kind(field.annotation)
        choices = get_args(kind) if get_origin(kind) is Literal else None
        assert action.choices == choices, parameter
        assert action.help == cls.help()[parameter].replace("%", "%%")
    assert FROM_ELSEWHERE.get(name, set()) <= flags.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_schema_is_that_of_the_class(name):
    assert SCHEMA["$defs"]["operations"][name] == json_schema(OPERATIONS[name].parameters)
    assert all(
        about["description"] for about in SCHEMA["$defs"]["operations"][name]["properties"].values()
    )


@pytest.mark.parametrize("name", INTERFACE)
def test_the_python_interface_has_the_defaults_of_the_class(name):
    cls = OPERATIONS[name].parameters
    found = set()
    for function in INTERFACE[name]:
        for parameter in inspect.signature(getattr(monoglot, function)).parameters.values():
            if parameter.name not in cls.model_fields or (function, parameter.name) in OTHERWISE:
                continue
            found.add(parameter.name)
            if cls.model_fields[parameter.name].is_required():
                assert parameter.default is parameter.empty, (function, parameter.name)
            else:
                assert parameter.default == cls.default(parameter.name), (function, parameter.name)
    assert found


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_page_has_every_key_with_its_default(name):
    cls = OPERATIONS[name].parameters
    section = PAGE.split(f"`operation: {name}`", 1)[1].split("\n## ", 1)[0]
    rows = {
        row[0]: row
        for row in re.findall(r"^\| \**`(\w+)`\** \| (.*) \| (.*) \| (.*) \|$", section, re.M)
    }
    assert list(rows) == list(cls.model_fields)
    for parameter, (_, _, default, what) in rows.items():
        field = cls.model_fields[parameter]
        shown = None if field.is_required() else cls.default(parameter)
        assert (default.strip("` ") == "") == (shown is None), parameter
        assert shown is None or yaml.safe_load(default.strip("` ")) == shown, parameter
        assert what == cls.help()[parameter].replace("|", "\\|")


def test_an_operation_has_its_module_script_and_rule():
    rules = "".join(file.read_text() for file in sorted((ROOT / "rules").glob("*.smk")))
    for name in WITH_SCRIPTS:
        assert (ROOT / "scripts" / f"{name}.py").is_file()
        assert re.search(rf"^(rule {name}:|use rule \w+ as {name} with:)", rules, re.MULTILINE)
        assert OPERATIONS[name].parameters.__module__ == f"monoglot.operations.{name}"
