"""Finished tables, found by name and shown."""

import json
from pathlib import Path

import pytest

from monoglot.errors import UserError
from monoglot.report.finished import find, shown, tables_below

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
    assert shown(results / "tables/table2.csv", "terminal", 80).splitlines() == [
        *("Text | of languages", "", "Language  Tokens", "A | B      1,200", "C              –"),
    ]


def test_without_markdown_columns_are_those_of_the_csv(results):
    text = shown(results / "a/tables/table1.csv", "terminal", 80)
    assert text.splitlines()[2] == "label  tokens"


def test_numbers_are_numbers_in_json(results):
    assert json.loads(shown(results / "tables/table2.csv", "json", 80)) == [
        {"label": "A | B", "tokens": 1200, "tokens_std": 0.5},
        {"label": "C", "tokens": None, "tokens_std": None},
    ]


def test_files_as_they_are(results):
    assert shown(results / "tables/table2.csv", "md", 80) == MARKDOWN.rstrip("\n")
    with pytest.raises(UserError, match="cannot be read"):
        shown(results / "tables/table2.csv", "tex", 80)
    (results / "empty.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="is not the CSV of a table"):
        shown(results / "empty.csv", "terminal", 80)
