"""Checkpoints on disk: plain Hugging Face folders that stock classes load.

A checkpoint is a folder with exactly `config.json`, `model.safetensors`, `tokenizer.json` and
`tokenizer_config.json`. The model is a masked language model with a tied decoder and no pooler.
"""

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monoglot.checkpoint_files import (
    ARCHITECTURES,
    FILES,
    TOKENIZER_FILES,
    check,
    check_shapes,
    first_line,
    read_config,
)
from monoglot.collection import paused
from monoglot.errors import UserError
from monoglot.faults import sentence
from monoglot.files import whole_folder

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


__all__ = ["ARCHITECTURES", "FILES", "TOKENIZER_FILES"]  # besides what is defined here


@paused()
def load_model(folder: str | Path, attention: str | None = None) -> "PreTrainedModel":
    """Load a checkpoint's masked language model in fp32, in evaluation mode.

    `attention` is the implementation: `eager` if attention probabilities are asked for, else the
    library's choice. Raises `UserError` as `check` does, or if the weights do not cover the model.
    """
    folder = Path(folder)
    check(folder)
    model, missing = read_weights(folder, str(folder), attention)
    if missing:
        raise UserError(
            f"{folder}: has no weights for {missing[0]}; the checkpoint must hold the whole masked "
            "language model"
        )
    return model


@paused()
def read_weights(
    folder: Path, where: str, attention: str | None = None
) -> tuple["PreTrainedModel", list[str]]:
    """Load what a folder holds of a masked language model, and name the tensors it does not hold.

    Weights are read in fp32, from safetensors alone. Missing tensors have the architecture's own
    initial values, drawn by torch's generator. Raises `UserError`, which calls the folder `where`,
    if the weights are damaged, are not all finite, have other shapes than the configuration says,
    or the decoder is not tied.
    """
    from transformers import AutoModelForMaskedLM

    model, missing = from_safetensors(
        AutoModelForMaskedLM, folder, where, attn_implementation=attention
    )
    if not model.config.tie_word_embeddings:
        raise UserError(f"{where}: its decoder is not tied to its embeddings, as it must be")
    return model.eval(), missing


def check_safetensors(folder: Path, where: str) -> None:
    """Raise `UserError` if a model's folder has no safetensors, whatever else it has."""
    if not any((folder / f"model.safetensors{end}").is_file() for end in ("", ".index.json")):
        raise UserError(
            f"{where}: has no model.safetensors; weights in pickle files such as "
            "pytorch_model.bin are not read, because they can run code: save the model as "
            "safetensors, or name a revision that has them"
        )


def from_safetensors(
    model_class: Any, folder: Path, where: str, **options: object
) -> tuple["PreTrainedModel", list[str]]:
    """Load a model of a known family, see `from_configured`."""
    return from_configured(model_class, read_config(folder, where), folder, where, **options)


def from_configured(
    model_class: Any, config: "PretrainedConfig", folder: Path, where: str, **options: object
) -> tuple["PreTrainedModel", list[str]]:
    """Load a model of `model_class` in fp32 from safetensors alone; name the tensors it lacks.

    Raises `UserError` as `read_weights` does.
    """
    import torch

    try:
        check_shapes(folder / "model.safetensors", config)
        model, info = model_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    # A broken file shows as an error of safetensors, of the operating system or of the shapes.
    except Exception as error:
        if sentence(error):
            raise  # the machine is at fault, not the file
        raise UserError(
            f"{where}: the weights cannot be read ({first_line(error)}); "
            "make or fetch the checkpoint again"
        ) from None
    name = not_finite(model)
    if name:
        raise UserError(
            f"{where}: the weights of {name} are not all finite numbers; "
            "make or fetch the checkpoint again"
        )
    return model, sorted(info["missing_keys"])


def not_finite(model: "torch.nn.Module") -> str | None:
    """Return the name of a parameter that is not all finite numbers, if there is one."""
    for name, value in model.named_parameters():
        # One number is NaN or infinite if any of them is, and is made without another copy.
        if not math.isfinite(value.detach().sum().item()) and not value.isfinite().all():
            return name
    return None


def save_checkpoint(model: "PreTrainedModel", tokenizer_from: str | Path, out: str | Path) -> None:
    """Write `model` with the tokenizer files of folder `tokenizer_from` as checkpoint `out`."""
    with whole_folder(out) as aside:
        save_weights(model, aside)
        for name in TOKENIZER_FILES:
            shutil.copyfile(Path(tokenizer_from) / name, aside / name)


def save_weights(model: "PreTrainedModel", folder: str | Path) -> None:
    """Write `config.json` and `model.safetensors`, and nothing else, into an existing folder."""
    model.config.architectures = [ARCHITECTURES[model.config.model_type]]
    model.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    (Path(folder) / "generation_config.json").unlink(missing_ok=True)


def count_parameters(model: "torch.nn.Module") -> int:
    """Count the parameters, each shared tensor once (masked LM, tied decoder, no pooler)."""
    return sum(parameter.numel() for parameter in model.parameters())
