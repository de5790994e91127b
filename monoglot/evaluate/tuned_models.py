"""Models tuned whole on a task, as stock checkpoints that need no `adapters` library.

`AutoModelForSequenceClassification` and `AutoModelForTokenClassification` load them. The trained
head is the stock one under other names, but for a classifier on DistilBERT: its stock head has
another activation (ReLU for tanh), so that such a model is kept in the format of `adapters`.
"""

import json
import shutil
from pathlib import Path

import torch
from adapters import AutoAdapterModel
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)

from monoglot.checkpoint_files import parsed_config, read_config
from monoglot.evaluate.adapter import NAME
from monoglot.evaluate.task import Task

CLASSES = {
    "classification": AutoModelForSequenceClassification,
    "tagging": AutoModelForTokenClassification,
}
TAGGING = {"1": "classifier"}
HEADS = {
    ("bert", "classification"): {"1": "bert.pooler.dense", "4": "classifier"},
    ("xlm-roberta", "classification"): {"1": "classifier.dense", "4": "classifier.out_proj"},
    ("bert", "tagging"): TAGGING,
    ("xlm-roberta", "tagging"): TAGGING,
    ("distilbert", "tagging"): TAGGING,
}
"""Names of a head's linear layers in stock models, by their places in the head."""

FLEXIBLE = "prediction_heads"
"""The key of a configuration with heads of the `adapters` library."""


def save(
    model: PreTrainedModel, checkpoint: Path, task: Task, max_length: int, folder: Path
) -> None:
    """Write a tuned model into an existing folder, with its labels and the checkpoint's tokenizer.

    The tokenizer cuts at `max_length` tokens.
    """
    labels = dict(enumerate(task.classes))
    names = HEADS.get((model.config.model_type, task.kind))
    if names is None:
        model.heads[NAME].config["label2id"] = {name: at for at, name in labels.items()}
        model.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    else:
        stock = _stock(model, checkpoint, task.kind, labels, names)
        stock.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")
    about = json.loads((checkpoint / "tokenizer_config.json").read_text(encoding="utf-8"))
    text = json.dumps(about | {"model_max_length": max_length}, indent=2, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> PreTrainedModel:
    """Load what `save` wrote, in fp32 and evaluation mode."""
    config = parsed_config(folder, str(folder))
    if FLEXIBLE in config:
        model_class = AutoAdapterModel
    else:
        tagging = config["architectures"][0].endswith("ForTokenClassification")
        model_class = CLASSES["tagging" if tagging else "classification"]
    model = model_class.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32,
        trust_remote_code=False,
        local_files_only=True,
    )
    return model.eval()


def _stock(
    model: PreTrainedModel,
    checkpoint: Path,
    kind: str,
    labels: dict[int, str],
    names: dict[str, str],
) -> PreTrainedModel:
    config = read_config(checkpoint, str(checkpoint))
    config.id2label, config.label2id = labels, {name: at for at, name in labels.items()}
    config.dtype = torch.float32
    with torch.device("meta"):  # no weights are drawn, and none of what is random later changes
        stock = CLASSES[kind].from_config(config)
    # Parameters, and not the state: the library has the embeddings in there twice.
    tuned = {name: value.detach().cpu() for name, value in model.named_parameters()}
    for place, stock_name in names.items():
        for what in ("weight", "bias"):
            tuned[f"{stock_name}.{what}"] = tuned.pop(f"heads.{NAME}.{place}.{what}")
    stock.load_state_dict(tuned, assign=True)
    return stock
