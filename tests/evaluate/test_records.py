import json
import subprocess
import sys

import pytest

from monoglot.errors import UserError
from monoglot.evaluate.records import TABLE_FIELDS, read_record, read_records, write_record


@pytest.fixture
def record() -> dict:
    return {
        "model": "mbert",
        "language": "mt",
        "variant": "kd",
        "task": "tc",
        "seed": 1,
        "metric": "macro_f1",
        "score": 0.5,
        "scores": {"macro_f1": 0.5, "accuracy": 1, "majority": 0.1},
        "n_train": 10,
        "n_test": 5,
        "n_words_without_subtoken": 0,
        "n_test_words": 40,
        "n_test_words_cut": 3,
        "errors": {"macro_f1": 0.1, "accuracy": 0.0},
        "shared_errors": {"macro_f1": 0.08, "accuracy": 0.0},
        "chance": {"macro_f1": 0.1, "accuracy": 0.2},
        "parameters": 100,
        "parameters_encoder_pooler": 90,
        "adapter_parameters": 10,
        "head_parameters": 5,
        "seconds": 1.5,
        "peak_memory_bytes": 1000,
        "versions": {"python": "3.11"},
        "hardware": {"gpu": None},
        "git_commit": None,
        "inputs": {"examples": "0" * 64},
        "settings": {"epochs": 2},
    }


def test_a_record_comes_back_as_it_was(tmp_path, record):
    write_record(tmp_path / "seed1.json", record)
    assert read_record(tmp_path / "seed1.json") == record
    keys = list(json.loads((tmp_path / "seed1.json").read_text()))
    assert keys == sorted(keys)


def test_a_baseline_has_no_size(tmp_path, record):
    write_record(tmp_path / "seed1.json", record | {"parameters": None})
    assert read_record(tmp_path / "seed1.json")["parameters"] is None


def test_records_are_read_in_order_of_their_paths(tmp_path, record):
    for name, seed in (("b/seed1.json", 1), ("a/seed2.json", 2), ("a/seed1.json", 3)):
        write_record(tmp_path / name, {**record, "seed": seed})
    assert [found["seed"] for found in read_records(tmp_path)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "1"}, "'seed' is '1'; it must be a whole number"),
        (
            {"errors": {"macro_f1": -0.1}},
            "'errors' is .*; it must map metrics to numbers from 0 up",
        ),
        (
            {"shared_errors": {"macro_f1": -0.1}},
            "'shared_errors' is .*; it must map metrics to numbers from 0 up",
        ),
        ({"chance": {"macro_f1": None}}, "'chance' is .*; it must map metrics to numbers in 0..1"),
        ({"n_test_words_cut": 41}, "n_test_words_cut are 5, 40 and 41; they must be counts"),
        ({"n_test_words": -1}, "they must be counts"),
        ({"seed": True}, "'seed' is True"),
        ({"parameters": 1.5}, "'parameters' is 1.5"),
        ({"seconds": None}, "'seconds' is None; it must be a number"),
        ({"scores": []}, "'scores' is .*must be a mapping"),
        ({"score": 50.0}, "the score 'score' is 50.0; it must lie in 0..1"),
        ({"score": 0.4}, "'score' is 0.4; it must be the value of 'macro_f1'"),
        ({"metric": "word_f1"}, "'scores' has no 'word_f1', which is the metric"),
        ({"git_commit": 7}, "'git_commit' must be"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(tmp_path, record, change, message):
    with pytest.raises(UserError, match=message):
        write_record(tmp_path / "seed1.json", record | change)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change", [{"seed": "1"}, {"parameters": 1.5}, {"scores": []}, {"score": 50}, {"score": 0.4}]
)
def test_a_value_that_a_table_cannot_show_is_refused_when_read(tmp_path, record, change):
    (tmp_path / "seed1.json").write_text(json.dumps(record | change))
    with pytest.raises(UserError, match=r"seed1\.json: "):
        read_record(tmp_path / "seed1.json")


def test_every_key_is_needed_to_write(tmp_path, record):
    for key in record:
        less = {name: value for name, value in record.items() if name != key}
        with pytest.raises(UserError, match=f"'{key}'"):
            write_record(tmp_path / "seed1.json", less)


def test_a_record_from_elsewhere_needs_only_what_a_table_shows(tmp_path, record):
    less = {name: record[name] for name in TABLE_FIELDS}
    (tmp_path / "seed1.json").write_text(json.dumps(less))
    assert read_record(tmp_path / "seed1.json") == less


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_file_that_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "seed1.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"seed1\.json: "):
        read_record(tmp_path / "seed1.json")
    with pytest.raises(UserError, match="there is no such record"):
        read_record(tmp_path / "seed2.json")


def test_reading_records_needs_no_torch():
    code = "import sys, monoglot.evaluate.records; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
