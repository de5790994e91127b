"""What is trained for a task: adapters on a frozen encoder, or all of it, and a prediction head.

The adapter is `seq_bn` of the `adapters` library (Pfeiffer et al., 2020; the paper, section 4.4):
one bottleneck with ReLU after each layer's feed-forward block. With it, only adapter and head are
trained. With full tuning there is no adapter.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from adapters import BertAdapterModel, DistilBertAdapterModel, XLMRobertaAdapterModel
from transformers import AutoModel, AutoModelForMaskedLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from monoglot.checkpoint_files import check, read_config
from monoglot.checkpoints import count_parameters, from_safetensors
from monoglot.errors import UserError
from monoglot.evaluate.task import Task

NAME = "task"
FAMILIES = {
    "bert": BertAdapterModel,
    "xlm-roberta": XLMRobertaAdapterModel,
    "distilbert": DistilBertAdapterModel,
}


def load_encoder(checkpoint: str | Path) -> PreTrainedModel:
    """Load a checkpoint's encoder in fp32, without its masked-LM head and without a pooler.

    Raises `UserError` if a file is missing or damaged, the family is another one, or weights are
    missing or not finite.
    """
    checkpoint = Path(checkpoint)
    family = check(checkpoint).model_type
    transformers_logging.set_verbosity_error()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    model, lacking = from_safetensors(FAMILIES[family], checkpoint, str(checkpoint))
    drop_heads(model)
    needed = {name for name, _ in model.named_parameters()}
    if missing := sorted(needed.intersection(lacking)):
        raise UserError(f"{checkpoint}/model.safetensors: has no weights for {missing[0]}")
    return model


def drop_heads(model: PreTrainedModel) -> None:
    """Take away what the library puts on top of the encoder and no task uses."""
    for head in list(model.heads):
        model.delete_head(head)
    if hasattr(model.base_model, "pooler"):  # DistilBERT has none
        model.base_model.pooler = torch.nn.Identity()


def fresh_adapter(model: PreTrainedModel, task: Task, reduction_factor: int, seed: int) -> None:
    """Give `model` a new adapter and head, initialised under `seed`; replace those it has.

    The bottleneck is floor(hidden / `reduction_factor`) wide, at least 1.
    """
    if NAME in model.heads:
        model.delete_adapter(NAME)
        model.delete_head(NAME)
    torch.manual_seed(seed)
    model.add_adapter(NAME, config=f"seq_bn[reduction_factor={reduction_factor}]")
    task.add_head(model, NAME)
    model.train_adapter(NAME)


def fresh_head(
    model: PreTrainedModel, task: Task, seed: int, encoder: Mapping[str, torch.Tensor]
) -> None:
    """Give `model` a new head, initialised under `seed`, for full tuning; replace the one it has.

    `encoder` are the weights that tuning starts from, a copy of the checkpoint's state.
    """
    if NAME in model.heads:
        model.delete_head(NAME)
    model.base_model.load_state_dict(encoder)
    torch.manual_seed(seed)
    task.add_head(model, NAME)
    model.requires_grad_(True)


def trained_parameters(model: PreTrainedModel) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that are trained, by name: adapter and head, or all."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def parameter_counts(model: PreTrainedModel) -> tuple[int, int]:
    """Count the parameters of the adapter (paper, Table 5; 0 without one) and of the head."""

    def count(part: str) -> int:
        return sum(p.numel() for name, p in model.named_parameters() if part in name)

    return count(f".adapters.{NAME}."), count(f"heads.{NAME}.")


def checkpoint_parameters(checkpoint: str | Path) -> int:
    """Count a checkpoint's parameters as a masked LM (tied decoder, no pooler), by its config."""
    return _counted(checkpoint, AutoModelForMaskedLM)


def encoder_parameters(checkpoint: str | Path) -> int:
    """Count a checkpoint's parameters as an encoder with a pooler, by its config.

    No checkpoint here has a pooler; others count one, as AfroXLMR-Comet (arXiv 2502.18020) does.
    """
    return _counted(checkpoint, AutoModel)


def _counted(checkpoint: str | Path, model_class: type[AutoModel | AutoModelForMaskedLM]) -> int:
    config = read_config(checkpoint, str(checkpoint))
    config.dtype = torch.float32  # a checkpoint's own says nothing about its size
    with torch.device("meta"):
        return count_parameters(model_class.from_config(config))


def max_positions(model: PreTrainedModel) -> int:
    """Return how many tokens the encoder can read; XLM-R leaves out positions up to its pad id."""
    return model.config.max_position_embeddings - first_position(model)


def first_position(model: PreTrainedModel) -> int:
    """Return the position of a text's first token."""
    return model.config.pad_token_id + 1 if model.config.model_type == "xlm-roberta" else 0
