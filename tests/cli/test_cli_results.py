"""`monoglot table` and `compare`."""

import json
import shutil
from pathlib import Path

import pytest

from monoglot.cli.results import PUBLISHED
from monoglot.fingerprint import ROOT
from tests.cli.conftest import output
from tests.two_results import SENTENCES, TEST, names, topics, write

CSV = "row,label,tc\na,A,1\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("results/a", "results/b"):
        (tmp_path / name / "tables").mkdir(parents=True)
    (tmp_path / "results/a/tables/table1.csv").write_text(CSV)
    write(tmp_path / "results/a", "xlmr/mt/kd/tc", 1, topics(TEST))
    write(tmp_path / "results/a", "xlmr/mt/kd/ner", 1, names(SENTENCES))
    shutil.copytree(tmp_path / "results/a/scores", tmp_path / "results/b/scores")
    return tmp_path


def test_tables_are_listed_and_shown(monoglot, here):
    assert output(monoglot("table")) == "results/a/tables/table1.csv\n"
    assert "a    A       1" in output(monoglot("table", "table1"))
    assert output(monoglot("table", "table1", "-f", "csv")) == CSV
    said = monoglot("table", "table7")
    output(said, status=1)
    assert "error: there is no table 'table7' here; there are table1;" in said.stderr


def test_a_file_needs_no_workflow(monoglot, here, monkeypatch):
    monkeypatch.setattr("monoglot.cli.options.ROOT", here)
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    file = here / "results/a/tables/table1.csv"
    assert output(monoglot("table", str(file), "-f", "csv")) == CSV
    said = monoglot("table")
    output(said, status=1)
    assert "error: there are no finished tables in results" in said.stderr


def test_tables_of_a_configuration(monoglot, here, config):
    (here / "out/tables").mkdir(parents=True)
    (here / "out/tables/table9.csv").write_text(CSV)
    assert output(monoglot("table", "--config", config)) == "out/tables/table9.csv\n"


def test_equal_results(monoglot, here):
    said = output(monoglot("compare", "results/a", "results/b"))
    assert said.startswith("2 cells compared, 0 of them differ.")
    assert "xlmr/mt/kd/ner" in output(monoglot("compare", "results/a", "results/b", "-v"))


def test_different_results_have_a_status_of_their_own(monoglot, here):
    write(here / "results/b", "xlmr/mt/kd/tc", 1, topics("b" * len(TEST)))
    said = output(monoglot("compare", "results/a", "results/b"), status=3)
    assert "2 cells compared, 1 of them differ." in said
    assert "-83.33" in said
    output(monoglot("compare", "results/a", "results/b", "-t", "84", "--no-test"))


def test_results_beside_the_paper(monoglot, here):
    said = output(monoglot("compare", "results/a", "paper", "-f", "json"), status=3)
    found = json.loads(said)
    # mt_ner of `kd` is published as sub-token F1.
    assert {cell["metric"] for cell in found["cells"]} == {"macro_f1", "subtoken_f1"}
    assert found["only_first"] == []
    assert len(found["only_second"]) == 20 * 12 - 2
    same = output(monoglot("compare", "paper", str(ROOT / PUBLISHED)))
    assert "240 cells compared, 0 of them differ" in same


def test_scores_of_a_task_may_be_chosen(monoglot, here):
    said = output(
        monoglot("compare", "results/a", "results/b", "-f", "csv", "--score", "ner=word_accuracy")
    )
    assert "ner,word_accuracy,100.0" in said
    output(monoglot("compare", "results/a", "results/b", "--score", "ner"), status=2)
    said = monoglot("compare", "results/a", "results/b", "--score", "nre=word_f1")
    output(said, status=2)
    assert "nothing is of a task 'nre'; there are ner, tc" in said.stderr


def test_two_rows_of_one_result(monoglot, here):
    write(here / "results/a", "xlmr/mt/kd/tc", 2, topics(TEST[:-1] + "a"))
    for seed, predicted in ((1, "b" * len(TEST)), (2, TEST[:4] + "b" * 8)):
        write(here / "results/a", "xlmr/mt/other/tc", seed, topics(predicted))
    rows = ("results/a:kd", "results/a:other")
    said = json.loads(output(monoglot("compare", *rows, "-f", "json"), status=3))
    (cell,) = said["cells"]
    assert cell["variant"] == "kd → other"
    assert (cell["first_seeds"], cell["second_seeds"], cell["task"]) == (2, 2, "tc")
    assert cell["difference_low"] < cell["difference"] < cell["difference_high"]
    refused = monoglot("compare", "results/a:kd", "results/a:none")
    assert "results/a has nothing of a variant 'none'; it has kd, other" in refused.stderr
    output(monoglot("compare", "results/a:kd", "results/b"), status=2)


@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
def test_a_tolerance_is_a_finite_number(monoglot, here, number):
    output(monoglot("compare", "results/a", "results/b", "-t", number), status=2)


def test_a_tables_csv_shows_the_records_own_scores(monoglot, here):
    (here / "t.csv").write_text("model,row,size_millions,mt_tc,mt_ner\nxlmr,kd,1,100,100\n")
    said = json.loads(output(monoglot("compare", "results/a", "t.csv", "-f", "json")))
    assert {cell["metric"] for cell in said["cells"]} == {"macro_f1", "word_f1"}


def test_a_label_does_not_control_the_terminal(monoglot, here):
    table = here / "results/a/tables/table1.csv"
    table.write_text("row,label,tc\na,'=\x1b[31mA\x9b,1\n")
    assert "a    =�[31mA�   1" in output(monoglot("table", "table1"))
    assert output(monoglot("table", "table1", "-f", "csv")) == table.read_text()
    said = output(monoglot("table", "table1", "-f", "json"))
    assert "\x9b" not in said
    assert json.loads(said)[0]["label"] == "=\x1b[31mA\x9b"
