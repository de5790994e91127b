"""What a seed trained is kept, and gives the predictions that were scored, without our code too."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from adapters import AutoAdapterModel
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from monoglot.errors import UserError
from monoglot.evaluate.adapter_models import CLASSES, load
from monoglot.evaluate.encoding import lead_of
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.task import Names
from monoglot.families import FAMILIES
from monoglot.files import sha256
from monoglot.paths import KEPT_FILES

NAMES = Names("xlmr", "mt", "kd")
SEEDS = [1, 2]
LENGTH = 8


@pytest.fixture
def task_and_file(request, kind):
    return tuple(
        request.getfixturevalue(name)
        for name in {
            "classification": ("texts_task", "texts_file"),
            "tagging": ("sentences_task", "sentences_file"),
        }[kind]
    )


@pytest.fixture
def run(tiny_checkpoint, settings, tmp_path, task_and_file):
    """Return `run(family, **settings)`: checkpoint, records' folder and adapters' folder."""

    def make(family, **changes):
        task, file = task_and_file
        checkpoint, out, keep = tiny_checkpoint(family), tmp_path / "scores", tmp_path / "adapters"
        # Cut short, so that the length which was trained with matters.
        rate = 1e-3 if changes.get("tuning") == "full" else 2e-2
        values = {"epochs": 3, "learning_rate": rate, "max_length": LENGTH}
        evaluate(checkpoint, file, task, settings(**values | changes), SEEDS, NAMES, out, keep)
        return checkpoint, out, keep

    return make


@torch.inference_mode()
def predictions(model, tokenizer, file: Path, task) -> list[str]:
    """Return a label for each test text, or for each word of the test sentences, one by one."""
    assert tokenizer.model_max_length == LENGTH
    rows = [row for row in pq.read_table(file).to_pylist() if row["split"] == "test"]
    found = []
    for row in rows:
        words = row.get("tokens")
        lead = lead_of(tokenizer.backend_tokenizer)
        given = row["text"] if words is None else [words[0], *(lead + word for word in words[1:])]
        encoded = tokenizer(
            given, is_split_into_words=words is not None, truncation=True, return_tensors="pt"
        )
        encoded.pop("token_type_ids", None)
        classes = model(**encoded).logits[0].argmax(-1)
        if words is None:
            found.append(task.classes[classes])
            continue
        tags = ["O"] * len(words)
        for at, word in reversed(list(enumerate(encoded.word_ids()))):
            if word is not None:
                tags[word] = task.classes[classes[at]]
        found += tags
    return found


def recorded(out: Path, seed: int) -> list[str]:
    return pq.read_table(out / f"seed{seed}.predictions.parquet")["predicted"].to_pylist()


@pytest.mark.parametrize("kind", ["classification", "tagging"])
@pytest.mark.parametrize(
    ("family", "choice"),
    [("bert", "best"), *((one, "last") for one in FAMILIES if one != "bert")],
)
def test_adapters_give_the_predictions_of_their_records(run, task_and_file, family, choice):
    task, file = task_and_file
    epochs = 40 if task.kind == "classification" else 8
    checkpoint, out, keep = run(family, checkpoint=choice, epochs=epochs)
    for seed in SEEDS:
        folder = keep / f"seed{seed}"
        assert sorted(path.name for path in folder.iterdir()) == sorted(KEPT_FILES["adapter"])
        assert predictions(*load(checkpoint, folder), file, task) == recorded(out, seed)

        if family in CLASSES:  # which the library has no class for
            continue
        model = AutoAdapterModel.from_pretrained(checkpoint)
        name = model.load_adapter(str(folder), set_active=True, use_safetensors=True)
        assert name == task.name
        assert list(model.get_labels(name)) == task.classes
        tokenizer = AutoTokenizer.from_pretrained(checkpoint, model_max_length=LENGTH)
        assert predictions(model.eval(), tokenizer, file, task) == recorded(out, seed)
    assert any(len(set(recorded(out, seed))) > 1 for seed in SEEDS)


@pytest.mark.parametrize("kind", ["classification", "tagging"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_tuned_whole_is_a_stock_checkpoint(run, task_and_file, kind, family):
    task, file = task_and_file
    checkpoint, out, keep = run(family, tuning="full")
    stock = {
        "classification": AutoModelForSequenceClassification,
        "tagging": AutoModelForTokenClassification,
    }[kind]
    if family not in task.stock_heads:  # its stock head is another function
        stock = AutoAdapterModel
    for seed in SEEDS:
        folder = keep / f"seed{seed}"
        assert sorted(path.name for path in folder.iterdir()) == sorted(KEPT_FILES["full"])
        assert predictions(*load(checkpoint, folder), file, task) == recorded(out, seed)

        if family not in task.stock_heads and family in CLASSES:  # only our own class has its head
            continue
        model = stock.from_pretrained(folder, use_safetensors=True)
        if stock is not AutoAdapterModel:
            assert [model.config.id2label[at] for at in range(len(task.classes))] == task.classes
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert predictions(model.eval(), tokenizer, file, task) == recorded(out, seed)


@pytest.mark.parametrize("kind", ["tagging"])
@pytest.mark.parametrize("tuning", ["adapter", "full"])
def test_a_second_run_keeps_the_same_bytes_and_no_path(run, kind, tuning):
    def bytes_of(keep):
        return {str(f.relative_to(keep)): f.read_bytes() for f in keep.rglob("*") if f.is_file()}

    checkpoint, _, keep = run("bert", tuning=tuning)
    first = bytes_of(keep)
    run("bert", tuning=tuning)
    assert bytes_of(keep) == first
    assert not any(str(checkpoint).encode() in content for content in first.values())


@pytest.mark.parametrize("kind", ["tagging"])
def test_adapters_of_two_tasks_fit_into_one_model(run, kind, tmp_path):
    checkpoint, _, keep = run("bert")
    names = {
        key.split("adapters.")[1].split(".")[0]
        for key in load_file(keep / "seed1" / "adapter.safetensors")
    }
    assert names == {"ner"}
    about = json.loads((keep / "seed1" / "adapter_config.json").read_text())
    assert about["model_name"] == "xlmr/mt/kd"
    assert about["checkpoint_sha256"] == sha256(checkpoint / "model.safetensors")


@pytest.mark.parametrize("kind", ["tagging"])
def test_an_adapter_that_cannot_be_loaded_is_refused(run, tiny_checkpoint, kind, tmp_path):
    checkpoint, _, keep = run("bert")
    folder = keep / "seed1"
    with pytest.raises(UserError, match="was trained on other weights"):
        load(tiny_checkpoint("xlm-roberta"), folder)
    with pytest.raises(UserError, match="there is neither an adapter"):
        load(checkpoint, tmp_path)
    about = (folder / "adapter_config.json").read_text()
    (folder / "adapter_config.json").write_text(json.dumps(json.loads(about) | {"max_length": "x"}))
    with pytest.raises(UserError, match="'max_length' must be a number of tokens from 1"):
        load(checkpoint, folder)
    (folder / "adapter_config.json").write_text(about)
    whole = load_file(folder / "adapter.safetensors")
    first = next(iter(whole))
    save_file(
        whole | {first: torch.full_like(whole[first], torch.nan)}, folder / "adapter.safetensors"
    )
    with pytest.raises(UserError, match="are not all finite numbers"):
        load(checkpoint, folder)
    save_file(
        {name: whole[name] for name in whole if name != first}, folder / "adapter.safetensors"
    )
    with pytest.raises(UserError, match="has no weights for "):
        load(checkpoint, folder)
    (folder / "adapter.safetensors").write_bytes(b"broken")
    with pytest.raises(UserError, match="cannot be read as an adapter"):
        load(checkpoint, folder)
    (folder / "adapter.safetensors").unlink()
    with pytest.raises(UserError, match=r"there is no adapter\.safetensors"):
        load(checkpoint, folder)
