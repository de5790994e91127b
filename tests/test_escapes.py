"""Texts that users chose: nothing in them is run by what reads a file, and they come back whole."""

import csv
import io
import json
import re

import pytest
from markdown_it import MarkdownIt

from monoglot import escapes

NAMES = [
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "'=1+1",
    "''=1+1",
    "'-1.5",
    "'plain",
    "-",
    "-x",
    "a|b",
    "`code`",
    "a\\",
    "a\\|b",
    "<img src=x onerror=alert(1)>",
    "</td><script>alert(1)</script>",
    "&amp; & &lt; &copy;",
    "[a](javascript:alert(1))",
    "![a](http://x/y.png)",
    "[a][b]",
    "[[a]](b)",
    "<http://x.example>",
    "*a* **b** _c_ __d__ ~~e~~",
    "$5 and $6",
    "# a",
    "- a",
    "1. a",
    "---",
    "===",
    "a_b-c (d), e: f",
    "\\alpha{}%~^&#",
    "il-ħobż 日本 👍",
]
HARMLESS = [
    "* KD hid. size red. → 96",
    "Base-[mt, sk, sw]",
    "hidden564_vocab40k",
    "α = 0.5",
    "KD ×2",
]
NUMBERS = ["-1.5", "-inf", "+0.53", "-3", "1e-05", "0", ""]


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_of_a_csv_is_no_formula_and_comes_back(name):
    text = escapes.csv_of([{"label": name, name: 1}], ["label", name])
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert len(cells) == 4
    assert not [one for one in cells if re.match(r"\s*[=+\-@＝]|[\t\r]", one)]
    assert escapes.rows_of_csv(text)[0] == ["label", name]
    assert [row for _, row in escapes.rows_of_csv(text)[1]] == [{"label": name, name: "1"}]


def test_numbers_and_harmless_names_stay_as_they_are_in_a_csv():
    rows = [{"label": name, "n": number} for name in HARMLESS for number in [*NUMBERS, -1.5, None]]
    text = escapes.csv_of(rows, ["label", "n"])
    plain = io.StringIO()
    writer = csv.DictWriter(plain, ["label", "n"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert text == plain.getvalue()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1\n", "line 2 has another number of cells"),
        ("a,a\n1,2\n", "two columns have the same name"),
        ('a,b\n1,"2\n', "line 2"),
    ],
)
def test_what_is_no_csv_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        escapes.rows_of_csv(text)


def rendered(text: str) -> str:
    """Return what a reader sees; fail if anything in it is more than text."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        assert token.type in ALLOWED, token.type
        if token.type == "inline":
            assert {one.type for one in token.children} <= {"text", "text_special"}
            found.append("".join(one.content for one in token.children))
    return "\n".join(found)


BLOCKS = ("table", "thead", "tbody", "tr", "th", "td", "paragraph", "heading")
ALLOWED = {"inline", *(f"{block}_{end}" for block in BLOCKS for end in ("open", "close"))}


@pytest.mark.parametrize("name", NAMES + HARMLESS)
def test_in_markdown_a_name_is_text_and_comes_back(name):
    line, found = escapes.printable(name), escapes.markdown(name)
    assert rendered(f"x {found}\n\n# y {found}\n") == f"x {line}\ny {line}"
    row = f"| {found} | b |"
    assert rendered(f"| a | b |\n| - | - |\n{row}\n") == f"a\nb\n{line}\nb"
    assert escapes.markdown_cells(row) == [line, "b"]
    assert escapes.plain_markdown(found) == line


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_begin_a_paragraph(name):
    assert rendered(f"{escapes.markdown(name)}\n") == escapes.printable(name)


@pytest.mark.parametrize("name", HARMLESS + NUMBERS)
def test_harmless_names_stay_as_they_are_in_markdown(name):
    assert escapes.markdown(name) == name


def test_markdown_that_knows_fewer_escapes_shows_no_html_either():
    markdown = pytest.importorskip("markdown")
    found = markdown.markdown(escapes.markdown("<script>alert(1)</script> [a](b)"))
    assert found == "<p>&lt;script&gt;alert(1)&lt;/script&gt; [a](b)</p>"


def test_names_are_one_line_and_control_nothing():
    name = "a\nb\x1b[31mc\x9bd\x00\u202ee\u2028f"
    line = "a b�[31mc�d��e f"
    assert escapes.printable(name) == line
    assert escapes.markdown(name) == line
    assert escapes.latex(name) == line.replace("�", "?").replace("[", "{[}")
    assert escapes.for_terminal("x  y\n\x1b]0;z\a\r") == "x  y\n�]0;z��"


def test_json_is_for_terminals_too():
    name = "a\x1b\x7f\x9b\u202e ħ"
    text = escapes.json_of([{"label": name}])
    assert json.loads(text) == [{"label": name}]
    assert "ħ" in text
    assert text.replace("\n", "").isprintable()


def test_latex_has_no_commands_but_ours():
    assert escapes.latex("\\input{x} $y$ %z #1 a_b^c ~ & \n\n d") == (
        r"\textbackslash{}input\{x\} \$y\$ \%z \#1 a\_b\textasciicircum{}c \textasciitilde{} \& d"
    )
