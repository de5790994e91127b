"""From a number of a table back to what it came from, by the command line."""

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from click.testing import CliRunner

from monoglot import lineage, provenance
from monoglot.cli.main import main
from monoglot.evaluate.records import FIELDS, write_record
from monoglot.fingerprint import ROOT

SCORES = {"kd": 0.5, "base": 0.25}


def script(name: str) -> str:
    return str(ROOT / "scripts" / f"{name}.py")


def record(variant: str, task: str) -> dict:
    empty = {kind: kind() for kind in (str, int, float, dict)}
    about = {"variant": variant, "task": task, "model": "xlmr", "language": "mt", "seed": 1}
    score = {"metric": "macro_f1", "score": SCORES[variant], "parameters": 1}
    score["git_commit"] = None
    scores = {"scores": {"macro_f1": SCORES[variant]}}
    return {key: empty[kind] for key, kind in FIELDS.items()} | about | score | scores


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder as jobs leave it: raw text, two variants, their scores, a table."""
    folder = tmp_path / "results"
    raw = tmp_path / "raw.tsv"
    raw.write_text("raw")
    examples = folder / "data" / "mt" / "tc.parquet"
    examples.parent.mkdir(parents=True)
    with provenance.of_file(script("read_task"), Namespace(out=examples), [raw]):
        examples.write_text("examples")
    parent = None
    for variant in ("base", "kd"):
        out = folder / "models" / "xlmr" / "mt" / variant
        arguments = Namespace(out=out, parent=parent, layers=6)
        with provenance.of_folder(script("select_layers"), arguments, [parent] if parent else []):
            out.mkdir(parents=True)
            (out / "config.json").write_text(variant)
        parent = out
        run = folder / "scores" / "xlmr" / "mt" / variant / "tc"
        arguments = Namespace(out=run, epochs=20)
        with provenance.of_folder(script("evaluate"), arguments, [out, examples]):
            write_record(run / "seed1.json", record(variant, "tc"))
    table = folder / "tables" / "table1.csv"
    table.parent.mkdir()
    read = sorted((folder / "scores").rglob("seed*.json"))
    with provenance.of_file(script("table"), Namespace(out=table), read):
        table.write_text("model,row,label,mt_tc,avg\nxlmr,base,Base,25,25\nxlmr,kd,KD,50,50\n")
    monkeypatch.chdir(tmp_path)
    return folder


def explain(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["explain", "results/tables/table1.csv", *arguments])
    return done.exit_code, done.output


def test_records_checkpoints_data_and_raw_files_are_listed(results):
    status, said = explain("mt_tc", "kd")
    assert status == 0
    assert "mt_tc of kd (KD) is 50" in said
    assert "results/scores/xlmr/mt/kd/tc/seed1.json  macro_f1 50.00" in said
    assert "results/scores/xlmr/mt/base" not in said
    for made in ("models/xlmr/mt/kd", "models/xlmr/mt/base", "data/mt/tc.parquet"):
        assert f"  results/{made}\n" in said
    assert "evaluate" in said
    assert "epochs=20" in said
    assert "parent=base" in said
    assert "Files from elsewhere\n  raw.tsv" in said
    assert "Nothing has changed since: 7 files" in said


def test_a_column_of_no_task_is_explained_by_the_row(results):
    status, said = explain("avg", "xlmr/kd")
    assert (status, "scores/xlmr/mt/kd/tc/seed1.json" in said) == (0, True)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("results/models/xlmr/mt/base/config.json", "is not as scripts/select_layers.py read it"),
        ("results/scores/xlmr/mt/kd/tc/seed1.json", "is not as scripts/table.py read it"),
        ("raw.tsv", "is not as scripts/read_task.py read it"),
    ],
)
def test_a_changed_file_is_named_with_the_script_that_used_it(results, file, sentence):
    path = results.parent / file
    path.write_text(path.read_text().replace("base", "face").replace("raw", "row") + " ")
    status, said = explain("mt_tc", "kd")
    assert status == 3
    assert f"  {file} {sentence}\n" in said


def test_what_another_row_came_from_may_change(results):
    (results / "models" / "xlmr" / "mt" / "kd" / "config.json").write_text("changed")
    assert explain("mt_tc", "base")[0] == 0
    assert explain("mt_tc", "kd")[0] == 3


def test_a_file_that_is_gone_is_named(results):
    (results.parent / "raw.tsv").unlink()
    status, said = explain("mt_tc", "kd")
    assert (status, "raw.tsv is gone" in said) == (3, True)


def test_other_code_and_other_libraries_are_named(results, monkeypatch):
    monkeypatch.setattr(lineage, "code_of", lambda name: "other")
    monkeypatch.setattr(lineage, "versions", lambda names: dict.fromkeys({*names} - {"torch"}, "0"))
    status, said = explain("mt_tc", "kd")
    assert status == 3
    assert "the code of scripts/evaluate.py is another" in said
    assert "is not installed" in said.replace("and ", "")


def test_a_moved_folder_is_as_good(results, tmp_path, monkeypatch):
    shutil.copytree(tmp_path, tmp_path.parent / "other place")
    shutil.rmtree(results)
    monkeypatch.chdir(tmp_path.parent / "other place")
    status, said = explain("mt_tc", "kd")
    assert (status, "Nothing has changed since" in said) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("mt_ner", "kd"), "has no column 'mt_ner'; its columns are model, row, label, mt_tc, avg"),
        (("mt_tc", "kdd"), "has no row 'kdd'; its rows are xlmr/base, xlmr/kd"),
    ],
)
def test_a_wrong_row_or_column_is_refused(results, arguments, sentence):
    assert explain(*arguments) == (1, f"error: results/tables/table1.csv: {sentence}\n")


def test_a_name_of_two_rows_asks_which(results):
    table = results / "tables" / "table1.csv"
    table.write_text(table.read_text() + "mbert,kd,KD,40,40\n")
    sentence = "'kd' are 2 rows; say which: xlmr/kd, mbert/kd"
    assert explain("mt_tc", "kd") == (1, f"error: results/tables/table1.csv: {sentence}\n")


def test_a_table_without_provenance_is_refused(results):
    (results / "tables" / "table1.provenance.json").unlink()
    status, said = explain("mt_tc", "kd")
    assert status == 1
    assert "there is no account of what it was made from" in said


def test_a_row_is_found_by_its_name_however_the_csv_writes_it(results):
    table = results / "tables" / "table1.csv"
    table.write_text("model,row,label,mt_tc\nxlmr,'=kd,'@KD,50\n")
    found = lineage.read_cell(table, "mt_tc", "=kd")
    assert (found.label, found.value) == ("@KD", "50")
