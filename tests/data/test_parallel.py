"""Sentences and their translations: two files, line by line."""

from pathlib import Path

import pytest

from monoglot.config_schema import LabelledSource
from monoglot.data.readers import ParallelExample
from monoglot.data.sources import parallel_examples
from monoglot.errors import UserError

SOURCE = {"format": "parallel", "files": {"source": "mt.txt", "target": "en.txt"}}


def write(folder: Path, **sides: bytes) -> None:
    for name, content in sides.items():
        (folder / f"{name}.txt").write_bytes(content)


def read(folder: Path) -> list[ParallelExample]:
    return list(parallel_examples(SOURCE, folder))


def test_each_line_is_read_with_its_translation(tmp_path):
    write(tmp_path, mt=b"Il-kelb.\r\nId-dar \r\n", en=b"The dog.\nThe house")
    assert read(tmp_path) == [
        ParallelExample("Il-kelb.", "The dog."),
        ParallelExample("Id-dar", "The house"),
    ]


@pytest.mark.parametrize(
    ("mt", "en", "message"),
    [
        (b"a\nb\n", b"a\n", r"en\.txt: ends after 1 sentences, but .*mt\.txt goes on; line by"),
        (b"a\n", b"a\nb\nc\n", r"mt\.txt: ends after 1 sentences, but .*en\.txt goes on"),
        (b"a\n\nc\n", b"a\nb\nc\n", r"mt\.txt, line 2: is empty; it must hold a sentence"),
        (b"a\n", b"<html>\n", r"en\.txt, line 1: is a web page"),
        (b"a\n", b"\xff\n", r"en\.txt, line 1, byte 1: is not UTF-8"),
    ],
)
def test_what_is_not_parallel_is_refused(tmp_path, mt, en, message):
    write(tmp_path, mt=mt, en=en)
    with pytest.raises(UserError, match=message):
        read(tmp_path)


def test_a_missing_side_is_named(tmp_path):
    write(tmp_path, mt=b"a\n")
    with pytest.raises(UserError, match=r"en\.txt: there is no such file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": {"source": "mt.txt"}}, "files: must name source, target; the source has"),
        ({"format": "sib200"}, "format: is 'sib200'; for sentences and their translations it must"),
        ({"fields": {"text": "a"}}, "source: the key 'fields' is not known"),
    ],
)
def test_a_source_of_another_form_is_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        list(parallel_examples(SOURCE | change, tmp_path))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"source": "a"}, "files: the key 'target' is missing"),
        ({"train": "a", "dev": "a"}, "files: the key 'test' is missing"),
        ({"source": "a", "target": 1}, r"files\.target: 1 is not of type string"),
        ("a", "files: 'a' is not of type object"),
    ],
)
def test_a_block_names_splits_or_sides(files, message):
    with pytest.raises(UserError, match=rf"^data\.bitext\.default\.{message}"):
        LabelledSource.checked(SOURCE | {"files": files}, "data.bitext.default")
