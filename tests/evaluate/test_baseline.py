"""One job: a baseline's record and predictions, by the contract of adapter runs."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from monoglot.errors import UserError
from monoglot.evaluate.baselines import baseline
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names
from monoglot.evaluate.task_tagging import Tagging
from monoglot.files import sha256

NAMES = Names("xlmr", "mt", "ngrams")


def test_the_record_has_the_keys_of_an_adapter_run(
    tiny_checkpoint, sentences_file, sentences_task, settings, tmp_path
):
    baseline(sentences_file, sentences_task, "ngrams", 7, NAMES, tmp_path / "b")
    options = settings(epochs=1)
    checkpoint = tiny_checkpoint("bert")
    evaluate(checkpoint, sentences_file, sentences_task, options, [7], NAMES, tmp_path / "e")
    ours, theirs = (read_record(tmp_path / part / "seed7.json") for part in "be")
    assert set(ours) == set(theirs)
    assert set(theirs["scores"]) - set(ours["scores"]) == {"subtoken_f1"}
    assert ours["scores"]["majority"] == theirs["scores"]["majority"]
    assert ours["score"] == ours["scores"]["word_f1"] > 0.9
    assert (ours["parameters"], ours["adapter_parameters"]) == (None, 0)
    assert ours["head_parameters"] > 0
    assert ours["inputs"] == {"examples": sha256(sentences_file)}
    assert ours["settings"]["c"] == 0.1
    tables = [pq.read_table(tmp_path / part / "seed7.predictions.parquet") for part in "be"]
    assert tables[0].schema == tables[1].schema
    theirs_alone = ["predicted", "subtokens"]
    assert tables[0].drop(theirs_alone) == tables[1].drop(theirs_alone)


@pytest.mark.parametrize("method", ["majority", "ngrams"])
def test_texts_and_tags_are_scored_by_either_method(
    texts_file, texts_task, sentences_file, sentences_task, tmp_path, method
):
    for file, task in ((texts_file, texts_task), (sentences_file, sentences_task)):
        out = tmp_path / task.name
        baseline(file, task, method, 1, NAMES, out)
        record = read_record(out / "seed1.json")
        table = pq.read_table(out / "seed1.predictions.parquet").to_pydict()
        if method == "majority":
            assert record["score"] == record["scores"]["majority"]
            assert len(set(table["predicted"])) == 1
            assert record["head_parameters"] == 0
        else:
            assert record["score"] > 0.9


def test_the_same_input_gives_the_same_bytes(texts_file, texts_task, tmp_path):
    for out in ("a", "b"):
        baseline(texts_file, texts_task, "ngrams", 1, NAMES, tmp_path / out)
    first, second = (tmp_path / out / "seed1.predictions.parquet" for out in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_faults_are_refused_and_nothing_is_written(sentences_file, sentences_task, tmp_path):
    subtokens = Tagging(labels=["PER", "LOC"], metric="subtoken_f1", scheme="iob2").named("ner")
    less = Tagging(labels=["PER", "ORG"], metric="word_f1", scheme="iob2").named("ner")
    for task, method, message in (
        (sentences_task, "bow", "method: 'bow' is not known; it must be one of majority, ngrams"),
        (subtokens, "ngrams", "the metric 'subtoken_f1' needs a tokenizer"),
        (less, "majority", r"has the label 'B-LOC', which task ner does not declare"),
    ):
        with pytest.raises(UserError, match=message):
            baseline(sentences_file, task, method, 1, NAMES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_script_writes_a_record(script, sentences_file, tmp_path):
    flags = ["--method", "ngrams", "--examples", sentences_file, "--out", tmp_path / "out"]
    flags += ["--model", "m", "--language", "mt", "--variant", "v", "--task", "ner", "--seed", 5]
    flags += ["--kind", "tagging", "--scheme", "iob2", "--labels", "PER", "LOC"]
    assert script("baseline", *flags, "--metric", "word_f1") is None
    assert json.loads((tmp_path / "out" / "seed5.json").read_text())["variant"] == "v"
    assert "needs a tokenizer" in script("baseline", *flags, "--metric", "subtoken_f1")


def test_a_baseline_needs_no_torch():
    code = "import sys, monoglot.evaluate.baselines; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
