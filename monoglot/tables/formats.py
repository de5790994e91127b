"""A table as CSV, Markdown and LaTeX; and finished tables: found, and shown on a terminal."""

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from monoglot.errors import UserError
from monoglot.escapes import (
    GAP,
    aligned,
    csv_of,
    json_of,
    latex,
    markdown,
    markdown_cells,
    plain_markdown,
    printable,
    rows_of_csv,
)
from monoglot.files import whole_file
from monoglot.tables.base import MISSING, Column, Row, Table, shown
from monoglot.tables.scores import score_columns


def write_table(table: Table, csv: Path, md: Path, tex: Path) -> None:
    """Write a table as CSV, Markdown and LaTeX."""
    texts = {csv: to_csv(table), md: to_markdown(table), tex: to_latex(table)}
    for path, text in texts.items():
        with whole_file(path) as aside:
            aside.write_text(text, encoding="utf-8")


def to_csv(table: Table) -> str:
    """Return the table as CSV, every value with its fixed number of decimals."""
    return csv_of(table.rows, list(table.rows[0]))


# Markdown

INTERVALS = "Intervals (95 %)"
SPREAD = "Standard deviation over seeds"
PUBLISHED = "Difference from the published value"


def to_markdown(table: Table) -> str:
    """Return the table as Markdown: numbers, intervals, spread over seeds, published numbers.

    The last three blocks hold the columns in which any cell has an interval, more than one seed, or
    a published value.
    """

    def with_any(name: str) -> list[Column]:
        return [c for c in table.columns if any(r.get(name.format(c.name)) for r in table.rows)]

    blocks = [
        f"# {markdown(table.caption)}",
        markdown(table.note),
        _grid(table, table.columns, lambda row, column: shown(row, column.name, column.unit)),
    ]
    if sure := with_any("{}_low"):
        blocks += [f"## {INTERVALS}", _grid(table, sure, _interval)]
    if spread := with_any("{}_std"):
        blocks += [
            f"## {SPREAD}",
            _grid(table, spread, lambda row, column: shown(row, f"{column.name}_std")),
        ]
    if published := with_any("published_{}"):
        blocks += [
            f"## {PUBLISHED}",
            "This table minus the published value, which stands in brackets.",
            _grid(table, published, _difference),
        ]
    return "\n\n".join(blocks) + "\n"


def _grid(table: Table, columns: Sequence[Column], cell: Callable[[Row, Column], str]) -> str:
    heads = [*table.labels.values(), *(column.title for column in columns)]
    body = [
        [*(row[name] for name in table.labels), *(cell(row, column) for column in columns)]
        for row in table.rows
    ]
    heads, *body = ([markdown(text) for text in line] for line in [heads, *body])
    align = (*("left" for _ in table.labels), *("right" for _ in columns))
    return tabulate(body, heads, "pipe", disable_numparse=True, colalign=align)


def _interval(row: Row, column: Column) -> str:
    low, high = (shown(row, f"{column.name}_{end}") for end in ("low", "high"))
    return low if low == MISSING else f"{low} to {high}"


def _difference(row: Row, column: Column) -> str:
    difference = shown(row, f"difference_{column.name}")
    if not row[f"published_{column.name}"]:
        return difference
    return f"{difference} ({shown(row, f'published_{column.name}')})"


# LaTeX


def to_latex(table: Table) -> str:
    """Return the table as a floating `table*`, for `\\input`; needs `booktabs` and `multirow`.

    The layout is that of the paper's Table 1.
    """
    caption = f"{table.caption.rstrip('.')}. {table.note}"
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
        *(line for row in table.rows for line in _row(row, table)),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{latex(caption)}}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _heads(table: Table) -> list[str]:
    """Return the lines of headings: two where columns have groups, else one."""
    labels = [latex(text) for text in table.labels.values()]
    heads = [latex(column.head) for column in table.columns]
    if not any(column.group for column in table.columns):
        return [_line([*labels, *heads])]
    above, rules, below = [_tall(text) for text in labels], [], ["" for _ in labels]
    for group, columns in groupby(table.columns, lambda column: column.group):
        members = [latex(column.head) for column in columns]
        if group:
            first, last = len(below) + 1, len(below) + len(members)
            above.append(rf"\multicolumn{{{len(members)}}}{{c}}{{{latex(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{last}}}")
            below += members
        else:
            above += map(_tall, members)
            below += ["" for _ in members]
    return [_line(above), " ".join(rules), _line(below)]


def _tall(text: str) -> str:
    return rf"\multirow{{2}}{{*}}{{{text}}}"


def _row(row: Row, table: Table) -> list[str]:
    """Return a row's line, and below it one with its intervals, where it has any."""
    numbers = [latex(shown(row, one.name, one.unit)) for one in table.columns]
    numbers = [re.sub(r"^-(?=\d)", "$-$", number) for number in numbers]
    lines = [_line([*(latex(row[name]) for name in table.labels), *numbers])]
    ends = [(row.get(f"{one.name}_low"), row.get(f"{one.name}_high")) for one in table.columns]
    if any(low for low, _ in ends):
        small = [rf"\tiny {low}--{high}" if low else "" for low, high in ends]
        lines.append(_line([*("" for _ in table.labels), *small]))
    return lines


def _line(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"


# Finished tables

FORMS = ("terminal", "md", "csv", "tex", "json")
OF_SCORES = {"label", "reduction_percent", "size_millions", "avg"}
"""Columns by which a table of scores is known."""
BESIDE = re.compile(r"(^published_|^difference_|_(std|seeds|low|high|chance)$)")
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


def tables_below(folders: Iterable[Path]) -> list[Path]:
    """Return the CSV files of all tables in results folders, and in folders of those."""
    found = {
        path: None
        for folder in folders
        for pattern in ("*.csv", "tables/*.csv", "*/tables/*.csv")
        for path in sorted(folder.glob(pattern))
        if path.parent.name == "tables"
    }
    return list(found)


def find(name: str, folders: Iterable[Path]) -> Path:
    """Return the CSV file of a table: its path, or its name in one of the results folders.

    Raises `UserError` if there is no such table, or if there are several.
    """
    path = Path(name)
    if path.suffix in (".csv", ".md", ".tex") or path.is_file():
        if not path.with_suffix(".csv").is_file():
            raise UserError(f"{path.with_suffix('.csv')}: there is no such table")
        return path.with_suffix(".csv")
    tables = tables_below(folders)
    found = [table for table in tables if table.stem == name]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(map(str, found))
        raise UserError(f"'{name}' are {len(found)} tables, {listed}; name a file")
    names = ", ".join(dict.fromkeys(table.stem for table in tables)) or "none"
    raise UserError(
        f"there is no table '{name}' here; there are {names}; name a CSV file, or the "
        "configuration whose results it is in (--config)"
    )


def in_form(path: Path, form: str, width: int) -> str:
    """Return a finished table in one of `FORMS`.

    `md`, `csv` and `tex` are the files as they are; `json` is a list of its rows, whose numbers
    are numbers and whose missing cells are null. Raises `UserError` if it cannot be read.
    """
    if form == "terminal":
        return _for_terminal(path, width)
    if form == "json":
        rows = [{name: _value(text) for name, text in row.items()} for row in read_rows(path)]
        return json_of(rows)
    return read_text(path.with_suffix(f".{form}")).rstrip("\n")


def show_scores(path: str | Path, width: int) -> str:
    """Return the table of scores of a CSV file as text, with its title and its files' names.

    The title is that of the Markdown file of the same name, where there is one. Where `width`
    characters do not hold a whole row, the languages are put below one another. Raises `UserError`
    if the file is not a table's CSV.
    """
    path = Path(path)
    rows = read_rows(path)
    names = list(rows[0])
    if not set(names) >= OF_SCORES:
        raise UserError(f"{path}: is not the CSV of a table, as scripts/table.py writes it")
    cells = names[names.index("size_millions") + 1 : names.index("avg")]
    # A CSV does not say where in mt_ner the language ends; most have no underscore in their names.
    reduction, size, *scores, average = score_columns(
        {name: (name.split("_")[0], name.partition("_")[2]) for name in cells}
    )
    text = _aligned(rows, [reduction, size, *scores, average])
    if len(text.splitlines()[-1]) > width:
        parts = groupby(scores, lambda column: column.group)
        text = "\n\n".join(_aligned(rows, [reduction, size, *part, average]) for _, part in parts)
    endings = [e for e in ("csv", "md", "tex") if path.with_suffix(f".{e}").exists()]
    files = printable(f"{path.with_suffix('')}.{{{','.join(endings)}}}")
    return "\n".join([*textwrap.wrap(title(path), width), "", text, "", files])


def read_text(path: Path) -> str:
    """Return what a file holds; raise `UserError` if it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8")  # carriage returns are a cell's own
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; raise `UserError` if it has none, or not all are whole."""
    try:
        _, rows = rows_of_csv(read_text(path))
    except ValueError as error:
        raise UserError(f"{path}: is not the CSV of a table ({error})") from None
    if not rows:
        raise UserError(f"{path}: is not the CSV of a table; it has no rows")
    return [row for _, row in rows]


def title(path: Path) -> str:
    """Return the title of the table of a CSV file: the Markdown's, where there is one."""
    about = path.with_suffix(".md")
    if not about.is_file():
        return printable(path.stem)
    first = read_text(about).partition("\n")[0]
    return printable(plain_markdown(first.removeprefix("# ")))


class Grid(NamedTuple):
    """A table in a Markdown file: headings, which columns are flush right, and lines of texts."""

    heads: list[str]
    right: list[bool]
    body: list[list[str]]


def read_grids(path: Path) -> dict[str, Grid]:
    """Return the grids of the Markdown beside a table's CSV, by their headings; the first has ''.

    Empty if there is no Markdown. Raises `UserError` if its first grid is not whole.
    """
    about = path.with_suffix(".md")
    found: dict[str, Grid] = {}
    heading = ""
    lines = read_text(about).splitlines() if about.is_file() else []
    for is_grid, block in groupby(lines, lambda line: line.startswith("|")):
        if not is_grid:
            headings = [line[3:] for line in block if line.startswith("## ")]
            heading = plain_markdown(headings[-1]) if headings else heading
            continue
        heads, *rest = map(markdown_cells, block)
        if len(rest) < 2 or any(len(cells) != len(heads) for cells in rest):
            which = f"table '{heading}'" if heading else "first table"
            raise UserError(
                f"{about}: its {which} is not whole; remove the file, make it again, or ask for "
                "--format csv"
            )
        right = [mark.endswith(":") and mark[0] != ":" for mark in rest[0]]
        found.setdefault(heading, Grid(heads, right, rest[1:]))
    return found


def _for_terminal(path: Path, width: int) -> str:
    rows = read_rows(path)
    if set(rows[0]) >= OF_SCORES:
        return show_scores(path, width)
    if grid := read_grids(path).get(""):
        heads, right, body = grid
    else:
        heads = [name for name in rows[0] if not BESIDE.search(name)]
        body = [[row[name] for name in heads] for row in rows]
        right = [bool(NUMBER.match(cell)) for cell in body[0]]
    return "\n".join([title(path), "", *_columns([heads, *body], right)])


def _aligned(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    heads = ["Model", *(column.head for column in columns)]
    body = [[row["label"], *(shown(row, c.name, c.unit) for c in columns)] for row in rows]
    lines = _columns([heads, *body], [False, *(True for _ in columns)])
    groups, at = " " * max(len(line[0]) for line in [heads, *body]), 1
    for group, members in groupby(columns, lambda column: column.group):
        count = len(list(members))
        widths = (max(len(line[i]) for line in [heads, *body]) for i in range(at, at + count))
        span = sum(widths) + (count - 1) * len(GAP)
        groups += GAP + (f" {group} ".center(span, "-") if group else " " * span)
        at += count
    return "\n".join([groups.rstrip(), *lines])


def _columns(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    return aligned([[printable(cell) for cell in line] for line in lines], right)


def _value(text: str) -> str | float | None:
    if text == "":
        return None
    if not NUMBER.fullmatch(text):  # "nan" is a language
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(text) if text.lstrip("+-").isdigit() else number
