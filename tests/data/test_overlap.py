"""Test sentences in training text, found by hand and by the module."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monoglot.data.overlap import (
    Overlap,
    found_in,
    overlaps,
    read_overlaps,
    repeated,
    words_of,
    write_overlaps,
)
from monoglot.data.parquet import prepare_task, prepare_text, read_sentences, read_texts
from monoglot.errors import UserError
from monoglot.evaluate import make_task

ROOT = Path(__file__).parents[2]

LONG = "Il-Gvern ħabbar illum li l-iskola l-ġdida se tinfetaħ f'Settembru li ġej, qal il-Ministru."
SHORT = "Iva, grazzi."


@pytest.mark.parametrize(
    "document",
    [
        LONG,
        LONG.upper(),
        f"Aħbarijiet. {LONG} Aktar dettalji għada.",
        LONG.replace(",", " —").replace("'", "’"),
        LONG.replace("illum", "dalgħodu ").replace("Aktar", ""),
    ],
)
def test_a_sentence_is_found_but_for_case_marks_and_a_word(document):
    assert found_in(["xi ħaġa oħra", document], {"tc": [LONG], "ner": ["xejn minn dan"]}) == {
        "tc": 1,
        "ner": 0,
    }


def test_half_a_sentence_is_not_the_sentence():
    half = " ".join(LONG.split()[:6])
    assert found_in([half], {"tc": [LONG]}) == {"tc": 0}


def test_a_short_sentence_counts_as_a_whole_document_alone():
    assert found_in([SHORT, "x"], {"sa": [SHORT]}) == {"sa": 1}
    assert found_in([f"{SHORT} Ma rridx aktar."], {"sa": [SHORT]}) == {"sa": 0}
    assert found_in(["", "..."], {"sa": ["", "!"]}) == {"sa": 0}


def test_a_sentence_counts_once_and_equal_sentences_each():
    assert found_in([LONG, LONG], {"test": [LONG, LONG, "other words here"]}) == {"test": 2}


def test_what_is_found_is_what_was_planted():
    """Among 2,000 documents of invented words, of which 37 hold a test sentence."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefgh", k=5)) for _ in range(400)]
    sentences = [" ".join(draw.choices(words, k=draw.randint(6, 20))) for _ in range(100)]
    documents = [" ".join(draw.choices(words, k=40)) for _ in range(2000)]
    for number, sentence in enumerate(sentences[:37]):
        documents[50 * number] += f" {sentence.capitalize()}. " + documents[1]
    assert found_in(documents, {"test": sentences}) == {"test": 37}


def test_test_sentences_that_are_in_train():
    assert repeated(["A b c.", "d e"], ["a  B, c", "d e f", "D E"]) == 2


def test_words_are_those_of_one_form_of_unicode():
    assert words_of("ÉCOLE, e\u0301cole!") == ("école", "école")


def test_what_a_language_holds_of_its_sets(tmp_path):
    tasks = {"tc": {"train": [SHORT, "a b"], "dev": ["c d"], "test": [SHORT, LONG, "e f"]}}
    rows = overlaps(tasks, [f"Ara: {LONG}", "c D!"], ["c d", "g h"])
    assert rows == [
        Overlap(task="tc", split="test", within="train", found=1, sentences=3),
        Overlap(task="tc", split="dev", within="text", found=1, sentences=1),
        Overlap(task="tc", split="test", within="text", found=1, sentences=3),
        Overlap(task="validation", split="", within="text", found=1, sentences=2),
    ]
    assert list(map(str, rows[::2])) == [
        "1 of 3 test sentences of tc are in its train",
        "1 of 3 test sentences of tc are in the text",
    ]
    assert str(rows[3]) == "1 of 2 validation sentences are in the text"
    write_overlaps(tmp_path / "mt.json", rows)
    assert read_overlaps(tmp_path / "mt.json") == rows
    (tmp_path / "mt.json").write_text('[{"task": "tc"}]')
    with pytest.raises(UserError, match="holds no counts of sentences"):
        read_overlaps(tmp_path / "mt.json")


TC = {"kind": "classification", "labels": ["negative", "positive"]}


@pytest.fixture
def sets(tmp_path):
    """A text of three documents, of which one holds a dev and one a test sentence, and a task."""
    (tmp_path / "text.txt").write_text(f"Ara: {LONG}\n{SHORT}\nxi ħaġa oħra\n")
    for split, sentence in (("train", "a b c"), ("dev", SHORT), ("test", LONG)):
        (tmp_path / f"{split}.csv").write_text(f'text,label\n"{sentence}",1\n')
    source = {"format": "sentiment", "files": {s: f"{s}.csv" for s in ("train", "dev", "test")}}
    task = make_task("tc", {**TC, "metric": None})
    prepare_task(source, task, tmp_path / "tc.parquet", tmp_path)
    return tmp_path


def script(name: str, *options: object) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / f"scripts/{name}.py", *map(str, options)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_documents_with_evaluation_sentences_are_left_out(sets):
    source = "{format: lines, files: [text.txt]}"
    out = sets / "out.parquet"
    script("read_text", "--source", source, "--root", sets, "--out", out)
    assert len(list(read_texts(out))) == 3
    script(
        "read_text",
        "--source",
        source,
        "--root",
        sets,
        "--out",
        out,
        "--exclude",
        sets / "tc.parquet",
    )
    assert list(read_texts(out)) == ["xi ħaġa oħra"]
    provenance = json.loads((sets / "out.provenance.json").read_text())
    assert set(provenance["inputs"]) == {"tc.parquet", "text.txt"}


@pytest.mark.parametrize(
    "rows",
    [
        {"split": ["train"]},
        {"split": ["other"], "text": ["a"]},
        {"split": ["test"], "text": [None]},
        {"split": ["test"], "words": [["a", None]]},
        {"split": ["test"], "number": [1]},
    ],
)
def test_what_holds_no_examples_is_refused(tmp_path, rows):
    pq.write_table(pa.table(rows), tmp_path / "tc.parquet")
    with pytest.raises(UserError, match="row 1: holds no example; read the raw files again"):
        read_sentences(tmp_path / "tc.parquet")


def test_the_job_that_counts_says_what_it_found(sets):
    source = {"format": "lines", "files": ["text.txt"]}
    prepare_text(source, sets / "text.parquet", sets)
    said = script(
        "overlap",
        *("--text", sets / "text.parquet", "--validation", sets / "text.parquet"),
        *("--tasks", "tc", "--examples", sets / "tc.parquet"),
        *("--out", sets / "overlap.json"),
    )
    assert "1 of 1 test sentences of tc are in the text" in said
    found = {
        (one.task, one.split, one.within): one.found for one in read_overlaps(sets / "overlap.json")
    }
    assert found == {
        ("tc", "test", "train"): 0,
        ("tc", "dev", "text"): 1,
        ("tc", "test", "text"): 1,
        ("validation", "", "text"): 3,
    }
