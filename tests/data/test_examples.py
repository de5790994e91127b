"""Labelled data: the published formats, bad input, and what is written."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monoglot.data.parquet import count_examples, prepare_task, read_examples
from monoglot.data.readers import SPLITS, Example, TaggedExample, TextExample, tag_inventory
from monoglot.errors import UserError
from monoglot.evaluate import make_task
from monoglot.evaluate.task_classification import Classification

POLARITY = ["negative", "positive"]
UPOS = ["NOUN", "VERB", "ADP"]


def prepare(
    folder: Path,
    form: str,
    content: bytes,
    labels: list[str],
    scheme: str = "plain",
    **more: object,
) -> list[Example]:
    """Read `content` as train, dev and test, and return the examples of test."""
    (folder / "a").write_bytes(content)
    kind = "tagging" if form in ("wikiann", "conllu", "token_tag") else "classification"
    caps = more.pop("caps", None)
    source = {"format": form, "files": dict.fromkeys(SPLITS, "a"), **more}
    task = make_task("t", {"kind": kind, "labels": labels, "scheme": scheme})
    prepare_task(source, task, folder / "out" / "task", folder, caps)
    return read_examples(folder / "out" / "task", "test", task.example)


def conllu(number: str, word: str, tag: str) -> bytes:
    return "\t".join([number, word, "_", tag, *["_"] * 6]).encode() + b"\n"


def test_sib200_reads_quotes_as_they_are(tmp_path: Path) -> None:
    content = 'index_id\tcategory\ttext\n7\tsports\t"Il-ballun\n8\thealth\tħobż\n'.encode()
    expected = [TextExample('"Il-ballun', "sports"), TextExample("ħobż", "health")]
    assert prepare(tmp_path, "sib200", content, ["sports", "health"]) == expected


def test_sentiment_reads_quoted_line_breaks_and_crlf(tmp_path: Path) -> None:
    content = b'1,"two\nlines, ""good"""\r\n0,bad\r\n'
    expected = [TextExample('two\nlines, "good"', "positive"), TextExample("bad", "negative")]
    assert prepare(tmp_path, "sentiment", content, POLARITY) == expected
    assert prepare(tmp_path, "sentiment", b"label,text\n" + content, POLARITY) == expected
    swapped = b"text,label\ngood,1\n"
    assert prepare(tmp_path, "sentiment", swapped, POLARITY) == [TextExample("good", "positive")]


@pytest.mark.parametrize("header", ["tweet\tlabel\n", "ID\ttweet\tlabel\n"])
def test_afrisenti_with_and_without_ids(tmp_path: Path, header: str) -> None:
    rows = [("  nzuri", "positive"), ("sawa", "neutral"), ('"mbaya', "negative")]
    number = "sw_1\t" if "ID" in header else ""
    content = (header + "".join(f"{number}{text}\t{label}\n" for text, label in rows)).encode()
    found = prepare(tmp_path, "afrisenti", content, POLARITY, drop_labels=["neutral"])
    assert found == [TextExample("  nzuri", "positive"), TextExample('"mbaya', "negative")]
    with pytest.raises(UserError, match="a, line 3: the label is 'neutral'; it must be one of neg"):
        prepare(tmp_path, "afrisenti", content, POLARITY)


def test_wikiann_strips_a_prefix_that_every_token_has(tmp_path: Path) -> None:
    content = "mt:Marija\tB-PER\nmt:mt:\tO\n\nmt:Għawdex\tI-LOC\n".encode()
    expected = [
        TaggedExample(("Marija", "mt:"), ("B-PER", "O")),
        TaggedExample(("Għawdex",), ("I-LOC",)),
    ]
    assert prepare(tmp_path, "wikiann", content, ["PER", "LOC"], "iob2") == expected
    plain = b"re: O\nDar B-LOC\n"
    expected = [TaggedExample(("re:", "Dar"), ("O", "B-LOC"))]
    assert prepare(tmp_path, "wikiann", plain, ["LOC"], "iob2") == expected


def wikiann(prefixed: int, plain: int) -> bytes:
    return b"mt:dar\tO\n\n" * prefixed + b"Malta\tB-LOC\n\n" * plain


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (wikiann(500, 1), 1001),
        (b"Malta\tB-LOC\n" + wikiann(500, 0), 1),
        (wikiann(100, 0) + b"en:Malta\tB-LOC\n", 201),
        (wikiann(10, 80), 21),
        (wikiann(2, 2), 5),
    ],
)
def test_wikiann_with_the_prefix_on_some_words_is_refused(tmp_path, content, line) -> None:
    with pytest.raises(
        UserError, match=rf"a, line {line}: the word '.*' does not begin with 'mt:'"
    ):
        prepare(tmp_path, "wikiann", content, ["PER", "LOC"], "iob2")


def test_wikiann_keeps_words_that_look_like_a_prefix(tmp_path: Path) -> None:
    content = b"re:dar\tO\n" + b"Malta\tB-LOC\n" * 20
    found = prepare(tmp_path, "wikiann", content, ["LOC"], "iob2")
    assert found[0].tokens[:2] == ("re:dar", "Malta")


def test_conllu_reads_words_only(tmp_path: Path) -> None:
    rows = [conllu("1-2", "naňho", "_"), conllu("1", "na", "ADP"), conllu("2", "neho", "NOUN")]
    content = b"# text = x\n" + b"".join(rows) + conllu("2.1", "x", "_") + b"\n"
    content += conllu("1", "je to", "VERB")
    expected = [
        TaggedExample(("na", "neho"), ("ADP", "NOUN")),
        TaggedExample(("je to",), ("VERB",)),
    ]
    assert prepare(tmp_path, "conllu", content, UPOS) == expected


def test_token_tag(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfKundi NOUN\r\nlina VERB\r\n\r\n\r\nza ADP\r\n"
    expected = [
        TaggedExample(("Kundi", "lina"), ("NOUN", "VERB")),
        TaggedExample(("za",), ("ADP",)),
    ]
    assert prepare(tmp_path, "token_tag", content, UPOS) == expected


def test_caps_keep_examples_evenly_spread_over_a_split(tmp_path: Path) -> None:
    content = b"".join(b"%d,%d\n" % (number > 3, number) for number in range(7))  # sorted by label
    found = prepare(tmp_path, "sentiment", content, POLARITY, caps={"dev": 7, "test": 3})
    assert [example.text for example in found] == ["0", "2", "4"]
    assert len(read_examples(tmp_path / "out/task", "train", TextExample)) == 7
    assert len(read_examples(tmp_path / "out/task", "dev", TextExample)) == 7
    assert count_examples(tmp_path / "out/task") == {"train": 7, "dev": 7, "test": 3}


def test_the_file_has_the_promised_columns_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    prepare(tmp_path, "token_tag", b"za ADP\n", UPOS)
    first = (tmp_path / "out/task").read_bytes()
    table = pq.read_table(tmp_path / "out/task")
    assert table.schema.names == ["split", "tokens", "tags"]
    assert table["split"].to_pylist() == list(SPLITS)
    prepare(tmp_path, "token_tag", b"za ADP\n", UPOS)
    assert (tmp_path / "out/task").read_bytes() == first


def test_parquet_numbers_need_names(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1, 0]}), tmp_path / "a.parquet")
    source = {"format": "parquet", "files": dict.fromkeys(SPLITS, "a.parquet")}
    task = Classification(labels=POLARITY)
    with pytest.raises(UserError, match=r"row 1: the label is 1, which has no name.*`names`"):
        prepare_task(source, task, tmp_path / "out", tmp_path)
    source["names"] = POLARITY
    prepare_task(source, task, tmp_path / "out", tmp_path)
    expected = [TextExample("a", "positive"), TextExample("b", "negative")]
    assert read_examples(tmp_path / "out", "dev", TextExample) == expected


@pytest.mark.parametrize(
    "values",
    [
        [1, 0],
        [1.0, 0.0],
        [True, False],
        ["1", "0"],
        ["1.0", "0.0"],
        ["True", "False"],
        ["positive", "negative"],
    ],
    ids=str,
)
def test_labels_are_whole_numbers_in_any_type(tmp_path: Path, values: list) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": values}), tmp_path / "a.parquet")
    source = {"format": "parquet", "files": dict.fromkeys(SPLITS, "a.parquet"), "names": POLARITY}
    prepare_task(source, Classification(labels=POLARITY), tmp_path / "o", tmp_path)
    expected = [TextExample("a", "positive"), TextExample("b", "negative")]
    assert read_examples(tmp_path / "o", "dev", TextExample) == expected
    if values[0] != "positive":
        content = f"{values[0]},a\n{values[1]},b\n".encode()
        assert prepare(tmp_path, "sentiment", content, POLARITY) == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [0.0, 1.5]}, "row 2: the label is 1.5; it must be a whole number from 0 to 1"),
        ({"label": [0, 2]}, "row 2: the label is 2; it must be a whole number from 0 to 1"),
        ({"label": [0, -1]}, "row 2: the label is -1; it must be a whole number from 0 to 1"),
        ({"label": [1, None]}, "row 2: has no label; give it one, or leave the example out"),
        ({"label": [1.0, float("nan")]}, "row 2: has no label; give it one"),
        ({"label": ["positive", "good"]}, "row 2: the label is 'good'; it must be one of negative"),
        ({"label": ["1", "positive"]}, "row 2: the label is positive; the labels of a table must"),
        ({"label": [0, 1], "text": ["a", None]}, "row 2: there is a label but no text"),
        ({"label": [0, 1], "text": [1, 2]}, "row 1: the column 'text' holds 1; it must hold text"),
    ],
    ids=str,
)
def test_labels_and_texts_that_are_none_are_refused(tmp_path, columns, message) -> None:
    table = pa.table({"text": ["a", "b"]} | columns)
    pq.write_table(table, tmp_path / "a.parquet")
    source = {"format": "parquet", "files": dict.fromkeys(SPLITS, "a.parquet"), "names": POLARITY}
    with pytest.raises(UserError) as caught:
        prepare_task(source, Classification(labels=POLARITY), tmp_path / "out", tmp_path)
    assert f"a.parquet, {message}" in str(caught.value)
    assert "give the names" not in str(caught.value)


@pytest.mark.parametrize("word", ["", " ", None])
def test_a_word_that_is_none_is_refused_with_its_place(tmp_path: Path, word: str | None) -> None:
    pq.write_table(
        pa.table({"tokens": [["a", word]], "tags": [["NOUN"] * 2]}), tmp_path / "a.parquet"
    )
    source = {"format": "parquet", "files": dict.fromkeys(SPLITS, "a.parquet")}
    task = make_task("t", {"kind": "tagging", "labels": UPOS, "scheme": "plain"})
    with pytest.raises(
        UserError, match=r"row 1: word 2 of the column 'tokens' is .*; it must be text"
    ):
        prepare_task(source, task, tmp_path / "out", tmp_path)


def test_tag_inventory() -> None:
    assert tag_inventory(["PER", "LOC"], "iob2") == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    assert tag_inventory(UPOS, "plain") == UPOS
    with pytest.raises(UserError, match="scheme: 'bio' is not known"):
        tag_inventory(UPOS, "bio")


SIB = b"index_id\tcategory\ttext\n"


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("sib200", b"", "there is no example in train"),
        ("sib200", SIB, "there is no example in train"),
        ("sib200", b"1\tNOUN\tx\n", "a, line 1: the header is '1 NOUN x'; it must be 'index_id"),
        ("sib200", SIB + b"1\tNOUN\n", "a, line 2: has 2 columns; it must have 3"),
        ("sib200", SIB + b"1\tNOUN\tx\ty\n", "a, line 2: has 4 columns; it must have 3"),
        ("sib200", SIB + b"1\tnoun\tx\n", "a, line 2: the label is 'noun'; it must be one of NOUN"),
        ("sib200", SIB + b"1\tNOUN\t \n", "a, line 2: there is a label but no text"),
        ("sib200", SIB + b"1\tNOUN\t\xe0\n", "a, line 2, byte 8: is not UTF-8"),
        ("sentiment", b"1,a\n2,b\n", "a, line 2: the label is '2'; it must be 0 (negative)"),
        ("sentiment", b"label,text\n1,a\nlabel,text\n", "a, line 3: the label is 'label'"),
        ("sentiment", b"1,a\n0.5,b\n", "a, line 2: the label is '0.5'; it must be 0 (negative)"),
        ("sentiment", b"1,a\n,b\n", "a, line 2: the label is ''; it must be 0 (negative)"),
        ("sentiment", b"1,a\n1,\n", "a, line 2: there is a label but no text"),
        ("sentiment", b"1,a\n1,b,c\n", "a, line 2: has 3 columns; it must have two"),
        ("sentiment", b'1,a\n1,"b\n', "a, line 2: is not valid CSV"),
        (
            "afrisenti",
            b"tweet\n",
            "a, line 1: the header is 'tweet'; it must be 'tweet",
        ),
        ("wikiann", b"a O\nb\n", "a, line 2: is 'b'; it must be a word and its tag"),
        ("wikiann", b"mt:a\tO\nmt:\tO\n", "a, line 2: there is a tag but no word"),
        ("wikiann", b"a B-GPE\n", "a, line 1: the tag is 'B-GPE'; it must be one of O, B-NOUN"),
        ("token_tag", b"a NOUN \n", "a, line 1: is 'a NOUN '; it must be a word and its tag"),
        ("token_tag", b"a PROPN\n", "a, line 1: the tag is 'PROPN'; it must be one of NOUN"),
        ("token_tag", b"\n\n", "there is no example in train"),
        (
            "token_tag",
            b"-DOCSTART- NOUN\n",
            "a, line 1: begins with the mark of a new document, which is no word",
        ),
        (
            "token_tag",
            b"a NOUN\n\xef\xbb\xbfb NOUN\n",
            "a, line 2: begins with a mark of byte order",
        ),
        ("conllu", conllu("1", "", "_"), "a, line 1: there is no word in the second column"),
        ("conllu", conllu("1", "", ""), "a, line 1: there is no word in the second column"),
        ("conllu", b"1\ta\tNOUN\n", "a, line 1: has 3 columns; a CoNLL-U row has 10"),
        ("conllu", conllu("1", "a", "_"), "a, line 1: the tag is '_'; it must be one of NOUN"),
        ("lines", b"a\n", "format: 'lines' is not known here; it must be one of sib200"),
    ],
)
def test_bad_content_is_refused(tmp_path: Path, form: str, content: bytes, message: str) -> None:
    scheme = "iob2" if form == "wikiann" else "plain"
    labels = POLARITY if form in ("sentiment", "afrisenti") else UPOS
    with pytest.raises(UserError) as caught:
        prepare(tmp_path, form, content, labels, scheme)
    assert message in str(caught.value)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": {"train": "a", "dev": "a"}}, "files: must name train, dev, test"),
        ({"files": dict.fromkeys(SPLITS, "b")}, "b: there is no such file"),
        ({"drop_label": ["NOUN"]}, "the key 'drop_label' is not known"),
        ({"splits": {}}, "the key 'splits' is not known"),
    ],
)
def test_a_bad_source_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tmp_path, "sib200", SIB + b"1\tNOUN\tx\n", UPOS, **change)


def test_an_unknown_kind_or_split_is_refused(tmp_path: Path) -> None:
    known = "classification, retrieval, tagging"
    with pytest.raises(UserError, match=f"kind: 'parsing' must be one of {known}"):
        make_task("t", {"kind": "parsing", "labels": UPOS})
    prepare(tmp_path, "token_tag", b"za ADP\n", UPOS)
    with pytest.raises(UserError, match="the split is 'validation'; it must be one of train"):
        read_examples(tmp_path / "out/task", "validation", TaggedExample)
