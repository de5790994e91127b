"""Models tuned whole on a task, as stock checkpoints that need no `adapters` library.

The class that the kind of task names (`Task.stock`) loads them. The trained head is the stock one
under other names, `Task.stock_heads`; where a family has no such head, a model is kept in the
format of `adapters`.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
import transformers
from adapters import AutoAdapterModel
from transformers import PreTrainedModel

from monoglot.checkpoint_files import parsed_config, read_config
from monoglot.evaluate import KINDS
from monoglot.evaluate.adapter import NAME
from monoglot.evaluate.task import Task

FLEXIBLE = "prediction_heads"
"""The key of a configuration with heads of the `adapters` library."""


def save(
    model: PreTrainedModel, checkpoint: Path, task: Task, max_length: int, folder: Path
) -> None:
    """Write a tuned model into an existing folder, with its labels and the checkpoint's tokenizer.

    The tokenizer cuts at `max_length` tokens.
    """
    labels = dict(enumerate(task.classes))
    names = task.stock_heads.get(model.config.model_type)
    if names is None:
        model.heads[NAME].config["label2id"] = {name: at for at, name in labels.items()}
        model.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    else:
        stock = _stock(model, checkpoint, task.stock, labels, names)
        stock.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")
    about = json.loads((checkpoint / "tokenizer_config.json").read_text(encoding="utf-8"))
    text = json.dumps(about | {"model_max_length": max_length}, indent=2, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> PreTrainedModel:
    """Load what `save` wrote, in fp32 and evaluation mode."""
    config = parsed_config(folder, str(folder))
    model_class = AutoAdapterModel if FLEXIBLE in config else _stock_class(config)
    model = model_class.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32,
        trust_remote_code=False,
        local_files_only=True,
    )
    return model.eval()


def _stock_class(config: Mapping) -> type:
    """Return the class that loads a stock model: that of the kind of task it was tuned on."""
    architecture = config["architectures"][0]
    names = {kind.stock for kind in KINDS.values()}
    fitting = (name for name in names if architecture.endswith(name.removeprefix("AutoModel")))
    return getattr(transformers, next(fitting))


def _stock(
    model: PreTrainedModel,
    checkpoint: Path,
    name: str,
    labels: dict[int, str],
    names: dict[str, str],
) -> PreTrainedModel:
    config = read_config(checkpoint, str(checkpoint))
    config.id2label, config.label2id = labels, {name: at for at, name in labels.items()}
    config.dtype = torch.float32
    with torch.device("meta"):  # no weights are drawn, and none of what is random later changes
        stock = getattr(transformers, name).from_config(config)
    # Parameters, and not the state: the library has the embeddings in there twice.
    tuned = {name: value.detach().cpu() for name, value in model.named_parameters()}
    for place, stock_name in names.items():
        for what in ("weight", "bias"):
            tuned[f"{stock_name}.{what}"] = tuned.pop(f"heads.{NAME}.{place}.{what}")
    stock.load_state_dict(tuned, assign=True)
    return stock
