"""Parameters stated once: their flags, and what is said of values that do not fit."""

import argparse
import pwd
import shlex
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field

from monoglot.errors import UserError
from monoglot.keys import (
    NO_FLAG,
    UNIQUE,
    FilePath,
    Flag,
    Name,
    Number,
    Parameters,
    Seed,
    add_flags,
    flags,
    from_flags,
)


class Limit(Parameters):
    train: Annotated[int, Field(ge=1)] | None = None
    "Training examples."


class Knobs(Parameters):
    parent: Annotated[str, NO_FLAG]
    "The variant it is made from."
    steps: Annotated[int, Field(ge=1)]
    "Steps of the optimiser."
    rate: Annotated[Number, Field(gt=0, le=1)] = 0.5
    "Peak learning rate, up to 100 %."
    mode: Literal["fast", "slow"] = "fast"
    "How."
    choice: Annotated[Literal["last", "best"], Flag("epoch_choice")] = "last"
    "Which epoch."
    gpus: Annotated[int, Field(ge=1), Flag("gpus", by_rule=True)] = 1
    "That share the work."
    keep: bool = False
    "Keep all."
    patience: Annotated[int, Field(ge=1)] | None = None
    "Epochs without improvement."
    sizes: Annotated[list[Annotated[int, Field(ge=4)]], Field(min_length=1), *UNIQUE] = [16]
    "In tokens."
    threads: Annotated[list[Annotated[int, Field(ge=1)] | Literal["all"]], NO_FLAG] = [1]
    "Numbers of them."
    text: Annotated[
        Literal["language"] | dict[Name, Annotated[Number, Field(gt=0)]] | None, NO_FLAG
    ] = None
    "Whose."
    limit: Annotated[Limit, NO_FLAG] = Limit()
    "Of examples."


def parsed(words: str) -> Knobs:
    parser = argparse.ArgumentParser()
    add_flags(parser, Knobs)
    return from_flags(Knobs, parser.parse_args(shlex.split(words)), parent="base")


def test_flags_give_back_what_they_are_made_from():
    given = {"steps": 3, "rate": 1, "choice": "best", "keep": True, "sizes": [4, 8], "patience": 2}
    words = flags(given, Knobs)
    assert words == "--steps 3 --rate 1 --epoch-choice best --keep --sizes 4 8 --patience 2"
    assert parsed(words) == Knobs(parent="base", **given)


def test_what_a_rule_gives_otherwise_is_no_flag():
    given = {"parent": "base", "steps": 3, "gpus": 4, "text": "language", "more": "-x y"}
    assert flags(given, Knobs, without=("steps",)) == "'--more=-x y'"


def test_help_has_every_default(capsys):
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add_flags(parser, Knobs)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--rate RATE Peak learning rate, up to 100 %. (default: 0.5)" in said
    assert "--epoch-choice {last,best} Which epoch. (default: last)" in said
    assert "--steps STEPS Steps of the optimiser." in said
    assert "--parent" not in said


def test_defaults_and_what_is_left_out():
    made = Knobs.checked({"parent": "base", "steps": 1, "rate": 1})
    assert made.given()["limit"] == {}
    assert not {"patience", "text"} & made.given().keys()
    assert repr(made.given()["rate"]) == "1"
    assert Knobs.default("rate") == 0.5
    with pytest.raises(TypeError, match=r"Knobs\.steps has no default"):
        Knobs.default("steps")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"step": 1}, "x: unknown key 'step'; known keys are choice, gpus, keep, limit"),
        ({"limit": {"dev": 1}}, "x.limit: unknown key 'dev'; known keys are train"),
        ({"limit": 1}, "x.limit: 1 is not of type object"),
        ({"steps": 2.0}, "x.steps: 2.0 is not of type integer"),
        ({"steps": True}, "x.steps: True is not of type integer"),
        ({"steps": 0}, "x.steps: 0 is less than the minimum of 1"),
        ({"rate": "1"}, "x.rate: '1' is not of type number"),
        ({"rate": True}, "x.rate: True is not of type number"),
        ({"rate": 0}, "x.rate: 0 is less than or equal to the minimum of 0"),
        ({"rate": 2}, "x.rate: 2 is greater than the maximum of 1"),
        ({"rate": float("nan")}, "x.rate: is nan; it must be a finite number"),
        ({"mode": "odd"}, "x.mode: 'odd' must be one of fast, slow"),
        ({"mode": None}, "x.mode: None must be one of fast, slow"),
        ({"keep": "yes"}, "x.keep: 'yes' is not of type boolean"),
        ({"sizes": "one"}, "x.sizes: 'one' is not of type array"),
        ({"sizes": []}, "x.sizes: [] should be non-empty"),
        ({"sizes": [16, 2]}, "x.sizes.1: 2 is less than the minimum of 4"),
        ({"sizes": [4, 4]}, "x.sizes: [4, 4] has non-unique elements"),
        ({"threads": ["a"]}, "x.threads.0: 'a' is not valid; it must be of type integer, or one"),
        ({"threads": [0]}, "x.threads.0: 0 is less than the minimum of 1"),
        ({"text": "all"}, "x.text: 'all' is not valid; it must be one of language, or of type ob"),
        ({"text": {"mt": -1}}, "x.text.mt: -1 is less than or equal to the minimum of 0"),
        ({"text": {"M t": 1}}, "x.text: 'M t' does not match '^[a-z0-9]"),
    ],
)
def test_faults_are_named_by_key(changes, said):
    with pytest.raises(UserError) as raised:
        Knobs.checked({"parent": "base", "steps": 1} | changes, "x")
    assert str(raised.value).startswith(said)


def test_a_missing_key_is_named():
    with pytest.raises(UserError, match=r"^x: the key 'steps' is missing$"):
        Knobs.checked({"parent": "base"}, "x")


def test_all_faults_are_told_at_once():
    with pytest.raises(UserError) as raised:
        Knobs.checked(
            {"step": 1, "rate": 2, "sizes": [2, 1], "limit": {"dev": 1, "train": 0}, "mode": "odd"},
            "x",
        )
    assert [fault.partition(";")[0] for fault in raised.value.faults] == [
        "x: unknown key 'step'",
        "x: the key 'parent' is missing",
        "x: the key 'steps' is missing",
        "x.rate: 2 is greater than the maximum of 1",
        "x.mode: 'odd' must be one of fast, slow",
        "x.sizes.0: 2 is less than the minimum of 4",
        "x.sizes.1: 1 is less than the minimum of 4",
        "x.limit: unknown key 'dev'",
        "x.limit.train: 0 is less than the minimum of 1",
    ]
    with pytest.raises(UserError) as raised:
        Knobs.checked({"parent": "base", "steps": 1, "text": {"mt": 0, "sk": "1"}}, "x")
    assert [fault[:10] for fault in raised.value.faults] == ["x.text.mt:", "x.text.sk:"]


@pytest.mark.parametrize(
    ("key", "text", "written"),
    [
        ("rate", "1e-4", "1.0e-4"),
        ("rate", ".5e-3", "0.5e-3"),
        ("rate", "5.E3", "5.0e+3"),
        ("rate", "0.5", "0.5 without quotes"),
        ("steps", "1E5", "100000"),
        ("steps", ".5e3", "500"),
        ("steps", "1,000", "1000"),
        ("steps", "12", "12 without quotes"),
        ("threads", ["1e1"], "10"),
    ],
)
def test_a_number_that_yaml_takes_for_text_is_said_how_to_write(key, text, written):
    with pytest.raises(
        UserError, match=r"not of type (number|integer), but text to YAML; "
    ) as said:
        Knobs.checked({"parent": "base", "steps": 1} | {key: text}, "x")
    assert str(said.value).endswith(f"; write {written}")
    number = written.partition(" ")[0]
    assert isinstance(yaml.safe_load(number), int if key == "steps" else int | float)


def test_text_that_is_no_number_is_not_taken_for_one():
    for text in ("fast", "1e999", "e5", "--1"):
        with pytest.raises(UserError, match=r"is not of type number$"):
            Knobs.checked({"parent": "base", "steps": 1, "rate": text}, "x")


class Drawn(Parameters):
    seed: Seed = 0
    "What is drawn."
    folder: FilePath = "."
    "Where it goes."


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30, True, 1.0, "7"])
def test_seeds_are_of_a_range_that_is_named(seed):
    with pytest.raises(
        UserError, match=r"seed: .* must be a whole number from 0 to 92233720368547"
    ):
        Drawn.checked({"seed": seed}, "x")
    assert Drawn.checked({"seed": 2**63 - 1}).seed == 2**63 - 1


def test_a_home_folder_stands_for_itself(monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/mine")
    assert Drawn.checked({"folder": "~/x"}).folder == "/home/of/mine/x"
    assert Drawn.checked({"folder": "~root/x"}).folder == f"{pwd.getpwnam('root').pw_dir}/x"
    assert Drawn.checked({"folder": "a~/./~b"}).folder == "a~/./~b"
    with pytest.raises(
        UserError, match=r"folder: '~nobody-here/x' begins with the home folder of n"
    ):
        Drawn.checked({"folder": "~nobody-here/x"}, "x")
