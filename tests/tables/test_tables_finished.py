"""Finished tables, found by name and in_form."""

import json
import re
from pathlib import Path

import pytest

from monoglot.errors import UserError
from monoglot.escapes import printable
from monoglot.report.html_tables import read_table
from monoglot.tables.base import Column, Table
from monoglot.tables.formats import find, in_form, read_rows, tables_below, write_table

MARKDOWN = """\
# Text \\| of languages

A note.

| Language | Tokens |
|:---------|-------:|
| A \\| B  |  1,200 |
| C        |      – |

## Another
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for place, name in (("", "table2"), ("a", "table1"), ("b", "table1")):
        folder = tmp_path / place / "tables"
        folder.mkdir(parents=True)
        (folder / f"{name}.csv").write_text("label,tokens,tokens_std\nA | B,1200,0.5\nC,,\n")
    (tmp_path / "tables" / "table2.md").write_text(MARKDOWN)
    return tmp_path


def test_tables_are_found_by_name(results):
    assert len(tables_below([results])) == 3
    assert find("table2", [results]) == results / "tables/table2.csv"
    assert find(str(results / "a/tables/table1.md"), []) == results / "a/tables/table1.csv"
    with pytest.raises(UserError, match=r"'table1' are 2 tables, .*name a file"):
        find("table1", [results])
    with pytest.raises(
        UserError, match=r"there is no table 'table3' here; there are table2, table1"
    ):
        find("table3", [results])
    with pytest.raises(UserError, match="there is no such table"):
        find("none.csv", [results])


def test_headings_are_those_of_the_markdown(results):
    assert in_form(results / "tables/table2.csv", "terminal", 80).splitlines() == [
        *("Text | of languages", "", "Language  Tokens", "A | B      1,200", "C              –"),
    ]


def test_without_markdown_columns_are_those_of_the_csv(results):
    text = in_form(results / "a/tables/table1.csv", "terminal", 80)
    assert text.splitlines()[2] == "label  tokens"


def test_numbers_are_numbers_in_json(results):
    assert json.loads(in_form(results / "tables/table2.csv", "json", 80)) == [
        {"label": "A | B", "tokens": 1200, "tokens_std": 0.5},
        {"label": "C", "tokens": None, "tokens_std": None},
    ]


def test_files_as_they_are(results):
    assert in_form(results / "tables/table2.csv", "md", 80) == MARKDOWN.rstrip("\n")
    with pytest.raises(UserError, match="cannot be read"):
        in_form(results / "tables/table2.csv", "tex", 80)
    (results / "empty.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="is not the CSV of a table"):
        in_form(results / "empty.csv", "terminal", 80)


@pytest.mark.parametrize("form", ["terminal", "json"])
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("C,1,2,3,4\n", "line 3 has another number of cells than the first one"),
        ("C,1\n", "line 3 has another number of cells than the first one"),
        (f"C,{'x' * 200_000},\n", "field larger than field limit (131072) in line 3"),
        ('C,"1,2\n', "unexpected end of data in line 3"),
    ],
)
def test_a_spoilt_csv(results, form, lines, said):
    spoilt = results / "tables/spoilt.csv"
    spoilt.write_text(f"label,a,b\nA,1,2\n{lines}")
    with pytest.raises(UserError, match=re.escape(f"{spoilt}: is not the CSV of a table")) as error:
        in_form(spoilt, form, 80)
    assert said in str(error.value)


@pytest.mark.parametrize("last", ["| C |\n", "| C | 1 | 2 |\n"])
def test_a_spoilt_markdown(results, last):
    for text in (f"| a | b |\n|---|---|\n| A | 1 |\n{last}", "| a | b |\n"):
        (results / "tables/table2.md").write_text(text)
        with pytest.raises(UserError, match=r"table2\.md: its first table is not whole; remove"):
            in_form(results / "tables/table2.csv", "terminal", 80)


def test_words_that_python_takes_for_numbers_are_none(results):
    (results / "a/tables/table1.csv").write_text("label,tokens\nnan,1_000\ninf,1e999\n-1,-2.5e3\n")
    assert json.loads(in_form(results / "a/tables/table1.csv", "json", 80)) == [
        {"label": "nan", "tokens": "1_000"},
        {"label": "inf", "tokens": "1e999"},
        {"label": -1, "tokens": -2500.0},
    ]


NASTY = ["=cmd|' /C calc'!A0", "a|[b](c)<img>`d`\\", "\x1b[31mred\x9b", "-2", "+0.5"]


def nasty_table() -> Table:
    columns = (Column("n", "=N <b>", "[g](x)"),)
    rows = [{"label": name, "n": "-1.5"} for name in NASTY]
    return Table("=caption <i> \x1b", "A [note](x).", {"label": "Model"}, columns, rows)


def test_labels_come_back_from_the_files_of_a_table(tmp_path):
    paths = [tmp_path / f"t.{form}" for form in ("csv", "md", "tex")]
    write_table(nasty_table(), *paths)
    lines = paths[0].read_text(encoding="utf-8").splitlines()
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["-1.5"] * len(NASTY)
    assert [line[:2] for line in lines[1:]] == ["'=", "a|", "\x1b[", "-2", "+0"]
    assert [row["label"] for row in read_rows(paths[0])] == NASTY
    assert [row["label"] for row in json.loads(in_form(paths[0], "json", 80))[:3]] == NASTY[:3]
    view = read_table(paths[0], {})
    assert (view.caption, view.note) == ("=caption <i> �", "A [note](x).")
    assert [row[0].text for row in view.rows] == [printable(name) for name in NASTY]
    assert [one.head for one in view.headings] == ["Model", "[g](x) =N <b>"]
    assert "](" not in paths[1].read_text(encoding="utf-8")
    assert r"\textbackslash{}" in paths[2].read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["terminal", "md", "tex", "json"])
def test_a_table_does_not_control_the_terminal(tmp_path, form):
    write_table(nasty_table(), *(tmp_path / f"t.{one}" for one in ("csv", "md", "tex")))
    assert in_form(tmp_path / "t.csv", form, 80).replace("\n", "").isprintable()


def test_scores_do_not_control_the_terminal(tmp_path):
    text = "label,reduction_percent,size_millions,mt_tc,avg\n\x1b]0;x\a,0,1,2,2\n"
    (tmp_path / "t.csv").write_text(text)
    assert in_form(tmp_path / "t.csv", "terminal", 80).replace("\n", "").isprintable()
