"""What a seed trained for a task, on disk and back.

An adapter and its head lie in the format of the `adapters` library, weights as safetensors:

    model = adapters.AutoAdapterModel.from_pretrained(checkpoint)
    model.load_adapter(folder, set_active=True, use_safetensors=True)

With full tuning, the whole model lies there with its tokenizer, as `tuned_models` says.
"""

import json
import re
from pathlib import Path

from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from monoglot.checkpoint_files import first_line
from monoglot.checkpoints import FILES as CHECKPOINT_FILES
from monoglot.checkpoints import not_finite
from monoglot.errors import UserError
from monoglot.evaluate import tuned_models
from monoglot.evaluate.adapter import NAME, load_encoder
from monoglot.evaluate.kept_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    FILES,
    HEAD_CONFIG,
    HEAD_WEIGHTS,
)
from monoglot.evaluate.task import Names, Task, TuningSettings
from monoglot.files import sha256, whole_folder

MAX_LENGTH = "max_length"
CHECKPOINT = "checkpoint_sha256"
OWN = re.compile(r"\b(adapters|heads)\.[^.]+\.")
"""Part of the names of tensors that an adapter and its head have, with the name of either."""


def save(
    model: PreTrainedModel,
    checkpoint: Path,
    task: Task,
    settings: TuningSettings,
    names: Names,
    folder: Path,
) -> None:
    """Write what of `model` was tuned on `checkpoint` to `folder`: the same bytes for the same.

    The adapter and its head are named after the task, and the head knows its labels. Beside the
    library's own keys, `adapter_config.json` says how many tokens of an example were read
    (`max_length`) and the SHA-256 of the checkpoint's weights (`checkpoint_sha256`).
    """
    with whole_folder(folder) as aside:
        if settings.tuning == "full":
            tuned_models.save(model, checkpoint, task, settings.max_length, aside)
            return
        about = {
            MAX_LENGTH: settings.max_length,
            CHECKPOINT: sha256(checkpoint / "model.safetensors"),
        }
        model.save_adapter(str(aside), NAME, meta_dict=about, use_safetensors=True)
        labels = {name: at for at, name in enumerate(task.classes)}
        model_name = "/".join((names.model, names.language, names.variant))
        named = {"name": task.name, "model_name": model_name}
        _edit(aside / ADAPTER_CONFIG, named)
        _edit(aside / HEAD_CONFIG, named, {"label2id": labels})
        for weights in (ADAPTER_WEIGHTS, HEAD_WEIGHTS):
            _rename_in_weights(aside / weights, task.name)


def load(
    checkpoint: str | Path, adapter: str | Path
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint with a task adapter and head that were kept for it, both active.

    The model is in fp32 and evaluation mode, the tokenizer cuts where that of training did. Of a
    fully tuned model, nothing is read from `checkpoint`.

    Raises `UserError` if a file is missing or damaged, or the adapter was trained on other weights.
    """
    checkpoint, adapter = Path(checkpoint), Path(adapter)
    if not any((adapter / name).is_file() for name in FILES["adapter"]):
        if not all((adapter / name).is_file() for name in CHECKPOINT_FILES):
            raise UserError(
                f"{adapter}: there is neither an adapter ({', '.join(FILES['adapter'])}) "
                f"nor a tuned model ({', '.join(CHECKPOINT_FILES)})"
            )
        return tuned_models.load(adapter), _tokenizer(adapter)
    about = _about(adapter)
    model = load_encoder(checkpoint)
    if sha256(checkpoint / "model.safetensors") != about[CHECKPOINT]:
        raise UserError(
            f"{adapter}: was trained on other weights than those of {checkpoint}; "
            "name the checkpoint that it was trained on, or train it again"
        )
    try:
        model.load_adapter(str(adapter), load_as=NAME, set_active=True, use_safetensors=True)
    # The library shows a broken file as an error of many kinds.
    except Exception as error:
        raise UserError(f"{adapter}: cannot be read as an adapter ({first_line(error)})") from None
    _check_whole(model, adapter)
    return model.eval(), _tokenizer(checkpoint, model_max_length=about[MAX_LENGTH])


def _check_whole(model: PreTrainedModel, folder: Path) -> None:
    """Raise `UserError` if weights are missing, which the library leaves random, or not finite."""
    files = (folder / ADAPTER_WEIGHTS, folder / HEAD_WEIGHTS)
    kept = {OWN.sub(r"\1.", name) for file in files for name in load_file(file)}
    for name in filter(OWN.search, model.state_dict()):
        if OWN.sub(r"\1.", name) not in kept:
            raise UserError(f"{folder}: has no weights for {name}; train the adapter again")
    if name := not_finite(model):
        raise UserError(f"{folder}: the weights of {name} are not all finite numbers")


def _tokenizer(folder: Path, **settings: int) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, **settings
        )
    # What it makes of broken settings is an error of many kinds.
    except Exception as error:
        raise UserError(f"{folder}: the tokenizer cannot be read ({first_line(error)})") from None


def _about(folder: Path) -> dict:
    """Return what an adapter's configuration says, all of its files being there."""
    for name in FILES["adapter"]:
        if not (folder / name).is_file():
            raise UserError(f"{folder}: there is no {name}; an adapter needs it")
    file = folder / ADAPTER_CONFIG
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: is not valid JSON ({first_line(error)})") from None
    if not isinstance(about, dict) or not {MAX_LENGTH, CHECKPOINT} <= about.keys():
        raise UserError(
            f"{file}: has no '{MAX_LENGTH}' or no '{CHECKPOINT}'; it must be of an adapter kept by "
            "scripts/evaluate.py"
        )
    if type(about[MAX_LENGTH]) is not int or about[MAX_LENGTH] < 1:
        raise UserError(f"{file}: '{MAX_LENGTH}' must be a number of tokens from 1")
    return about


def _edit(file: Path, changes: dict, of_the_head: dict | None = None) -> None:
    """Change keys of a configuration, and of the head's within it."""
    config = json.loads(file.read_text(encoding="utf-8")) | changes
    config["config"] |= of_the_head or {}
    file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rename_in_weights(file: Path, name: str) -> None:
    """Give tensors the task's name, so that adapters of several tasks fit into one model."""
    tensors = load_file(file)
    renamed = {
        key.replace(f"adapters.{NAME}.", f"adapters.{name}.").replace(
            f"heads.{NAME}.", f"heads.{name}."
        ): value
        for key, value in tensors.items()
    }
    save_file(renamed, file)
