"""Published formats of text classification; each reader yields (where, text, label)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from monoglot.data.lines import numbered_lines, raw_lines
from monoglot.errors import UserError

POLARITY = {"0": "negative", "1": "positive"}

Labelled = tuple[str, str, str]


def read_sib200(path: Path) -> Iterator[Labelled]:
    """Read SIB-200 (Adelani et al., 2024): TSV `index_id category text`, nothing quoted."""
    for where, row in _tsv(path, [["index_id", "category", "text"]]):
        yield where, row["text"], row["category"]


def read_afrisenti(path: Path) -> Iterator[Labelled]:
    """Read AfriSenti (Muhammad et al., 2023): TSV `tweet label`, with or without `ID` before."""
    for where, row in _tsv(path, [["tweet", "label"], ["ID", "tweet", "label"]]):
        yield where, row["tweet"], row["label"]


def read_sentiment(path: Path) -> Iterator[Labelled]:
    """Read binary sentiment: CSV of label (0 negative, 1 positive) and text.

    Quoted texts may hold line breaks. A first row that names the columns `label` and `text`, in
    either order, is understood.
    """
    label, text = 0, 1
    for where, row in _csv(path):
        if len(row) != 2:
            raise UserError(f"{where}: has {len(row)} columns; it must have two, label and text")
        if row in (["label", "text"], ["text", "label"]):
            label, text = row.index("label"), row.index("text")
            continue
        if row[label] not in POLARITY:
            raise UserError(
                f"{where}: the label is '{row[label]}'; it must be 0 (negative) or 1 (positive)"
            )
        yield where, row[text], POLARITY[row[label]]


def _tsv(path: Path, headers: list[list[str]]) -> Iterator[tuple[str, dict[str, str]]]:
    names: list[str] = []
    for number, line in numbered_lines(path):
        row, where = line.split("\t"), f"{path}, line {number}"
        if number == 1:
            names = row
            if names not in headers:
                wanted = " or ".join(" ".join(header) for header in headers)
                raise UserError(
                    f"{where}: the header is '{' '.join(names)}'; it must be '{wanted}', "
                    "separated by tabs"
                )
        elif len(row) != len(names):
            raise UserError(
                f"{where}: has {len(row)} columns; it must have {len(names)}, "
                f"{', '.join(names)}, separated by tabs"
            )
        else:
            yield where, dict(zip(names, row, strict=True))


def _csv(path: Path) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(raw_lines(path), strict=True)
    while True:
        where = f"{path}, line {reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{where}: is not valid CSV ({error}); check its quotes") from None
        if row:
            yield where, row


CLASSIFICATION_FORMATS = {
    "sib200": read_sib200,
    "sentiment": read_sentiment,
    "afrisenti": read_afrisenti,
}
