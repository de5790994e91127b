"""Checkpoints on disk: plain Hugging Face folders that stock classes load.

A checkpoint is a folder with exactly `config.json`, `model.safetensors`, `tokenizer.json` and
`tokenizer_config.json`. The model is a masked language model with a tied decoder and no pooler.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.collection import paused
from monoglot.errors import UserError
from monoglot.files import whole_folder

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
FILES = ("config.json", "model.safetensors", *TOKENIZER_FILES)
ARCHITECTURES = {
    "bert": "BertForMaskedLM",
    "xlm-roberta": "XLMRobertaForMaskedLM",
    "distilbert": "DistilBertForMaskedLM",
}


@paused()
def load_model(folder: str | Path, attention: str | None = None) -> "PreTrainedModel":
    """Load a checkpoint's masked language model in fp32, in evaluation mode.

    `attention` is the implementation: `eager` if attention probabilities are asked for, else the
    library's choice. Raises `UserError` if a file is missing or damaged, the architecture is
    another one, the weights do not cover the model, or the tokenizer has more pieces than the model
    embeddings.
    """
    folder = Path(folder)
    check_files(folder)
    config = _config(folder / "config.json")
    pieces = _pieces(folder / "tokenizer.json")
    if pieces > config.vocab_size:
        raise UserError(
            f"{folder}/tokenizer.json: has {pieces} pieces, but the model has {config.vocab_size} "
            "embeddings; they must come from the same checkpoint"
        )
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
    if the weights are damaged, have other shapes than the configuration says, or the decoder is not
    tied.
    """
    import torch
    from transformers import AutoModelForMaskedLM

    try:
        model, info = AutoModelForMaskedLM.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation=attention,
            output_loading_info=True,
        )
    # A broken file shows as an error of safetensors, of the operating system or of the shapes.
    except Exception as error:
        raise UserError(
            f"{where}: the weights cannot be read ({first_line(error)}); "
            "make or fetch the checkpoint again"
        ) from None
    if not model.config.tie_word_embeddings:
        raise UserError(f"{where}: its decoder is not tied to its embeddings, as it must be")
    return model.eval(), sorted(info["missing_keys"])


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, for use inside a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _config(file: Path) -> "PretrainedConfig":
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(file.parent, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{file}: is no configuration of a model ({first_line(error)})") from error
    if config.model_type not in ARCHITECTURES:
        raise UserError(
            f"{file}: model_type is '{config.model_type}'; "
            f"it must be one of {', '.join(ARCHITECTURES)}"
        )
    return config


def _pieces(tokenizer: Path) -> int:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tokenizer)).get_vocab_size()


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
