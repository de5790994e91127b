"""Spoilt raw files of every format, and spoilt files of what was read from them."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import naive
import pyarrow as pa
import pyarrow.parquet as pq
from mutations import spoilt_bytes

from monoglot.data.parquet import prepare_task, prepare_text, read_examples, read_texts
from monoglot.data.readers import SPLITS, TextExample
from monoglot.evaluate import make_task

WORDS = ["il", "kelb", "jiġri", "wara", "qattus", "żgħir", "dar", "kbira", "fil", "belt"]
TEXT_FORMATS = {"lines": naive.lines, "jsonl": naive.jsonl, "parquet": naive.parquet_texts}
TASK_FORMATS: dict[str, tuple[str, list[str], str, Callable[[bytes], list]]] = {
    "sib200": ("classification", ["sports", "health"], "plain", naive.sib200),
    "afrisenti": ("classification", ["negative", "positive"], "plain", naive.afrisenti),
    "sentiment": ("classification", ["negative", "positive"], "plain", naive.sentiment),
    "parquet": (
        *("classification", ["negative", "positive"], "plain"),
        naive.parquet_texts_labelled,
    ),
    "wikiann": ("tagging", ["PER", "LOC"], "iob2", naive.wikiann),
    "token_tag": ("tagging", ["PER", "LOC"], "iob2", naive.token_tag),
    "conllu": ("tagging", ["NOUN", "VERB"], "plain", naive.conllu),
    "parquet_tagged": ("tagging", ["NOUN", "VERB"], "plain", naive.parquet_sentences),
}


def text_case(form: str) -> Callable[[random.Random, Path], None]:
    """Return the check of a raw text file: what is accepted is what the naive reader finds."""

    def check(draw: random.Random, folder: Path) -> None:
        content = spoilt_bytes(_valid_text(form, draw, folder), draw)
        (folder / "raw").write_bytes(content)
        source = {"format": form, "files": ["raw"]}
        prepare_text(source, folder / "text.parquet", folder)
        expected = TEXT_FORMATS[form](content)
        assert list(read_texts(folder / "text.parquet")) == expected, "other texts than are there"

    return check


def task_case(form: str) -> Callable[[random.Random, Path], None]:
    """Return the check of a raw labelled file, in the same way."""
    kind, labels, scheme, reader = TASK_FORMATS[form]

    def check(draw: random.Random, folder: Path) -> None:
        content = spoilt_bytes(_valid_task(form, draw, folder), draw)
        (folder / "raw").write_bytes(content)
        source = {"format": form.partition("_tagged")[0], "files": dict.fromkeys(SPLITS, "raw")}
        source |= {"names": labels} if form.startswith("parquet") else {}
        task = make_task("t", {"kind": kind, "labels": labels, "scheme": scheme})
        prepare_task(source, task, folder / "out", folder)
        found = [_plain(one) for one in read_examples(folder / "out", "test", task.example)]
        assert found == [tuple(one) for one in reader(content)], "other examples than are there"

    return check


def prepared_case(draw: random.Random, folder: Path) -> None:
    """Spoil a parquet file of ours: it is refused, or says what it said before."""
    form = draw.choice(["lines", *(form for form in TASK_FORMATS if form != "parquet_tagged")])
    read: Callable[[], Any]
    out = folder / "out"
    if form == "lines":
        (folder / "raw").write_bytes(_valid_text(form, draw, folder))
        prepare_text({"format": form, "files": ["raw"]}, out, folder)

        def read() -> list:
            return list(read_texts(out))

    else:
        kind, labels, scheme, _ = TASK_FORMATS[form]
        (folder / "raw").write_bytes(_valid_task(form, draw, folder))
        source = {"format": form, "files": dict.fromkeys(SPLITS, "raw"), "names": labels}
        task = make_task("t", {"kind": kind, "labels": labels, "scheme": scheme})
        prepare_task(source, task, out, folder)

        def read() -> list:
            return [one for split in SPLITS for one in read_examples(out, split, task.example)]

    before = read()
    out.write_bytes(spoilt_bytes(out.read_bytes(), draw))
    assert read() == before, "a damaged file was read as something else"


def _plain(example: Any) -> tuple:
    if isinstance(example, TextExample):
        return example.text, example.label
    return example.tokens, example.tags


def _sentence(draw: random.Random) -> list[str]:
    return draw.choices(WORDS, k=draw.randint(1, 7))


def _valid_text(form: str, draw: random.Random, folder: Path) -> bytes:
    texts = [" ".join(_sentence(draw)) for _ in range(12)]
    if form == "parquet":
        return _parquet(folder, content=texts)
    if form == "jsonl":
        return "".join(f'{{"content": "{text}", "id": 1}}\n' for text in texts).encode()
    return "".join(f"{text}\n" for text in texts).encode()


def _valid_task(form: str, draw: random.Random, folder: Path) -> bytes:
    kind, labels, scheme, _ = TASK_FORMATS[form]
    sentences = [_sentence(draw) for _ in range(8)]
    if kind == "classification":
        rows = [(" ".join(words), draw.choice(labels)) for words in sentences]
        return _classified(form, rows, folder)
    tags = ["O", *(f"{b}-{label}" for label in labels for b in "BI")]
    chosen = labels if scheme == "plain" else tags
    tagged = [(words, [draw.choice(chosen) for _ in words]) for words in sentences]
    if form == "parquet_tagged":
        return _parquet(folder, tokens=[w for w, _ in tagged], tags=[t for _, t in tagged])
    return _tagged(form, tagged)


def _classified(form: str, rows: list[tuple[str, str]], folder: Path) -> bytes:
    if form == "parquet":
        texts, labels = zip(*rows, strict=True)
        return _parquet(folder, text=list(texts), label=list(labels))
    if form == "sentiment":
        lines = [f'{["negative", "positive"].index(label)},"{text}"' for text, label in rows]
    elif form == "sib200":
        lines = ["index_id\tcategory\ttext"]
        lines += [f"{i}\t{label}\t{text}" for i, (text, label) in enumerate(rows)]
    else:
        lines = ["tweet\tlabel", *(f"{text}\t{label}" for text, label in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def _tagged(form: str, tagged: list[tuple[list[str], list[str]]]) -> bytes:
    out = ""
    for words, tags in tagged:
        for i, (word, tag) in enumerate(zip(words, tags, strict=True), start=1):
            row = {
                "wikiann": f"mt:{word}\t{tag}",
                "token_tag": f"{word} {tag}",
                "conllu": "\t".join([str(i), word, "_", tag, *["_"] * 6]),
            }[form]
            out += row + "\n"
        out += "\n"
    return out.encode()


def _parquet(folder: Path, **columns: list) -> bytes:
    pq.write_table(pa.table(columns), folder / "made")
    return (folder / "made").read_bytes()
