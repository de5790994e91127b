"""Names, paths and values of a configuration that would break out of a command or a path."""

import os
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monoglot.config import complete, read, source_of
from monoglot.data import hub
from monoglot.errors import UserError
from monoglot.graph import Graph

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text(encoding="utf-8"))
BAD_NAMES = ["../up", "a;b", "$(id)", "`id`", "a b", "a\n", "a\nb", "", ".", "..", "-a", "a/b"]
BAD_NAMES += ["a\x00", "a'b", 'a"b', "a|b", "a&b", "*", "{x}", "é", "A", "a" * 101]
NAMED = ("models", "languages", "tasks", "variants", "tables", "figures", "data", "data.text")


def with_name(place: str, name: str) -> dict:
    """The demo's configuration with one more entry of a name."""
    config = deepcopy(DEMO)
    block = config
    for key in place.split("."):
        block = block.setdefault(key, {})
    entries = [value for key, value in block.items() if key not in ("root", "invented")]
    block[name] = deepcopy(entries[-1] if entries else {"kind": "curves"})
    return config


@pytest.mark.parametrize("place", NAMED)
def test_names_that_are_no_folders_are_refused(place):
    for name in BAD_NAMES:
        with pytest.raises(UserError, match=place.partition(".")[0]):
            complete(with_name(place, name))


def plain(error: UserError) -> bool:
    """Whether it is a line of printable characters, or one for each of several faults."""
    first, *others = lines = str(error).split("\n")
    return all(map(str.isprintable, lines)) and (not others or first.endswith("faults:"))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=12))
def test_every_name_is_refused_or_safe_everywhere(name):
    try:
        Graph(with_name("variants", name))
    except UserError as error:
        assert plain(error)  # noqa: PT017
    else:
        assert name.isascii()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_value_of_any_key_is_refused_or_planned(value):
    for key in ("results", "seeds", "targets", "defaults", "extends"):
        try:
            Graph({**DEMO, key: value})
        except UserError as error:
            assert plain(error)  # noqa: PT017


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_refused(number):
    config = deepcopy(DEMO)
    config["defaults"]["train"]["learning_rate"] = number
    with pytest.raises(UserError, match=r"defaults\.train\.learning_rate: is .* finite"):
        complete(config)


def test_a_whole_number_has_no_point():
    config = deepcopy(DEMO)
    config["tasks"]["tc"]["batch_size"] = 8.0
    with pytest.raises(UserError, match=r"batch_size: 8\.0 is not of type integer"):
        complete(config)


@pytest.mark.parametrize("path", ["a\nb", "a\x00", "", "a\n"])
def test_control_characters_in_paths_are_refused(path):
    for key, config in {
        "results": {**DEMO, "results": path},
        "data.root": {**DEMO, "data": {**DEMO["data"], "root": path}},
    }.items():
        with pytest.raises(UserError, match=key):
            complete(config)


def test_braces_in_the_results_folder_are_refused():
    with pytest.raises(UserError, match="results: "):
        complete({**DEMO, "results": "out/{variant}"})


@pytest.mark.parametrize(
    "code", ["{flores.__class__}", "{flores:>9999999999}", "{0}", "{flores!r}"]
)
def test_only_plain_codes_are_filled_in(code):
    config = deepcopy(DEMO)
    config["data"]["text"]["default"]["files"] = [code]
    with pytest.raises(UserError, match="asks for a code that language"):
        source_of(complete(config), "text", "qaa")


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b"])
def test_files_of_the_web_stay_below_the_root(name):
    with pytest.raises(UserError, match=r"leads out of data\.root"):
        hub.address(f"https://host/{'a' * 40}", name, None)


@pytest.mark.parametrize(
    "url", ["https://user:password@host/x", "file:///etc/passwd", "https://a b"]
)
def test_addresses_with_a_password_or_of_this_machine_are_refused(url):
    config = deepcopy(DEMO)
    config["data"]["text"]["default"] = {"format": "lines", "files": ["a"], "url": url}
    with pytest.raises(UserError, match=r"data\.text\.default\.url"):
        complete(config)


def test_a_configuration_that_holds_itself_is_refused():
    config = yaml.safe_load("a: &a [*a]")
    with pytest.raises(UserError, match="nested more than 64 levels deep, or holds itself"):
        complete({**DEMO, "seeds": config["a"]})


def test_aliases_that_stand_for_a_billion_values_are_refused(tmp_path):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (tmp_path / "c.yaml").write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"holds more than 1,000,000 values, aliases written out"):
        complete(read(str(tmp_path / "c.yaml"), "--config"))


def test_file_names_that_are_too_long_are_missing_files():
    config = deepcopy(DEMO)
    config["tables"]["table1"]["published"] = "a" * 300
    with pytest.raises(UserError, match=r"tables\.table1\.published"):
        Graph(config)
    assert not os.path.exists("a" * 300)
