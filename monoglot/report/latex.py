"""A table as LaTeX, in the layout of the paper's Table 1."""

import re
from itertools import groupby

from monoglot.report.columns import Row, language_of, score_columns, shown, task_of
from monoglot.report.table import Table

# `*` and `[` are kept in braces: at the start of a row, LaTeX would take them for arguments of the
# row break before it.
ESCAPES = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"*": "{*}", "[": "{[}", "]": "{]}", "<": "$<$", ">": "$>$", "|": "$|$"}
    | {"→": r"$\rightarrow$", "×": r"$\times$", "÷": r"$\div$", "±": r"$\pm$", "−": "$-$"}
    | {"–": "--", "—": "---"}
)


def to_latex(table: Table) -> str:
    """Return the table as a floating `table*`, for `\\input`; needs `booktabs` and `multirow`."""
    cells = score_columns(table.rows[0])
    caption = f"{table.caption.rstrip('.')}."
    lines = [
        "% needs the packages booktabs and multirow",
        r"\begin{table*}",
        r"\centering",
        r"\small",
        r"\setlength{\tabcolsep}{3.5pt}",
        rf"\begin{{tabular}}{{l{'r' * (len(cells) + 3)}}}",
        r"\toprule",
        *_heads(cells),
        r"\midrule",
        *(_row(row, cells) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{escaped(caption)} {escaped(table.note)}}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text with every character that LaTeX reads as a command written out."""
    return text.translate(ESCAPES)


def _heads(cells: list[str]) -> list[str]:
    *left, average = (
        rf"\multirow{{2}}{{*}}{{{text}}}" for text in ("Model", "Red.", "Size", "Avg.")
    )
    groups, rules, start = [], [], 4
    for language, group in groupby(cells, language_of):
        count = len(list(group))
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{escaped(language)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
        start += count
    tasks = [escaped(task_of(column)) for column in cells]
    return [
        _line([*left, *groups, average]),
        " ".join(rules),
        _line(["", "", "", *tasks, ""]),
    ]


def _row(row: Row, cells: list[str]) -> str:
    columns = ["reduction_percent", "size_millions", *cells, "avg"]
    numbers = [re.sub(r"^-(?=\d)", "$-$", escaped(shown(row, column))) for column in columns]
    return _line([escaped(row["label"]), *numbers])


def _line(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"
