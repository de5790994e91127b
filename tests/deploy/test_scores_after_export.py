"""Adapters trained, kept and exported: what they score as graphs."""

import json
import random
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tiny_models import DIFFERENT

from monoglot.checkpoints import read_config
from monoglot.deploy.export import Logits, export
from monoglot.deploy.exported_scores import ExportedRun, predict, write_scores
from monoglot.errors import UserError
from monoglot.evaluate import adapter_models
from monoglot.evaluate.encoding import encode_splits
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

TASKS = {
    "tc": Classification(labels=["animal", "place"], metric="macro_f1").named("tc"),
    "ner": Tagging(labels=["PER", "LOC"], metric="word_f1", scheme="iob2").named("ner"),
}
SETTINGS = TuningSettings(
    reduction_factor=2,
    learning_rate=1e-2,
    batch_size=8,
    epochs=2,
    max_length=32,
    seeds_affect="initialisation",
)
NAMES = Names("m", "mt", "kd")


@pytest.fixture(scope="module")
def trained(tiny_checkpoint, tmp_path_factory):
    """Return `trained(task, family, tuning)`: a run of seed 1."""
    folder = tmp_path_factory.mktemp("trained")
    for name in TASKS:
        pq.write_table(pa.table(_examples(name)), folder / f"{name}.parquet")

    def build(name, family="bert", tuning="adapter"):
        out, examples = folder / family / tuning / name, folder / f"{name}.parquet"
        if not out.exists():
            settings = SETTINGS.model_copy(update={"tuning": tuning})
            checkpoint = tiny_checkpoint(family)
            evaluate(checkpoint, examples, TASKS[name], settings, [1], NAMES, out, out / "kept")
        return ExportedRun(out / "seed1.json", out / "kept" / "seed1", examples)

    return build


def _examples(name):
    draw = random.Random(0)
    tags = {"kelb": "B-PER", "belt": "B-LOC"}
    words = [[draw.choice(["kelb", "belt", "dog"]) for _ in range(n % 9 + 1)] for n in range(60)]
    splits = ["train"] * 36 + ["dev"] * 4 + ["test"] * 20
    if name == "ner":
        labels = [[tags.get(word, "O") for word in sentence] for sentence in words]
        return {"split": splits, "tokens": words, "tags": labels}
    labels = ["animal" if "kelb" in sentence else "place" for sentence in words]
    return {"split": splits, "text": list(map(" ".join, words)), "label": labels}


@pytest.mark.parametrize("family", DIFFERENT)
def test_in_fp32_the_scores_are_those_of_the_records(trained, tiny_checkpoint, tmp_path, family):
    runs = [trained("tc", family), trained("ner", family)]
    names = {"model": "m", "language": "mt", "variant": "kd"}
    write_scores(tiny_checkpoint(family), runs, names, tmp_path / "kd.json")
    found = json.loads((tmp_path / "kd.json").read_text())
    assert (found["variant"], set(found["tasks"])) == ("kd", {"tc", "ner"})
    for one in found["tasks"].values():
        assert one["fp32"]["score"] == one["torch"]["score"] == one["fp32"]["scores"][one["metric"]]
        assert one["fp32"]["change"] == 0
        assert one["fp32"]["scores"] == one["torch"]["scores"]
        assert one["int8"]["change"] == one["int8"]["score"] - one["torch"]["score"]
        assert one["fp32"]["difference"]["largest"] < one["int8"]["difference"]["largest"]


def test_a_model_that_was_tuned_whole_is_exported_too(trained, tmp_path, tiny_checkpoint):
    run = trained("ner", tuning="full")
    write_scores(tiny_checkpoint("bert"), [run], {}, tmp_path / "kd.json")
    found = json.loads((tmp_path / "kd.json").read_text())["tasks"]["ner"]
    assert found["fp32"]["scores"] == found["torch"]["scores"]


def test_predictions_are_those_of_the_model_text_by_text(trained, tiny_checkpoint, tmp_path):
    run, checkpoint = trained("ner"), tiny_checkpoint("bert")
    model, _ = adapter_models.load(checkpoint, run.kept)
    export(Logits(model), tmp_path / "graph.onnx", "logits")
    rows = {"test": TASKS["ner"].split(run.examples, "test")}
    how = (TASKS["ner"], 32, "all")
    data = encode_splits(rows, checkpoint, read_config(checkpoint, ""), *how)["test"]
    predicted = predict(tmp_path / "graph.onnx", data)
    for ids, length, got in zip(data.ids, data.lengths, predicted, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=ids[None, :length]).logits
        assert got[:length].tolist() == logits[0].argmax(-1).tolist()


def test_an_adapter_of_other_weights_is_refused(trained, tiny_checkpoint, tmp_path):
    run, other = trained("tc"), tiny_checkpoint("xlm-roberta")
    with pytest.raises(UserError, match="was trained on other weights"):
        write_scores(other, [run], {}, tmp_path / "kd.json")
    assert not list(tmp_path.iterdir())


def test_a_record_that_does_not_say_how_it_was_made_is_refused(trained, tiny_checkpoint, tmp_path):
    run = trained("tc")
    record = json.loads(run.record.read_text())
    del record["settings"]
    (tmp_path / "seed1.json").write_text(json.dumps(record))
    run = ExportedRun(tmp_path / "seed1.json", run.kept, run.examples)
    with pytest.raises(UserError, match=r"seed1.json: does not say how the run was made"):
        write_scores(tiny_checkpoint("bert"), [run], {}, tmp_path / "kd.json")


def test_the_script_says_where_it_came_from(trained, tiny_checkpoint, script, tmp_path):
    run = trained("tc")
    for kind, path in (("adapters", run.kept), ("scores", run.record)):
        to = tmp_path / kind / "tc" / path.name
        shutil.copytree(path, to) if path.is_dir() else shutil.copytree(path.parent, to.parent)
    common = ("score_onnx", "--checkpoint", tiny_checkpoint("bert"), "--seed", 1)
    names = ("--model", "m", "--language", "mt", "--variant", "kd", "--tasks", "tc")
    folders = ("--adapters", tmp_path / "adapters", "--scores", tmp_path / "scores")
    out = tmp_path / "out" / "kd.json"
    made = (*common, *names, *folders, "--out", out, "--examples", run.examples)
    assert script(*made) is None
    assert json.loads(out.read_text())["language"] == "mt"
    inputs = json.loads((tmp_path / "out" / "kd.provenance.json").read_text())["inputs"]
    assert {"adapter.safetensors", "seed1.json"} <= {name.rpartition("/")[2] for name in inputs}
    assert (
        script(*made, run.examples) == "error: --examples: must name one file for each of --tasks"
    )
