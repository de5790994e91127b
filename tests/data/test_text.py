"""Running text: formats, caps, bad input, and what is written."""

import gzip
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monoglot.data.parquet import prepare_text, read_texts
from monoglot.errors import UserError

ROOT = Path(__file__).parents[2]
# Without a time of making, so that every process of a parallel run names its tests alike.
LONG = gzip.compress(b"a\nb\n" * 9999, mtime=0)
SHORT = gzip.compress(b"a\nb\n", mtime=0)


def prepare(folder: Path, source: dict, limit: int | None = None) -> list[str]:
    out = folder / "out" / "text.parquet"
    prepare_text(source, out, folder, limit)
    return list(read_texts(out))


def refuse(folder: Path, source: dict) -> str:
    """Return the message of the refusal, after checking that nothing was written."""
    with pytest.raises(UserError) as caught:
        prepare(folder, source)
    assert not list((folder / "out").glob("*"))
    return str(caught.value)


def test_lines_of_plain_and_gzip_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffIl-kelb\r\n\r\n  \nqattus\u2028u ġurdien\n".encode())
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"dar\nbelt"))
    source = {"format": "lines", "files": ["a.txt", "b.txt.gz"]}
    assert prepare(tmp_path, source) == ["Il-kelb", "qattus\u2028u ġurdien", "dar", "belt"]


def test_jsonl_takes_the_field_and_leaves_empty_texts_out(tmp_path: Path) -> None:
    lines = [json.dumps({"content": text, "body": "b"}) for text in ("one\ntwo", "", "ħobż")]
    (tmp_path / "a.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    source = {"format": "jsonl", "files": ["a.jsonl"]}
    assert prepare(tmp_path, source) == ["one\ntwo", "ħobż"]
    assert prepare(tmp_path, {**source, "field": "body"}) == ["b", "b", "b"]


def test_null_texts_are_left_out_of_every_format(tmp_path: Path) -> None:
    texts = ["a", None, "", " ", "b"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"t": one}) + "\n" for one in texts))
    pq.write_table(pa.table({"t": texts}), tmp_path / "a.parquet")
    for form in ("jsonl", "parquet"):
        source = {"format": form, "files": [f"a.{form}"], "field": "t"}
        assert prepare(tmp_path, source) == ["a", "b"]
    (tmp_path / "out/text.parquet").unlink()
    (tmp_path / "a.jsonl").write_text('{"t": null}\n')
    pq.write_table(pa.table({"t": [None]}), tmp_path / "a.parquet")
    for form in ("jsonl", "parquet"):
        source = {"format": form, "files": [f"a.{form}"], "field": "t"}
        assert "it holds no text" in refuse(tmp_path, source)


def test_parquet_takes_the_field(tmp_path: Path) -> None:
    pq.write_table(pa.table({"content": ["a", None, "", "b"]}), tmp_path / "a.parquet")
    source = {"format": "parquet", "files": ["a.parquet"]}
    assert prepare(tmp_path, source) == ["a", "b"]
    assert "no column 'body'; it has content; name the one of the text as `field`" in refuse(
        tmp_path / "x", {**source, "field": "body", "files": [str(tmp_path / "a.parquet")]}
    )


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"]], names=["content", "content"])
    pq.write_table(table, tmp_path / "a.parquet")
    assert "a.parquet: 2 columns are called 'content'; rename all but one" in refuse(
        tmp_path, {"format": "parquet", "files": ["a.parquet"]}
    )


def test_of_parquet_only_the_rows_and_the_column_asked_for_are_read(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(4096)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"content": texts, "other": texts}), path, row_group_size=2048)
    content = bytearray(path.read_bytes())
    groups = pq.ParquetFile(path).metadata
    for column in (groups.row_group(0).column(1), groups.row_group(1).column(0)):
        start = column.dictionary_page_offset
        content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)
    source = {"format": "parquet", "files": ["a.parquet"]}
    assert prepare(tmp_path, source, limit=2000) == texts[:2000]
    (tmp_path / "out/text.parquet").unlink()
    assert "a.parquet: the parquet file is broken" in refuse(tmp_path, source)


def test_the_smaller_limit_holds(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n3\n4\n")
    source = {"format": "lines", "files": ["a"], "limit": 3}
    assert prepare(tmp_path, source) == ["1", "2", "3"]
    assert prepare(tmp_path, source, limit=2) == ["1", "2"]
    assert prepare(tmp_path, source, limit=9) == ["1", "2", "3"]


def test_one_document_in_fifty_is_held_out_at_most_500(tmp_path: Path) -> None:
    lines = [str(number) for number in range(25_101)]
    (tmp_path / "a").write_text("\n".join(lines))
    parts = [
        prepare(tmp_path, {"format": "lines", "files": ["a"], "limit": limit, "part": part})
        for limit in (120, 30_000)
        for part in ("heldout", "training")
    ]
    assert parts[0] == ["0", "50", "100"]
    assert parts[2] == lines[:25_000:50]
    assert sorted(parts[0] + parts[1]) == sorted(lines[:120])
    assert sorted(parts[2] + parts[3]) == sorted(lines)
    assert parts[3] == [line for line in lines if line not in set(parts[2])]


def test_megabytes_cap_one_file_and_count_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ġġ\nġġ\nġġ\n", encoding="utf-8")
    (tmp_path / "b").write_text("last\n")
    source = {"format": "lines", "files": [{"path": "a", "limit_megabytes": 9e-6}, "b"]}
    assert prepare(tmp_path, source) == ["ġġ", "ġġ", "last"]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("".join(f"line {n}\n" for n in range(20000)))
    source = {"format": "lines", "files": ["a"]}
    for name in ("1", "2"):
        prepare_text(source, tmp_path / name, tmp_path)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert pq.ParquetFile(tmp_path / "1").num_row_groups == 3


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.gz", "wt", compresslevel=1) as file:
        for number in range(300_000):
            file.write(f"{number} {'x' * 100}\n")
    tracemalloc.start()
    prepare_text({"format": "lines", "files": ["a.gz"]}, tmp_path / "out", tmp_path)
    count = sum(1 for _ in read_texts(tmp_path / "out"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_000
    assert peak < 8_000_000  # the corpus is 32 MB of text


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("lines", b"good\nb\xffd\n", "a, line 2, byte 2: is not UTF-8"),
        ("lines", b"\n \r\n", "it holds no text"),
        ("lines", b"", "it holds no text"),
        ("lines", LONG[:-20], "the gzip file is broken after line"),
        ("lines", SHORT[:-1] + b"?", "the gzip file is broken after line"),
        ("jsonl", b'{"content": "a"}\n{"content"\n', "a, line 2: is not valid JSON"),
        (
            "jsonl",
            b'{"text": "a"}\n',
            "'content'; its fields are text; name the one of the text as `",
        ),
        ("jsonl", b'{"content": 3}\n', "a, line 1: has no text in the field 'content'"),
        ("jsonl", b"[]\n", "a, line 1: must be a JSON object"),
        ("jsonl", b'{"content": "a\\ud800"}\n', "a, line 1: character 2 of the text is half"),
        ("parquet", b"PAR1 no PAR1", "a: is not a parquet file"),
        ("sib200", b"a\n", "format: 'sib200' is not known here"),
    ],
)
def test_bad_content_is_refused(tmp_path: Path, form: str, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert message in refuse(tmp_path, {"format": form, "files": ["a"]})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"format": "lines", "files": ["none"]}, "none: there is no such file"),
        ({"format": "parquet", "files": ["none"]}, "none: there is no such file"),
        ({"format": "lines", "files": ["."]}, "cannot be read (Is a directory)"),
        ({"format": "lines", "files": "a"}, "files: is 'a'; it must be a list"),
        ({"format": "lines", "files": [{"path": "a", "megabytes": 1}]}, "must have path and limit"),
        ({"format": "lines"}, "must have either format and files"),
        ({"files": ["a"]}, "must have either format and files"),
        ({"format": "lines", "files": ["a"], "limits": 3}, "the key 'limits' is not known"),
    ],
)
def test_a_bad_source_is_refused(tmp_path: Path, source: dict, message: str) -> None:
    assert message in refuse(tmp_path, source)


def test_reading_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"words": ["a"]}), tmp_path / "a")
    with pytest.raises(UserError, match="has no column 'text'"):
        list(read_texts(tmp_path / "a"))
    with pytest.raises(UserError, match="there is no such file"):
        list(read_texts(tmp_path / "b"))


def test_command_prints_one_sentence_and_writes_nothing(tmp_path: Path) -> None:
    def run(source: str) -> subprocess.CompletedProcess:
        script = [sys.executable, ROOT / "scripts/read_text.py"]
        options = ["--source", source, "--root", tmp_path, "--out", tmp_path / "out.parquet"]
        environment = {"PYTHONPATH": str(ROOT)}
        return subprocess.run([*script, *options], env=environment, capture_output=True, text=True)

    (tmp_path / "a").write_text("one\n")
    failed = run("{format: lines, files: [b]}")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert len(failed.stderr.splitlines()) == 1
    assert run("{format: lines, files").stderr.startswith("error: source: is not YAML")
    assert run("lines").stderr.startswith("error: source: is 'lines'")
    assert not (tmp_path / "out.parquet").exists()
    assert run("{format: lines, files: [a]}").returncode == 0
    assert list(read_texts(tmp_path / "out.parquet")) == ["one"]
