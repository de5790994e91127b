"""The published formats, read in the plainest way, to compare with what the readers make of them.

Nothing is checked here: these say what an accepted file must mean.
"""

import csv
import gzip
import io
import json

import pyarrow.parquet as pq

Example = tuple


def _text(content: bytes) -> str:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    text = content.decode("utf-8")
    return text[1:] if text.startswith("\ufeff") else text


def _lines(content: bytes) -> list[str]:
    lines = _text(content).split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines]


def lines(content: bytes) -> list[str]:
    return [line for line in _lines(content) if line.strip()]


def jsonl(content: bytes) -> list[str]:
    found = [json.loads(line)["content"] for line in _lines(content) if line.strip()]
    return [text for text in found if text and text.strip()]


def parquet_texts(content: bytes) -> list[str]:
    column = pq.read_table(io.BytesIO(content)).column("content").to_pylist()
    return [text for text in column if text and text.strip()]


def sib200(content: bytes) -> list[Example]:
    rows = [line.split("\t") for line in _lines(content)[1:]]
    return [(text, label) for _, label, text in rows]


def afrisenti(content: bytes) -> list[Example]:
    header, *rows = [line.split("\t") for line in _lines(content)]
    at = header.index("tweet"), header.index("label")
    return [(row[at[0]], row[at[1]]) for row in rows]


def sentiment(content: bytes) -> list[Example]:
    names = {"0": "negative", "1": "positive"}
    found, label, text = [], 0, 1
    for row in csv.reader(io.StringIO(_text(content), newline="")):
        if sorted(row) == ["label", "text"]:
            label, text = row.index("label"), row.index("text")
        elif row:
            found.append((row[text], names[row[label]]))
    return found


def parquet_texts_labelled(content: bytes) -> list[Example]:
    table = pq.read_table(io.BytesIO(content))
    names = ["negative", "positive"]
    return [
        (row["text"], label if isinstance(label := row["label"], str) else names[label])
        for row in table.to_pylist()
    ]


def _sentences(rows: list[tuple[str, str] | None]) -> list[Example]:
    found: list[list[tuple[str, str]]] = [[]]
    for row in rows:
        if row is None:
            found.append([])
        else:
            found[-1].append(row)
    return [tuple(zip(*sentence, strict=True)) for sentence in found if sentence]


def _pairs(content: bytes) -> list[tuple[str, str] | None]:
    return [
        tuple(line.split("\t" if "\t" in line else " ")) if line.strip() else None
        for line in _lines(content)
    ]


def token_tag(content: bytes) -> list[Example]:
    return _sentences(_pairs(content))


def wikiann(content: bytes) -> list[Example]:
    rows = _pairs(content)
    words = [row[0] for row in rows if row]
    prefixes = {word[: word.find(":") + 1] for word in words}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    if not all(letter in "abcdefghijklmnopqrstuvwxyz-" for letter in prefix[:-1]):
        prefix = ""
    if prefix[:1] in ("", "-", ":"):
        prefix = ""
    return _sentences([row and (row[0][len(prefix) :], row[1]) for row in rows])


def conllu(content: bytes) -> list[Example]:
    rows: list[tuple[str, str] | None] = []
    for line in _lines(content):
        columns = line.split("\t")
        if not line.strip():
            rows.append(None)
        elif not line.startswith("#") and columns[0].isdecimal():
            rows.append((columns[1], columns[3]))
    return _sentences(rows)


def parquet_sentences(content: bytes) -> list[Example]:
    table = pq.read_table(io.BytesIO(content))
    return [(tuple(row["tokens"]), tuple(row["tags"])) for row in table.to_pylist()]
