"""Texts that users chose (labels, names, paths), as each format takes them, and read back.

Every writer of a format takes its escape from here, so that no label is read as a formula, a link
or a command. HTML and YAML have escapes in the libraries that write them; in drawings,
`text.parse_math` is off.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence

UNPRINTABLE = re.compile(
    "[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # what XML cannot hold; tabs, ends of lines
    "|[\x7f-\x9f\u2028\u2029]|[\u202a-\u202e\u2066-\u2069]"  # the last ones turn text around
)
REPLACEMENT = "�"
GAP = "  "
"""Between columns."""


def printable(text: str) -> str:
    """Return a text in one line, its control characters replaced."""
    return UNPRINTABLE.sub(REPLACEMENT, " ".join(text.split()))


def for_terminal(text: str) -> str:
    """Return a text, lines and blanks as they are, in which nothing controls a terminal."""
    lines = text.expandtabs().split("\n")
    return "\n".join(UNPRINTABLE.sub(REPLACEMENT, line) for line in lines)


def aligned(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Return lines of cells as wide as the widest of their column, some columns flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        GAP.join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]


def json_of(value: object) -> str:
    """Return plain values as JSON to be read by people too: letters as they are."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    lines = text.split("\n")  # a text's own are escaped
    return "\n".join(UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", line) for line in lines)


# CSV. A spreadsheet runs a cell that begins like a formula, unless an apostrophe stands before it.

FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""How a cell begins that gets an apostrophe; those that have one get another, to be read back."""


def csv_of(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return rows that have these columns as CSV; numbers stay as they are."""
    text = ""
    for cells in [columns, *([row[column] for column in columns] for row in rows)]:
        file = io.StringIO(newline="")
        # A writer quotes the characters that end its own lines, and no others that end lines.
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(f"'{v}" if isinstance(v, str) and _is_formula(v) else v for v in cells)
        text += file.getvalue().removesuffix("\r\n") + "\n"
    return text


def rows_of_csv(text: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a CSV, and its rows with the numbers of the lines on which they end.

    It may be ours or somebody else's. Raises `ValueError`, which says where, if it is not valid,
    rows have not as many cells as the first line, or two columns have the same name.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        names = [_plain_cell(cell) for cell in next(reader, [])]
        if len(set(names)) < len(names):
            raise ValueError("two columns have the same name; keep one of them")
        for cells in filter(None, reader):
            if len(cells) != len(names):
                raise ValueError(
                    f"line {reader.line_num} has another number of cells than the first one"
                )
            line = dict(zip(names, map(_plain_cell, cells), strict=True))
            rows.append((reader.line_num, line))
    except csv.Error as error:
        raise ValueError(f"{error} in line {reader.line_num}") from None
    return names, rows


def _plain_cell(text: str) -> str:
    return text[1:] if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(text: str) -> bool:
    if not FORMULA.match(text):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


# Markdown, in paragraphs, headings and cells of tables; not in code.

IN_MARKDOWN = re.compile(
    r"(?P<kept>(?<=[^\W_])_+(?=[^\W_])|(?<!\S)\*(?!\S))"  # within a word, or alone: no emphasis
    r"|(?P<entity>[&<>])|[\\|`*_~$]"
    r"|^(?:#{1,6}(?!\S)|[-+](?!\S)|(?:-{3}|=)(?=[-=]*$)|\d{1,9}(?P<stop>[.)])(?!\S))"
)
LINK = re.compile(r"\][(\[:]")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
ESCAPED = re.compile(r"\\([!-/:-@[-`{-~])|&(?:amp|lt|gt);")
CELL = re.compile(r"\|((?:\\.|[^|\\])*)")


def markdown(text: str) -> str:
    """Return a text as it stands in Markdown: one line, nothing in it a mark, link or HTML."""
    found = IN_MARKDOWN.sub(_marked, printable(text))
    return re.sub(r"[\[\]]|(?<=\])\(", r"\\\g<0>", found) if LINK.search(found) else found


def plain_markdown(text: str) -> str:
    """Return the text that `markdown` made this of."""
    entities = {entity: one for one, entity in ENTITIES.items()}
    return ESCAPED.sub(lambda found: entities.get(found[0]) or found[1], text.strip())


def markdown_cells(line: str) -> list[str]:
    """Return the texts of a row of a table in Markdown."""
    return [plain_markdown(cell) for cell in CELL.findall(line.rstrip())[:-1]]


def _marked(found: re.Match) -> str:
    if found["kept"]:
        return found[0]
    if found["entity"]:
        return ENTITIES[found[0]]
    if found["stop"]:  # the number of a list
        return f"{found[0][:-1]}\\{found['stop']}"
    return f"\\{found[0]}"


# LaTeX

# `*` and `[` are kept in braces: at the start of a row, LaTeX would take them for arguments of the
# row break before it.
IN_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"*": "{*}", "[": "{[}", "]": "{]}", "<": "$<$", ">": "$>$", "|": "$|$"}
    | {"→": r"$\rightarrow$", "×": r"$\times$", "÷": r"$\div$", "±": r"$\pm$", "−": "$-$"}
    | {"–": "--", "—": "---", REPLACEMENT: "?"}
)


def latex(text: str) -> str:
    """Return a text as it stands in LaTeX: one line, nothing in it a command."""
    return printable(text).translate(IN_LATEX)
