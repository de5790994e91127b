"""The LaTeX form: nothing in it is read as a command by accident, and every line has its cells."""

import re

from monoglot.escapes import latex
from monoglot.tables.base import Table
from monoglot.tables.formats import to_latex
from monoglot.tables.scores import score_columns

CELLS = {f"{name}_{task}": (name, task) for name in ("mt", "sk") for task in ("tc", "sa")}


def small_table() -> Table:
    row = {"model": "m", "row": "r", "label": "* KD → 40k_%", "reduction_percent": "-85"}
    row |= {"size_millions": "45", **dict.fromkeys(CELLS, "50.00"), "sk_sa": "", "avg": ""}
    rows = [row, row | {"label": "[x] KD"}]
    return Table("A & B ×2", "Scores in percent.", {"label": "Model"}, score_columns(CELLS), rows)


def columns(line: str) -> int:
    """Count the columns that a line fills, after taking away escaped ampersands."""
    texts = line.replace(r"\&", "").removesuffix(r" \\").split(" & ")
    spans = [re.match(r"\\multicolumn\{(\d+)\}", text) for text in texts]
    return sum(int(span[1]) if span else 1 for span in spans)


def test_structure():
    found = to_latex(small_table())
    assert r"\begin{tabular}{lrrrrrrr}" in found
    assert re.findall(r"\\begin\{(.+?)\}", found) == ["table*", "tabular"]
    assert re.findall(r"\\end\{(.+?)\}", found) == ["tabular", "table*"]
    assert re.sub(r"\\[{}]", "", found).count("{") == re.sub(r"\\[{}]", "", found).count("}")
    lines = [line for line in found.splitlines() if line.endswith(r"\\")]
    assert [columns(line) for line in lines] == [8, 8, 8, 8]
    assert r"\cmidrule(lr){4-5} \cmidrule(lr){6-7}" in found
    assert r"\multicolumn{2}{c}{mt} & \multicolumn{2}{c}{sk}" in found


def test_rows():
    rows = to_latex(small_table()).splitlines()
    cells = r"$-$85\% & 45M & 50.00 & 50.00 & 50.00 & -- & -- \\"
    assert rf"{{*}} KD $\rightarrow$ 40k\_\% & {cells}" in rows
    assert rf"{{[}}x{{]}} KD & {cells}" in rows
    assert r"\caption{A \& B $\times$2. Scores in percent.}" in rows


def test_every_special_character_is_escaped():
    assert latex(r"\a{b}~^#$") == (r"\textbackslash{}a\{b\}\textasciitilde{}\textasciicircum{}\#\$")
    assert latex("a–b—c ± |<>|") == r"a--b---c $\pm$ $|$$<$$>$$|$"
