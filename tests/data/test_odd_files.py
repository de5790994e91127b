"""Odd raw files: marks, line ends, control characters, archives, bombs."""

import gzip
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from monoglot.data import readers
from monoglot.data.parquet import prepare_task, prepare_text, read_examples, read_texts
from monoglot.data.readers import (
    CLASSIFICATION_FORMATS,
    SPLITS,
    TAGGING_FORMATS,
    TEXT_FORMATS,
    TextExample,
    numbered_lines,
    read_conllu,
    read_jsonl,
)
from monoglot.errors import UserError
from monoglot.evaluate.task_classification import Classification
from monoglot.tokenizer_json import read_tokenizer

ROOT = Path(__file__).parents[2]


def texts(folder: Path, content: bytes, form: str = "lines") -> list[str]:
    (folder / "raw").write_bytes(content)
    prepare_text({"format": form, "files": ["raw"]}, folder / "out.parquet", folder)
    return list(read_texts(folder / "out.parquet"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfil kelb\n", ["il kelb"]),
        (b"500 km\nNot found it\n", ["500 km", "Not found it"]),
        (b"a <html> b\n", ["a <html> b"]),
        (b"il\r\nkelb\r\n", ["il", "kelb"]),
        (b"il\rkelb\n", ["il\rkelb"]),
        (b"\x1b[31m\n", ["\x1b[31m"]),
        ("e\u0301 é\n".encode(), ["e\u0301 é"]),
        ("a\u2028b\u0085c\n".encode(), ["a\u2028b\u0085c"]),
        (b" \n\t\n \xc2\xa0\nil\n\n", ["il"]),
        (b"il\nil\nil", ["il", "il", "il"]),
        (b"a" * 10_000_000, ["a" * 10_000_000]),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_texts_come_out_as_they_went_in(tmp_path, content, expected):
    assert texts(tmp_path, content) == expected


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"]
)
def test_a_corpus_without_text_is_refused(tmp_path, content):
    with pytest.raises(UserError, match="it holds no text; it must have one document"):
        texts(tmp_path, content)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    "content", [b"\xed\xa0\x80", b"\xff\xfea\x00", b"\xc3", b"\xf4\x90\x80\x80"]
)
def test_what_is_not_utf8_is_refused_with_its_line(tmp_path, content):
    with pytest.raises(UserError, match=r"raw, line 2, byte \d+: is not UTF-8"):
        texts(tmp_path, b"il\n" + content + b"\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>\n<html>", "line 1: is a web page"),
        (b"\n\n  <HTML lang=en>", "line 3: is a web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Error>", "line 1: is a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "line 1: is the pointer of Git",
        ),
        (b"../.git/annex/objects/a/b/SHA256E-s1--0", "line 1: is the pointer of git-annex"),
        (b"404: Not Found", "line 1: is a server's error"),
        (b"Entry not found\n", "line 1: is a server's error"),
        (b"503 Service Unavailable\n", "line 1: is a server's error"),
        (b"%PDF-1.4\n", "line 1: is of a document with its layout"),
        (b"\na\x00b\n", "line 2: holds a zero byte"),
        ("il kelb\n".encode("utf-16-le"), "line 1: holds a zero byte"),
        ("il kelb\n".encode("utf-16"), "line 1, byte 1: is not UTF-8"),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("form", ["lines", "jsonl", "wikiann", "sentiment"])
def test_what_is_no_data_is_refused_with_its_line(tmp_path, content, said, form):
    (tmp_path / "raw").write_bytes(content)
    with pytest.raises(UserError, match=f"raw, {re.escape(said)}"):
        if form in TEXT_FORMATS:
            texts(tmp_path, content, form)
        else:
            read = (TAGGING_FORMATS | CLASSIFICATION_FORMATS)[form]
            list(read(tmp_path / "raw", ["O"]) if form == "wikiann" else read(tmp_path / "raw"))


def test_a_pointer_in_place_of_a_parquet_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"raw: is the pointer of Git LFS.*git lfs pull"):
        texts(tmp_path, b"version https://git-lfs.github.com/spec/v1\n", "parquet")


def test_half_a_surrogate_pair_is_refused(tmp_path):
    with pytest.raises(UserError, match="is half a surrogate pair"):
        texts(tmp_path, b'{"content": "a\\ud800"}\n', "jsonl")


def test_identifiers_that_are_there_twice_are_two_examples(tmp_path):
    (tmp_path / "raw").write_text("ID\ttweet\tlabel\n1\ta\tpositive\n1\ta\tpositive\n")
    source = {"format": "afrisenti", "files": dict.fromkeys(SPLITS, "raw")}
    task = Classification(labels=["positive", "negative"])
    prepare_task(source, task, tmp_path / "out", tmp_path)
    assert len(read_examples(tmp_path / "out", "train", TextExample)) == 2


def test_a_lost_row_or_blank_line_of_a_treebank_is_noticed(tmp_path):
    def row(number: str) -> str:
        return "\t".join([number, "kelb", "_", "NOUN", *["_"] * 6]) + "\n"

    file = tmp_path / "t.conllu"
    file.write_text(row("1-2") + row("1") + row("2") + row("2.1") + "\n" + row("1"))
    assert [len(one.tokens) for one in read_conllu(file, ["NOUN"])] == [2, 1]
    for number, damaged in {
        2: row("1") + row("3"),
        3: row("1") + row("2") + row("1"),
        1: row("x"),
        4: row("1") + "\n" + "# text\n" + row("2"),
    }.items():
        file.write_text(damaged)
        with pytest.raises(UserError, match=rf"line {number}: the word's number is"):
            list(read_conllu(file, ["NOUN"]))


@pytest.mark.parametrize("name", ["data.txt", "../../data.txt", "/data.txt"])
def test_archives_are_refused_and_not_unpacked(tmp_path, name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "il kelb")
    with pytest.raises(UserError, match="is a zip archive; unpack it"):
        texts(tmp_path, packed.getvalue())
    assert [file.name for file in tmp_path.iterdir()] == ["raw"]
    assert not list(tmp_path.parent.glob("data.txt"))


def test_a_line_that_is_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LONGEST_LINE", 1000)
    (tmp_path / "a").write_bytes(b"a" * 1000)
    assert list(numbered_lines(tmp_path / "a")) == [(1, "a" * 1000)]
    (tmp_path / "a").write_bytes(gzip.compress(b"a\n" + b"a" * 1001))
    with pytest.raises(UserError, match=r"a, line 2: has more than \d+ MiB"):
        list(numbered_lines(tmp_path / "a"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"content": ' + "[" * 100_000, "is not valid JSON, or its brackets are nested too deep"),
        ('{"content": "a", "b": ' + "[" * 5000 + "]" * 5000 + "}", "brackets are nested too deep"),
        ('{"content": "a", "content": "b"}', "has the field 'content' 2 times"),
        ('{"content": "a", "b": {"c": 1, "c": 1}}', "has the field 'c' 2 times"),
        ('{"content": "a", "b": NaN}', "holds NaN, which JSON does not have; write null"),
        ('{"content": "a", "b": -Infinity}', "holds -Infinity, which JSON does not"),
        ('{"content": "a", "b": ' + "9" * 5000 + "}", "holds a number of thousands of digits"),
        ('{"content": 5}', "the field 'content' holds 5; it must hold text, or null for none"),
        ('{"body": "a"}', "the field 'content' is not there; it must hold text, or null"),
        ("{'content': 'a'}", "is not valid JSON; each line"),
    ],
    ids=lambda value: value[:30],
)
def test_odd_json_is_refused_in_one_sentence_with_its_line(tmp_path, line, said):
    (tmp_path / "a").write_text('{"content": "il"}\n' + line + "\n")
    with pytest.raises(UserError, match=f"a, line 2: .*{re.escape(said)}") as caught:
        list(read_jsonl(tmp_path / "a", "content"))
    assert "`field`" not in str(caught.value)


BOMB = """
import resource, sys
from pathlib import Path
from monoglot import script

def main():
    from monoglot.data.parquet import prepare_text
    from monoglot.tokenizer_json import read_tokenizer
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    if sys.argv[2] == "text":
        prepare_text({"format": "lines", "files": ["bomb.gz"]}, Path("out"), Path(sys.argv[1]))
    else:
        read_tokenizer(Path(sys.argv[1], "bomb.gz"), "bert")

script.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "tokenizer"])
def test_a_decompression_bomb_is_refused_within_bounded_memory(tmp_path, kind):
    """Eight gibibytes of zeros, in a file of eight megabytes, under a real limit of memory."""
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as file:
        for _ in range(128):
            file.write(bytes(1 << 26))
    run = subprocess.run(
        [sys.executable, "-c", BOMB, str(tmp_path), kind],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "more than 256 MiB" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_tokenizer_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("monoglot.tokenizer_json.LARGEST", 1000)
    (tmp_path / "t.json.gz").write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(UserError, match=r"t\.json\.gz: unpacks to more than"):
        read_tokenizer(tmp_path / "t.json.gz", "bert")
