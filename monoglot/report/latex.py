"""A table as LaTeX, in the layout of the paper's Table 1."""

import re
from itertools import groupby

from monoglot.report.table import Row, Table, shown

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
    caption = f"{table.caption.rstrip('.')}."
    lines = [
        "% needs the packages booktabs and multirow",
        r"\begin{table*}",
        r"\centering",
        r"\small",
        r"\setlength{\tabcolsep}{3.5pt}",
        rf"\begin{{tabular}}{{{'l' * len(table.labels)}{'r' * len(table.columns)}}}",
        r"\toprule",
        *_heads(table),
        r"\midrule",
        *(_row(row, table) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{escaped(caption)} {escaped(table.note)}}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text with every character that LaTeX reads as a command written out."""
    return text.translate(ESCAPES)


def _heads(table: Table) -> list[str]:
    """Return the lines of headings: two where columns have groups, else one."""
    labels = [escaped(text) for text in table.labels.values()]
    heads = [escaped(column.head) for column in table.columns]
    if not any(column.group for column in table.columns):
        return [_line([*labels, *heads])]
    above, rules, below = [_tall(text) for text in labels], [], ["" for _ in labels]
    for group, columns in groupby(table.columns, lambda column: column.group):
        members = [escaped(column.head) for column in columns]
        if group:
            first, last = len(below) + 1, len(below) + len(members)
            above.append(rf"\multicolumn{{{len(members)}}}{{c}}{{{escaped(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{last}}}")
            below += members
        else:
            above += map(_tall, members)
            below += ["" for _ in members]
    return [_line(above), " ".join(rules), _line(below)]


def _tall(text: str) -> str:
    return rf"\multirow{{2}}{{*}}{{{text}}}"


def _row(row: Row, table: Table) -> str:
    numbers = [escaped(shown(row, column.name, column.unit)) for column in table.columns]
    numbers = [re.sub(r"^-(?=\d)", "$-$", number) for number in numbers]
    return _line([*(escaped(row[name]) for name in table.labels), *numbers])


def _line(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"
