"""Table blocks of the configuration."""

import json

import pytest

from monoglot.errors import UserError
from monoglot.tables.base import parse_block
from monoglot.tables.scores import ScoresSpec

BLOCK = {
    "model": "m",
    "languages": ["mt"],
    "tasks": ["tc"],
    "rows": [{"variant": "base"}],
}


def test_defaults():
    spec = ScoresSpec.checked(BLOCK)
    assert spec.variants == [("m", "base", "base")]
    assert (spec.baseline, spec.published, spec.scores) == ("base", None, {})
    assert spec.caption == ""
    assert spec.cells == {"mt_tc": ("mt", "tc")}


def test_what_is_left_out_is_no_cell():
    spec = ScoresSpec.checked(BLOCK | {"languages": ["mt", "cy"], "tasks": ["tc", "ner"]})
    assert len(spec.cells) == 4
    left_out = {"cy": ["ner"]}
    spec = ScoresSpec.checked(
        BLOCK | {"languages": ["mt", "cy"], "tasks": ["tc", "ner"], "left_out": left_out}
    )
    assert list(spec.cells) == ["mt_tc", "mt_ner", "cy_tc"]


def test_a_row_may_name_its_model():
    rows = [{"variant": "base"}, {"model": "n", "variant": "base", "label": "N"}]
    spec = ScoresSpec.checked(BLOCK | {"rows": rows})
    assert spec.variants == [("m", "base", "base"), ("n", "base", "N")]


def test_text_and_file_are_the_same(tmp_path):
    text = "{model: m, languages: [mt], tasks: [tc], rows: [{variant: base}]}"
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    assert parse_block(text) == parse_block(str(path)) == BLOCK


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"languages": [False]}, r"languages\.0: False must be text; put it in quotes"),
        ({"languages": ["mt", "mt"]}, r"languages: .* has non-unique elements"),
        ({"tasks": []}, r"tasks: \[\] should be non-empty"),
        ({"languages": ["a", "a_b"], "tasks": ["b_c", "c"]}, "have the same name"),
        ({"scores": {"ner": "word_f1"}}, r"'scores' must map tasks of this table"),
        ({"rows": [{"label": "x"}]}, r"rows\.0: the key 'variant' is missing"),
        ({"rows": [{"variant": "a"}, {"variant": "a"}]}, "rows: 'a' appears twice"),
        ({"left_out": {"sk": ["tc"]}}, "'left_out' must map languages of this table"),
        ({"left_out": {"mt": ["ner"]}}, "'left_out': 'ner' is not one of the tasks"),
        ({"left_out": {"mt": ["tc"]}}, "'left_out' leaves no cell"),
        (
            {"rows": [{"variant": "a"}, {"variant": "a", "model": "m"}]},
            "the row of 'a' of m appears twice",
        ),
        ({"rows": [{"variant": "a", "model": 3}]}, r"rows\.0\.model: 3 must be text"),
        ({"row": []}, "unknown key 'row'"),
    ],
)
def test_bad_blocks_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        ScoresSpec.checked(BLOCK | change)


@pytest.mark.parametrize("text", ["[1, 2", "no_such_file.yaml", "3"])
def test_unreadable_specs_are_refused(text):
    with pytest.raises(UserError):
        ScoresSpec.checked(parse_block(text))


@pytest.mark.parametrize("label", ["👍", "a\x7f\x9bb", "a\tb", "1e5"])
@pytest.mark.parametrize("ascii_alone", [True, False])
def test_any_label_comes_through_json(label, ascii_alone):
    text = json.dumps({"label": label}, ensure_ascii=ascii_alone)
    assert parse_block(text) == {"label": label}
