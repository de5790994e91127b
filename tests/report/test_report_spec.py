"""Table blocks of the configuration."""

import pytest

from monoglot.errors import UserError
from monoglot.report.block import parse_block
from monoglot.report.spec import read_spec

BLOCK = {
    "model": "m",
    "languages": ["mt"],
    "tasks": ["tc"],
    "rows": [{"variant": "base"}],
}


def test_defaults():
    spec = read_spec(BLOCK)
    assert spec.rows == (("m", "base", "base"),)
    assert (spec.baseline, spec.published, spec.scores) == ("base", None, {})
    assert spec.caption == "Scores of m"
    assert spec.cells == {"mt_tc": ("mt", "tc")}


def test_what_is_left_out_is_no_cell():
    spec = read_spec(BLOCK | {"languages": ["mt", "cy"], "tasks": ["tc", "ner"]})
    assert len(spec.cells) == 4
    left_out = {"cy": ["ner"]}
    spec = read_spec(
        BLOCK | {"languages": ["mt", "cy"], "tasks": ["tc", "ner"], "left_out": left_out}
    )
    assert list(spec.cells) == ["mt_tc", "mt_ner", "cy_tc"]


def test_a_row_may_name_its_model():
    rows = [{"variant": "base"}, {"model": "n", "variant": "base", "label": "N"}]
    assert read_spec(BLOCK | {"rows": rows}).rows == (("m", "base", "base"), ("n", "base", "N"))


def test_text_and_file_are_the_same(tmp_path):
    text = "{model: m, languages: [mt], tasks: [tc], rows: [{variant: base}]}"
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    assert parse_block(text) == parse_block(str(path)) == BLOCK


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"languages": [False]}, "'languages': False must be text; put it in quotes"),
        ({"languages": ["mt", "mt"]}, "'languages': 'mt' stands there twice"),
        ({"tasks": []}, "'tasks': .* at least one"),
        ({"languages": ["a", "a_b"], "tasks": ["b_c", "c"]}, "have the same name"),
        ({"scores": {"ner": "word_f1"}}, "'scores': .* must map tasks of this table"),
        ({"rows": [{"label": "x"}]}, "an entry of a table's 'rows' lacks the key 'variant'"),
        ({"rows": [{"variant": "a"}, {"variant": "a"}]}, "'rows': 'a' stands there twice"),
        ({"left_out": {"sk": ["tc"]}}, "'left_out': .* must map languages of this table"),
        ({"left_out": {"mt": ["ner"]}}, "'left_out': 'ner' is none of the tasks"),
        ({"left_out": {"mt": ["tc"]}}, "'left_out': leaves no cell"),
        ({"rows": [{"variant": "a"}, {"variant": "a", "model": "m"}]}, "'a' stands there twice"),
        ({"rows": [{"variant": "a", "model": 3}]}, "'rows': 3 must be text"),
        ({"row": []}, "unknown key 'row'"),
    ],
)
def test_bad_blocks_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        read_spec(BLOCK | change)


@pytest.mark.parametrize("text", ["[1, 2", "no_such_file.yaml", "3"])
def test_unreadable_specs_are_refused(text):
    with pytest.raises(UserError):
        read_spec(parse_block(text))
