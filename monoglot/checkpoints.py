"""Checkpoints on disk: plain Hugging Face folders that stock classes load.

A checkpoint is a folder with exactly `config.json`, `model.safetensors`, `tokenizer.json` and
`tokenizer_config.json`. The model is a masked language model with a tied decoder and no pooler.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.files import whole_folder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
FILES = ("config.json", "model.safetensors", *TOKENIZER_FILES)
ARCHITECTURES = {"bert": "BertForMaskedLM", "xlm-roberta": "XLMRobertaForMaskedLM"}


def load_model(folder: str | Path) -> "PreTrainedModel":
    """Load a checkpoint's masked language model in fp32, in evaluation mode.

    Raises `UserError` if a file is missing, the architecture is another one, the weights do not
    cover the model, or the tokenizer has other ids than the embeddings have rows.
    """
    from transformers import AutoConfig, AutoModelForMaskedLM

    folder = Path(folder)
    check_files(folder)
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type not in ARCHITECTURES:
        raise UserError(
            f"{folder}/config.json: model_type is '{config.model_type}'; "
            f"it must be one of {', '.join(ARCHITECTURES)}"
        )
    model, info = AutoModelForMaskedLM.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    if info["missing_keys"]:
        raise UserError(
            f"{folder}/model.safetensors: has no weights for {sorted(info['missing_keys'])[0]}; "
            "a checkpoint must hold the whole masked language model"
        )
    return model.eval()


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


def check_files(folder: str | Path) -> None:
    """Raise `UserError` unless `folder` holds the four files of a checkpoint."""
    folder = Path(folder)
    for name in FILES:
        if not (folder / name).is_file():
            what = "a tokenizer" if name in TOKENIZER_FILES else "a model"
            raise UserError(
                f"{folder}: there is no {name}; a checkpoint needs {what} ({', '.join(FILES)})"
            )


def count_parameters(model: "torch.nn.Module") -> int:
    """Count the parameters, each shared tensor once (masked LM, tied decoder, no pooler)."""
    return sum(parameter.numel() for parameter in model.parameters())
