"""Finished tables on a terminal."""

import pytest

from monoglot.errors import UserError
from monoglot.tables.formats import show_scores

CSV = """model,row,label,reduction_percent,size_millions,mt_tc,mt_pos,sk_tc,sk_pos,avg,mt_tc_std
m,base,Base,0,279,68.12,89.94,88.11,97.31,85.87,0.1
m,kd,KD ×2,-15,236,84.05,,86.33,96.26,,
"""


def test_wide_terminal_shows_whole_rows(tmp_path):
    (tmp_path / "table1.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "table1.md").write_text("# The caption\n\nrest\n", encoding="utf-8")
    assert show_scores(tmp_path / "table1.csv", 80).splitlines() == [
        "The caption",
        "",
        "                   ---- mt ----  ---- sk ----",
        "Model  Red.  Size     TC    POS     TC    POS   Avg.",
        "Base     0%  279M  68.12  89.94  88.11  97.31  85.87",
        "KD ×2  -15%  236M  84.05      –  86.33  96.26      –",
        "",
        f"{tmp_path}/table1.{{csv,md}}",
    ]


def test_narrow_terminal_shows_one_language_below_the_other(tmp_path):
    (tmp_path / "table1.csv").write_text(CSV, encoding="utf-8")
    lines = show_scores(tmp_path / "table1.csv", 40).splitlines()
    assert lines[0] == "table1"
    assert "Base     0%  279M  68.12  89.94  85.87" in lines
    assert "Base     0%  279M  88.11  97.31  85.87" in lines


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UserError, match="is not the CSV of a table"):
        show_scores(tmp_path / "x.csv", 80)
    with pytest.raises(UserError, match="cannot be read"):
        show_scores(tmp_path / "none.csv", 80)
