"""Two results folders, or one and published numbers."""

import csv
import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from monoglot.compare import (
    FORMS,
    ComparedCell,
    compare,
    laid_out,
    origins,
    read_paper,
    read_results,
    same_size,
    to_csv,
)
from monoglot.errors import UserError
from monoglot.paths import Run
from tests.two_results import SENTENCES, TEST, names, topics, write

KD = "xlmr/mt/kd/tc"
NER = "xlmr/mt/kd/ner"
WRONG = "b" * len(TEST)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for seed, predicted in ((1, TEST), (2, TEST[:6] + WRONG[6:])):
        write(tmp_path / "first", KD, seed, topics(predicted))
    write(tmp_path / "first", NER, 1, names(SENTENCES))
    return tmp_path / "first"


def other(tmp_path: Path, **more) -> Path:
    for seed, predicted in ((1, WRONG), (2, WRONG)):
        write(tmp_path / "second", KD, seed, topics(predicted), **more)
    return tmp_path / "second"


def test_a_folder_is_equal_to_itself(first):
    found = compare(read_results(first), read_results(first))
    assert found.equal()
    ps = {one.key.task: one.test and one.test.p for one in found.cells}
    assert ps == {"tc": 1.0, "ner": None}  # of which there is one seed


def test_cells_that_differ_and_cells_of_one_side(first, tmp_path):
    found = compare(read_results(first), read_results(other(tmp_path)))
    (cell,) = found.cells
    assert found.only_first == [Run("xlmr", "mt", "kd", "ner")]
    # All b: F1 of b is 2/4, that of a and c is 0. Half right: F1 of a and c are 2/3, of b 4/8 ...
    assert cell.second.mean == pytest.approx(100 / 6, abs=1e-9)
    assert cell.points == cell.second.mean - cell.first.mean < 0
    assert cell.second.std == 0
    # 12 examples, and the first one's seeds are as far apart as the two sides.
    assert cell.test.p > 0.05
    assert cell.test.value == pytest.approx(float(cell.points) / 100)
    assert not found.equal(100)
    assert compare(read_results(first), read_results(first), test=False).cells[0].test is None


def test_a_cell_is_the_mean_over_its_seeds_and_no_median():
    cell = ComparedCell({1: Fraction(10), 2: Fraction(20), 3: Fraction(60)}, "macro_f1")
    assert cell.mean == 30
    assert cell.std == pytest.approx(700**0.5)


def test_a_tolerance_is_in_points(first, tmp_path):
    found = compare(read_results(first), read_results(other(tmp_path)))
    gap = float(abs(found.cells[0].points))
    assert found.differing(gap + 0.01) == []
    assert found.differing(gap - 0.01) == found.cells


def test_what_else_differs_is_named(first, tmp_path):
    more = {"parameters": 900_000, "settings": {"epochs": 7}, "versions": {"torch": "2"}}
    found = compare(read_results(first), read_results(other(tmp_path, **more)))
    assert found.others["settings.epochs"] == {("5", "7"): 1}
    assert found.others["versions.torch"] == {("none", "2"): 1}
    assert not same_size(found.cells[0])
    text = laid_out(found, "terminal", ("A", "B"), 0.0, False, {})
    assert "settings.epochs: 5 → 7 (1 cells)" in text
    assert "1.00M → 0.900M" in text
    assert "Only in A (1): xlmr/mt/kd/ner." in text
    assert "0 of 1 tested differences have p < 0.05, where chance alone would give 0.1" in text
    assert "adjusted for their number (Holm)" in text
    assert re.search(r"four times in five, in points: tc \d+\.\d\.", text)


def test_a_difference_that_seeds_and_examples_agree_on(tmp_path):
    for side, predicted in (("first", TEST), ("second", WRONG)):
        for seed in (1, 2):
            write(tmp_path / side, KD, seed, topics(predicted))
    found = compare(read_results(tmp_path / "first"), read_results(tmp_path / "second"))
    (cell,) = found.cells
    assert cell.test.p < 0.05
    assert cell.adjusted == cell.test.p
    low, high = cell.test.interval
    assert low < float(cell.points) / 100 < high < 0
    (row,) = csv.DictReader(to_csv(found).splitlines())
    assert float(row["difference_low"]) == pytest.approx(100 * low, abs=1e-4)
    assert float(row["p_adjusted"]) == cell.adjusted


def test_other_test_sets_are_not_tested(first, tmp_path):
    for seed in (1, 2):
        write(tmp_path / "second", KD, seed, topics(WRONG))
        path = tmp_path / "second/scores" / KD / f"seed{seed}.predictions.parquet"
        path.write_bytes((first / "scores" / NER / "seed1.predictions.parquet").read_bytes())
    assert compare(read_results(first), read_results(tmp_path / "second")).cells[0].test is None


def test_sub_tokens_are_tested_too(tmp_path):
    for seed in (1, 2):
        for side, predicted in (("a", SENTENCES), ("b", [["O"] * len(s) for s in SENTENCES])):
            write(tmp_path / side, "xlmr/mt/kd/ner", seed, names(predicted))
    sides = [read_results(tmp_path / side, {"ner": "subtoken_f1"}) for side in "ab"]
    (cell,) = compare(*sides).cells
    assert (cell.first.metric, float(cell.points)) == ("subtoken_f1", -100)
    assert cell.test.value == -1


def test_a_single_seed_is_not_tested(first, tmp_path):
    write(tmp_path / "second", KD, 1, topics(WRONG))
    (cell,) = compare(read_results(first), read_results(tmp_path / "second")).cells
    assert (cell.test, cell.points != 0) == (None, True)


def test_two_records_of_a_run_are_refused(first):
    write(first / "scores/older", KD, 2, topics(WRONG))
    with pytest.raises(UserError, match="second record of xlmr/mt/kd/tc with seed 2"):
        read_results(first)


def test_a_cell_of_two_metrics_is_refused(first):
    write(first, NER, 2, names(SENTENCES), metric="word_accuracy", score=1.0)
    with pytest.raises(UserError, match="xlmr/mt/kd/ner disagree on the metric: word_f1, word_acc"):
        read_results(first)


def test_a_score_that_records_lack_is_refused(first):
    with pytest.raises(UserError, match=r"there is no score 'wrod_f1' .* word_f1"):
        read_results(first, {"ner": "wrod_f1"})


def test_a_baseline_has_no_score_of_sub_tokens(first):
    write(first, "xlmr/mt/majority/ner", 1, names(SENTENCES), parameters=None)
    found = read_results(first, {"ner": "subtoken_f1"})
    assert sorted(map(str, found)) == [NER, KD]


def test_what_a_table_says_beside_scores_is_none(tmp_path):
    table = tmp_path / "table1.csv"
    heads = "mt_tc,mt_tc_std,mt_tc_seeds,published_mt_tc,difference_mt_tc"
    table.write_text(f"model,row,label,size_millions,{heads}\nxlmr,kd,KD,1,80.5,1,3,80,+0.5\n")
    assert [str(key) for key in read_paper(table, {})] == [KD]


def test_published_numbers(first, tmp_path):
    paper = tmp_path / "paper.csv"
    paper.write_text("model,row,label,size_millions,mt_tc,mt_ner,avg\nxlmr,kd,KD,1,80.5,,80.5\n")
    cells = read_paper(paper, {"ner": "subtoken_f1"})
    assert cells[Run("xlmr", "mt", "kd", "tc")].mean == Fraction("80.5")
    assert [key.task for key in cells] == ["tc"]
    found = compare(read_results(first), cells)
    assert (found.cells[0].test, same_size(found.cells[0]), found.others) == (None, True, {})
    with pytest.raises(UserError, match="there is no column"):
        paper.write_text("a,b\n1,2\n")
        read_paper(paper, {})


def test_forms(first, tmp_path):
    found = compare(read_results(first), read_results(other(tmp_path)))
    texts = {form: laid_out(found, form, ("A", "B"), 0.0, True, {}) for form in FORMS}
    narrow = laid_out(found, "terminal", ("A", "B"), 0.0, True, {}, width=70)
    assert narrow.splitlines()[0].split() == ["cell", "A", "B", "difference", "p"]
    assert texts["md"].startswith("| cell ")
    head, row = texts["csv"].splitlines()
    assert head.startswith("model,language,variant,task,metric,first,first_std,first_seeds")
    assert row.startswith("xlmr,mt,kd,tc,macro_f1,")
    said = json.loads(texts["json"])
    assert (said["equal"], said["cells"][0]["second_seeds"]) == (False, 2)
    assert said["only_first"] == [NER]


def test_checkpoints_that_were_made_otherwise(tmp_path):
    for side, steps, parent in (("a", 300, "base"), ("b", 20, "adapted")):
        for name in ("kd", "same"):
            arguments = {
                "out": f"{side}/x",
                "steps": steps if name == "kd" else 5,
                "texts": ["a/b"],
            }
            arguments["parent"] = f"{side}/models/{parent if name == 'kd' else 'base'}"
            made = {"script": "scripts/train.py", "arguments": arguments, "code": "f00"}
            made |= {"git_commit": None, "versions": {}, "inputs": {}, "outputs": {}, "seconds": 1}
            made |= {"started": "", "hardware": {"cpu": "", "cores": 1, "gpu": None}}
            folder = tmp_path / side / "models/xlmr/mt" / name
            folder.mkdir(parents=True)
            (folder / "provenance.json").write_text(json.dumps(made))
    found = origins(tmp_path / "a", tmp_path / "b")
    assert found == {"xlmr/mt/kd": {"steps": ("300", "20"), "parent": ("base", "adapted")}}
    (tmp_path / "b/models/xlmr/mt/kd/provenance.json").write_text("{}")
    assert origins(tmp_path / "a", tmp_path / "b") == {}


def test_folders_without_records_are_refused(tmp_path):
    with pytest.raises(UserError, match="there are no records in it"):
        read_results(tmp_path)


def test_names_are_written_as_each_form_takes_them(tmp_path):
    key, alone = Run("=x", "[a](b)", "\x1b[31m", "<i>"), Run("m", "l", "`v`", "t")
    one, two = (ComparedCell({1: Fraction(score)}, "f1", parameters=1) for score in (1, 2))
    found = compare({key: one, alone: one}, {key: two}, test=False)
    made = {"m/*l*": {"steps": ("<1>", "|")}}
    names = ("a|b", "![c](d)")
    texts = {form: laid_out(found, form, names, 0.0, True, made) for form in FORMS}
    for form in ("terminal", "md", "json"):
        assert texts[form].replace("\n", "").isprintable()
    assert "'=x,[a](b)" in texts["csv"]
    assert "=x/[a](b)" in texts["terminal"]
    for mark in ("](", "<i", "<1", " |)", "(*l"):
        assert mark not in texts["md"]
    assert r" a\|b |" in texts["md"]
    assert r"Only in a\|b (1): m/l/\`v\`/t." in texts["md"]
