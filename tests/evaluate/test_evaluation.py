import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_models import DIFFERENT

from monoglot.errors import UserError
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names
from monoglot.files import sha256

NAMES = Names("xlmr", "mt", "kd")
SCRIPT = Path(__file__).parents[2] / "scripts" / "evaluate.py"


METRICS_OF_NAMES = ("word_f1", "subtoken_f1", "word_accuracy")


@pytest.mark.parametrize("family", DIFFERENT)
def test_tags_are_learnt_and_recorded(
    tiny_checkpoint, sentences_file, sentences_task, settings, tmp_path, family
):
    options = settings(
        epochs=30, learning_rate=2e-2, checkpoint="best", weight_decay=0.01, warmup=0.05
    )
    checkpoint, out = tiny_checkpoint(family), tmp_path / "out"
    evaluate(checkpoint, sentences_file, sentences_task, options, [1, 2], NAMES, out)
    record = read_record(out / "seed2.json")
    assert record["score"] == record["scores"]["word_f1"] > record["scores"]["majority"] == 0
    # Random relative positions stand in the way of a random DeBERTa: it needs 100 epochs for 0.88.
    assert record["scores"]["word_f1"] > (0.6 if family == "deberta-v2" else 0.9)
    assert set(record["scores"]) == {*METRICS_OF_NAMES, "majority"}
    assert (record["model"], record["language"], record["variant"]) == ("xlmr", "mt", "kd")
    assert (record["task"], record["seed"], record["metric"]) == ("ner", 2, "word_f1")
    assert (record["n_train"], record["n_test"]) == (24, 12)
    assert record["n_test_words"] > 24
    assert record["n_test_words_cut"] == 0
    assert record["errors"].keys() == record["chance"].keys() == set(METRICS_OF_NAMES)
    assert record["shared_errors"].keys() == set(METRICS_OF_NAMES)
    of_both = [read_record(out / f"seed{seed}.json") for seed in (1, 2)]
    assert of_both[0]["shared_errors"] == of_both[1]["shared_errors"]
    squares = [one["errors"]["word_f1"] ** 2 for one in of_both]
    assert record["shared_errors"]["word_f1"] ** 2 <= sum(squares) / 2 + 1e-12
    assert 0 <= record["errors"]["word_f1"] < (0.2 if family == "deberta-v2" else 0.1)
    assert record["adapter_parameters"] == 4 * (2 * 24 * 12 + 12 + 24)
    assert record["head_parameters"] == 5 * 24 + 5
    assert record["inputs"]["examples"] == sha256(sentences_file)
    assert record["inputs"]["tokenizer.json"] == sha256(checkpoint / "tokenizer.json")
    assert record["settings"]["checkpoint"] == "best"
    assert record["settings"]["labels"] == ["PER", "LOC"]
    assert record["versions"]["adapters"]
    names = sorted(file.name for file in out.iterdir())
    assert names == [
        f"seed{seed}{end}" for seed in (1, 2) for end in (".json", ".predictions.parquet")
    ]


def test_texts_are_learnt(tiny_checkpoint, texts_file, texts_task, settings, tmp_path):
    options = settings(epochs=30, learning_rate=2e-2)
    evaluate(tiny_checkpoint("bert"), texts_file, texts_task, options, [1], NAMES, tmp_path / "o")
    record = read_record(tmp_path / "o" / "seed1.json")
    table = pq.read_table(tmp_path / "o" / "seed1.predictions.parquet").to_pydict()
    assert record["scores"]["macro_f1"] > 0.8 > record["scores"]["majority"]
    right = sum(a == b for a, b in zip(table["gold"], table["predicted"], strict=True))
    assert record["scores"]["accuracy"] == pytest.approx(right / 12)


@pytest.mark.parametrize("seeds_affect", ["initialisation", "everything"])
def test_a_seeds_predictions_are_the_same_bytes_whatever_ran_before(
    tiny_checkpoint, sentences_file, sentences_task, settings, tmp_path, seeds_affect
):
    options = settings(checkpoint="best", seeds_affect=seeds_affect)
    checkpoint = tiny_checkpoint("xlm-roberta")
    for out, seeds in (("both", [1, 2]), ("one", [2])):
        evaluate(checkpoint, sentences_file, sentences_task, options, seeds, NAMES, tmp_path / out)
    first, second = (tmp_path / out / "seed2.predictions.parquet" for out in ("both", "one"))
    assert first.read_bytes() == second.read_bytes()
    both, one = (read_record(tmp_path / out / "seed2.json") for out in ("both", "one"))
    assert both["scores"] == one["scores"]


def test_full_tuning_trains_everything_and_counts_no_adapter(
    tiny_checkpoint, texts_file, texts_task, settings, tmp_path, family
):
    options = settings(epochs=30, learning_rate=3e-3, tuning="full")
    checkpoint = tiny_checkpoint(family)
    evaluate(checkpoint, texts_file, texts_task, options, [1], NAMES, tmp_path / "o")
    record = read_record(tmp_path / "o" / "seed1.json")
    assert record["scores"]["weighted_f1"] > 0.8 > record["scores"]["majority"]
    assert record["adapter_parameters"] == 0
    assert record["head_parameters"] == 24 * 24 + 24 + 2 * 24 + 2
    assert record["settings"]["tuning"] == "full"


def test_with_full_tuning_too_a_seed_does_not_depend_on_the_seeds_before_it(
    tiny_checkpoint, texts_file, texts_task, settings, tmp_path
):
    options = settings(tuning="full", learning_rate=1e-3)
    for out, seeds in (("both", [1, 2]), ("one", [2])):
        given = (texts_file, texts_task, options, seeds, NAMES, tmp_path / out)
        evaluate(tiny_checkpoint("bert"), *given)
    both, one = (read_record(tmp_path / out / "seed2.json") for out in ("both", "one"))
    assert both["scores"] == one["scores"]
    first, second = (tmp_path / out / "seed2.predictions.parquet" for out in ("both", "one"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("tuning", ["adapter", "full"])
def test_the_best_epoch_is_chosen_on_dev_and_never_on_test(
    tiny_checkpoint, texts_file, texts_task, settings, tmp_path, tuning
):
    """With the labels of a split turned round, every epoch is worse on it than the one before."""
    rate = 2e-2 if tuning == "adapter" else 1e-3
    options = settings(epochs=6, learning_rate=rate, checkpoint="best", tuning=tuning)
    files = {"": texts_file}
    for split in ("dev", "test"):
        table = pq.read_table(texts_file).to_pydict()
        turned = {"animal": "place", "place": "animal"}
        pairs = zip(table["split"], table["label"], strict=True)
        table["label"] = [turned[label] if one == split else label for one, label in pairs]
        files[split] = tmp_path / f"{split}.parquet"
        pq.write_table(pa.table(table), files[split])
    trained = {}
    for split, file in files.items():
        out, keep = tmp_path / f"out{split}", tmp_path / f"kept{split}"
        given = (file, texts_task, options, [1], NAMES, out, keep)
        evaluate(tiny_checkpoint("bert"), *given)
        kept = sorted(keep.rglob("*.safetensors"))
        trained[split] = [sha256(one) for one in kept]
        assert kept
    assert trained["test"] == trained[""]
    assert trained["dev"] != trained[""]


def only_split(path: Path, split: str, out: Path) -> Path:
    table = pq.read_table(path)
    pq.write_table(table.filter(pa.compute.not_equal(table["split"], split)), out)
    return out


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_missing_split_is_refused(
    tiny_checkpoint, sentences_file, sentences_task, settings, tmp_path, split
):
    less = only_split(sentences_file, split, tmp_path / "less.parquet")
    with pytest.raises(UserError, match=rf"less\.parquet: .*{split}"):
        evaluate(
            tiny_checkpoint("bert"),
            less,
            sentences_task,
            settings(checkpoint="best"),
            [1],
            NAMES,
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_dev_is_not_needed_for_the_last_epoch(
    tiny_checkpoint, sentences_file, sentences_task, settings, tmp_path
):
    less = only_split(sentences_file, "dev", tmp_path / "less.parquet")
    out = tmp_path / "out"
    options = settings(epochs=1)
    evaluate(tiny_checkpoint("bert"), less, sentences_task, options, [1], NAMES, out)
    assert (out / "seed1.json").is_file()


def test_a_label_that_is_not_declared_is_refused(tiny_checkpoint, texts_task, settings, tmp_path):
    columns = {
        "split": ["train", "test", "test"],
        "text": ["dar", "dar", "dar"],
        "label": ["animal", "place", "sport"],
    }
    pq.write_table(pa.table(columns), tmp_path / "tc.parquet")
    message = r"tc\.parquet: example 1 of test has the label 'sport'.*one of animal, place"
    with pytest.raises(UserError, match=message):
        evaluate(
            tiny_checkpoint("bert"),
            tmp_path / "tc.parquet",
            texts_task,
            settings(),
            [1],
            NAMES,
            tmp_path / "out",
        )


def test_examples_of_the_other_kind_are_refused(
    tiny_checkpoint, sentences_file, texts_task, settings, tmp_path
):
    with pytest.raises(UserError, match=r"ner\.parquet: holds no examples of classification"):
        evaluate(
            tiny_checkpoint("bert"), sentences_file, texts_task, settings(), [1], NAMES, tmp_path
        )


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_a_length_beyond_the_positions_is_refused(
    tiny_checkpoint, texts_file, texts_task, settings, tmp_path, family
):
    folder = tiny_checkpoint(family)
    with pytest.raises(UserError, match="max_length is 65, but the model has 64 positions"):
        evaluate(
            folder, texts_file, texts_task, settings(max_length=65), [1], NAMES, tmp_path / "out"
        )


def test_a_text_of_the_full_length_is_read(tiny_checkpoint, texts_task, settings, tmp_path):
    columns = {
        "split": ["train", "test"],
        "text": ["dar " * 100, "belt " * 100],
        "label": ["place", "place"],
    }
    pq.write_table(pa.table(columns), tmp_path / "tc.parquet")
    for family in ("bert", "xlm-roberta"):
        evaluate(
            tiny_checkpoint(family),
            tmp_path / "tc.parquet",
            texts_task,
            settings(max_length=64, epochs=1),
            [1],
            NAMES,
            tmp_path / family,
        )
        assert (tmp_path / family / "seed1.json").is_file()


def run_script(*options: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    command = [sys.executable, str(SCRIPT), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_script_explains_and_refuses_in_one_line(tmp_path):
    assert "--reduction-factor" in run_script("--help").stdout
    result = run_script(
        *("--checkpoint", tmp_path, "--examples", tmp_path / "tc.parquet"),
        *("--out", tmp_path / "out", "--model", "m", "--language", "mt", "--variant", "v"),
        *("--task", "tc", "--kind", "classification", "--labels", "a", "b", "--metric", "word_f1"),
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: metric: 'word_f1' is not for classification; choose")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_script_writes_every_seed(tiny_checkpoint, sentences_file, tmp_path):
    result = run_script(
        *("--checkpoint", tiny_checkpoint("bert"), "--examples", sentences_file),
        *("--out", tmp_path / "out", "--model", "m", "--language", "mt", "--variant", "v"),
        *("--task", "ner", "--kind", "tagging", "--scheme", "iob2", "--labels", "PER", "LOC"),
        *("--metric", "subtoken_f1", "--seeds", 3, 4, "--epochs", 1, "--max-length", 16),
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert read_record(tmp_path / "out" / "seed4.json")["metric"] == "subtoken_f1"
