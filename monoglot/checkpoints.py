"""Checkpoints on disk: plain Hugging Face folders that stock classes load.

A checkpoint is a folder with exactly `config.json`, `model.safetensors`, `tokenizer.json` and
`tokenizer_config.json`. The model is a masked language model with a tied decoder and no pooler.
"""

import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monoglot.errors import UserError, first_few, first_line, sentence
from monoglot.families import FAMILIES
from monoglot.files import whole_folder
from monoglot.script import paused
from monoglot.tokenizer_json import check_special_tokens, valid

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from transformers import PretrainedConfig, PreTrainedModel


# The files of a checkpoint, and whether they are what they should be; no code in them is run.

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
FILES = ("config.json", "model.safetensors", *TOKENIZER_FILES)
EMBEDDINGS = ("word_embeddings.weight", "tok_embeddings.weight")
LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")
COUNTS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)
"""Attributes of every family's configuration that must be whole numbers from 1 up."""


def check(folder: str | Path) -> "PretrainedConfig":
    """Return a checkpoint's configuration, after looking at everything but its weights.

    Raises `UserError` if a file is missing or damaged, the architecture is another one, or the
    tokenizer is not the model's.
    """
    folder = Path(folder)
    check_files(folder)
    config = read_config(folder, str(folder))
    tokenizer = load_tokenizer(folder)
    pieces, ids, highest = _vocabulary(tokenizer)
    beyond = tokenizer.id_to_token(config.vocab_size) is not None
    if beyond or highest >= config.vocab_size or ids < pieces:
        raise UserError(
            f"{folder}/tokenizer.json: has {pieces} pieces with {ids} ids up to {highest}, but the "
            f"model has {config.vocab_size} embeddings; they must come from the same checkpoint"
        )
    return config


def _vocabulary(tokenizer: "Tokenizer") -> tuple[int, int, int]:
    """Return how many pieces and ids a tokenizer has, and the highest id."""
    pieces = tokenizer.get_vocab_size()
    if type(tokenizer.model).__name__ == "Unigram":  # its ids are positions in a list
        return pieces, pieces, pieces - 1
    ids = set(tokenizer.get_vocab().values())
    return pieces, len(ids), max(ids, default=0)


def read_config(folder: str | Path, where: str) -> "PretrainedConfig":
    """Return the configuration in a folder, which errors call `where`.

    Raises `UserError` if its family is not known, or if it names code of its own.
    """
    from transformers import AutoConfig

    config = parsed_config(folder, where)
    where = f"{where}: config.json"
    if config["model_type"] not in FAMILIES:
        raise UserError(
            f"{where}: model_type is '{config['model_type']}'; "
            f"it must be one of {', '.join(FAMILIES)}"
        )
    try:
        read = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    # Each family checks its keys in its own way.
    except Exception as error:
        raise UserError(f"{where} is no configuration of a model ({first_line(error)})") from None
    for key in COUNTS:
        value = getattr(read, key, None)
        if type(value) is not int or value < 1:
            raise UserError(f"{where}: {key} is {value!r}; it must be a whole number from 1 up")
    check_parts(read, where)
    pad = read.pad_token_id
    if type(pad) is not int or not 0 <= pad < read.vocab_size:
        raise UserError(
            f"{where}: pad_token_id is {pad!r}; it must be the id of one of the "
            f"{read.vocab_size} pieces"
        )
    return read


def check_parts(config: "PretrainedConfig", where: str) -> None:
    """Raise `UserError` if a configuration asks for parts that are not known of its family."""
    _check_required(config.to_dict(), where)
    if config.model_type != "deberta-v2":
        return
    hidden = config.hidden_size
    widths = {"embedding_size": hidden, "attention_head_size": hidden // config.num_attention_heads}
    for key, wanted in widths.items():
        if getattr(config, key, wanted) != wanted:
            raise UserError(
                f"{where}: {key} is {getattr(config, key)}; of a {config.model_type} with hidden "
                f"size {hidden} it must be {wanted}"
            )


def _check_required(config: Mapping[str, Any], where: str) -> None:
    """Raise `UserError` unless a configuration has the settings that its family requires."""
    family = FAMILIES[config["model_type"]]
    for key, wanted in family.required.items():
        found = said = config.get(key, family.unstated.get(key, type(wanted)()))
        if isinstance(wanted, list):  # which may be written as "p2c|c2p"
            parts = said.lower().split("|") if isinstance(said, str) else said
            found = sorted(str(part).strip() for part in parts) if isinstance(parts, list) else said
        if found != wanted:
            raise UserError(
                f"{where}: {key} is {said!r}; of the family {config['model_type']}, only models "
                f"with {wanted!r} are supported"
            )


def check_family(folder: str | Path, family: str, where: str) -> None:
    """Check what a folder's `config.json` says of its architecture, without loading the model.

    Raises `UserError` if it is of another family, or lacks settings that the family requires.
    """
    config = parsed_config(folder, where)
    if (found := config["model_type"]) != family:
        raise UserError(
            f"{where}: config.json has the model_type '{found}'; it must be '{family}', the "
            f"family of the model (families are {', '.join(FAMILIES)})"
        )
    _check_required(config, f"{where}: config.json")


def embedding_width(config: "PretrainedConfig") -> int:
    """Return how wide a model's embeddings are; of an ELECTRA its layers may be wider."""
    setting = FAMILIES[config.model_type].embedding_size
    return getattr(config, setting, config.hidden_size) if setting else config.hidden_size


def parsed_config(folder: str | Path, where: str) -> Mapping[str, Any]:
    """Return what `config.json` in a folder holds, once nothing beside it names code to be run.

    Raises `UserError` if it is of no checkpoint, or if the folder names code.
    """
    config = checked_json(Path(folder), "config.json", where)
    if config is None:
        raise UserError(f"{where}: has no config.json; it is not a checkpoint")
    for name in SETTINGS:
        checked_json(Path(folder), name, where)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserError(f"{where}: config.json has no model_type; it is not a checkpoint's")
    return config


def checked_json(folder: Path, name: str, where: str) -> Any:
    """Return what a JSON file holds, None if there is none; raise `UserError` if it names code."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{where}: {name} is not valid JSON ({first_line(error)})") from None
    _check_no_code(found, name, where)
    return found


SENTENCE_SETTINGS = ("modules.json", "config_sentence_transformers.json")
SENTENCE_SETTINGS += ("sentence_bert_config.json", "sentence_roberta_config.json")
SENTENCE_SETTINGS += ("sentence_distilbert_config.json", "sentence_camembert_config.json")
SENTENCE_SETTINGS += ("sentence_xlm-roberta_config.json",)
"""What sentence-transformers reads beside a model; the last ones are names of one and the same."""
SETTINGS = ("generation_config.json", "tokenizer_config.json", "adapter_config.json")
SETTINGS += SENTENCE_SETTINGS
"""What libraries read of a folder unasked, besides `config.json` and weights."""
CODE = re.compile(
    r"auto_map|(attn|attention|experts)_implementation|kernel|custom_(generate|pipeline)"
    r"|remote_code|transformers_weights|base_model_name_or_path"
)
"""Keys that name code to be fetched and run (an attention may come from anywhere on the Hub), or
files elsewhere."""
HARMLESS = "_attn_implementation_autoset"
"""A key that transformers itself wrote for a while; it names nothing."""


def _check_no_code(config: object, file: str, where: str) -> None:
    """Raise `UserError` if settings name, at any depth, code or files that are not the folder's.

    This comes before a library reads them.
    """
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            for key, value in part.items():
                # A number names nothing, as in `label2id`.
                names = value is True or (value and isinstance(value, str | list | dict))
                if names and key != HARMLESS and CODE.search(key):
                    raise UserError(
                        f"{where}: {file} names code of its own ({key}), and code of a checkpoint "
                        f"is never run; take a checkpoint of {', '.join(FAMILIES)} without it"
                    )
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def stated(folder: str | Path) -> dict[str, int]:
    """Return `positions`, `pieces` and the width of `embeddings` of a model.

    As far as its `config.json` says them.

    For planning: loads nothing, and leaves it to whoever loads the model to refuse what is broken.
    """
    try:
        config = parsed_config(folder, str(folder))
    except UserError:
        return {}
    family = FAMILIES.get(config["model_type"])
    numbers = {"positions": "max_position_embeddings", "pieces": "vocab_size"}
    numbers |= {"embeddings": family.embedding_size} if family and family.embedding_size else {}
    found = {name: config[key] for name, key in numbers.items() if type(config.get(key)) is int}
    pad = config.get("pad_token_id", 1)
    if "positions" in found and family and family.after_padding and type(pad) is int:
        found["positions"] -= pad + 1
    return found


def load_tokenizer(folder: str | Path) -> "Tokenizer":
    """Load a checkpoint's tokenizer, set neither to cut nor to pad; raise `UserError` if broken."""
    from tokenizers import Tokenizer

    file = Path(folder) / "tokenizer.json"
    with valid(f"{file}: is not a valid tokenizer.json", "; make or fetch the checkpoint again"):
        tokenizer = Tokenizer.from_file(str(file))
    check_special_tokens(tokenizer, file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def check_files(folder: str | Path) -> None:
    """Raise `UserError` unless `folder` holds the four files of a checkpoint."""
    folder = Path(folder)
    for name in FILES:
        if not (folder / name).is_file():
            what = "a tokenizer" if name in TOKENIZER_FILES else "a model"
            raise UserError(
                f"{folder}: there is no {name}; a checkpoint needs {what} ({', '.join(FILES)})"
            )


def check_shapes(file: Path, config: "PretrainedConfig") -> None:
    """Raise `ValueError` unless layers and embeddings of a file are as many as configured.

    The library leaves out layers that the configuration does not name, without an error.
    """
    from safetensors import safe_open

    if not file.is_file():  # a checkpoint in several files
        return
    with safe_open(file, framework="pt") as tensors:
        names = list(tensors.keys())
        layers = {int(found[1]) for name in names if (found := LAYER.search(name))}
        rows = [tensors.get_slice(name).get_shape() for name in names if name.endswith(EMBEDDINGS)]
    if layers != set(range(config.num_hidden_layers)):
        raise ValueError(
            f"there are {len(layers)} layers, but config.json says {config.num_hidden_layers}"
        )
    wanted = [config.vocab_size, embedding_width(config)]
    if rows and rows[0] != wanted:
        raise ValueError(f"the embeddings are {rows[0]}, but config.json says {wanted}")


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
    folder: Path, where: str, attention: str | None = None, kept: Collection[str] = ()
) -> tuple["PreTrainedModel", list[str]]:
    """Load what a folder holds of a masked language model, and name the tensors it does not hold.

    Weights are read in fp32, from safetensors alone. Missing tensors have the architecture's own
    initial values, drawn by torch's generator. Raises `UserError`, which calls the folder `where`,
    if the weights are damaged, are not all finite, have other shapes than the configuration says,
    or the decoder is not tied.
    """
    from transformers import AutoModelForMaskedLM

    model, missing = from_safetensors(
        AutoModelForMaskedLM, folder, where, attn_implementation=attention, kept=kept
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


UNUSED = re.compile(
    r"(^|\.)pooler\.|(^|\.)seq_relationship\.|^(discriminator|lm|mask)_predictions\."
    r"|^deberta\.embeddings\.position_embeddings\.|(^|\.)(position|token_type)_ids$"
)
"""Weights that a masked language model can do without: they were only used in pretraining."""


def from_configured(
    model_class: Any,
    config: "PretrainedConfig",
    folder: Path,
    where: str,
    whole: bool = True,
    kept: Collection[str] = (),
    **options: object,
) -> tuple["PreTrainedModel", list[str]]:
    """Load a model of `model_class` from safetensors alone; name the tensors it lacks.

    In fp32, unless `options` say another `dtype`. Raises `UserError` as `read_weights` does, and if
    the folder holds weights that the model has no place for, unless only part of it is wanted; or
    has weights beside the model's that are not among the paths `kept`, which the caller keeps.
    """
    import torch

    _check_beside(folder, where, kept)
    if hasattr(config, "reference_compile"):  # else a ModernBERT compiles itself on a GPU
        config.reference_compile = False
    try:
        for name, dtype in dtypes_of(folder).items():
            if dtype not in PRECISIONS and not UNUSED.search(name):
                raise ValueError(f"{name} is stored as {dtype}, not as floating-point numbers")
        check_shapes(folder / "model.safetensors", config)
        model, info = model_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **{"dtype": torch.float32, **options},
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
    lost = sorted(key for key in info["unexpected_keys"] if not UNUSED.search(key))
    if lost and whole:
        raise UserError(
            f"{where}: {model_class.__name__} has no place for {first_few(lost)}, which would "
            "be lost; give a checkpoint without these weights"
        )
    return model, sorted(info["missing_keys"])


PRECISIONS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Types of weights, by their names in safetensors."""


def dtypes_of(folder: Path) -> dict[str, str]:
    """Return the type of each weight in a folder, as safetensors calls it."""
    from safetensors import safe_open

    found = {}
    for file in weight_files(folder):
        with safe_open(file, framework="pt") as tensors:
            names = list(tensors.keys())
            found |= {name: tensors.get_slice(name).get_dtype() for name in names}
    return found


def as_stored(model: "PreTrainedModel", folder: Path) -> "PreTrainedModel":
    """Give each weight of a model, loaded in fp32 from a folder, the type that it has there."""
    import torch

    stored = dtypes_of(folder).items()
    types = {name: getattr(torch, PRECISIONS.get(dtype, "float32")) for name, dtype in stored}
    usual = Counter(types.values()).most_common(1)[0][0]
    for name, weight in model.named_parameters():
        # An encoder may be stored alone or within a model with a head.
        plain = name.removeprefix(f"{model.base_model_prefix}.")
        weight.data = weight.data.to(types.get(name, types.get(plain, usual)))
    model.config.dtype = model.dtype
    return model


def weight_files(folder: Path) -> list[Path]:
    """Return the files of a folder that hold a model's weights: one, or the parts of it."""
    whole = folder / "model.safetensors"
    return [whole] if whole.is_file() else sorted(folder.glob("model-*.safetensors"))


def _check_beside(folder: Path, where: str, kept: Collection[str]) -> None:
    """Raise `UserError` for weights beside a model's that would be lost: adapters, dense layers."""
    beside = [folder / "adapter_model.safetensors"]
    if (folder / "modules.json").is_file():
        beside += sorted(folder.glob("*_Dense*/*.safetensors"))
    found = [str(file.relative_to(folder)) for file in beside if file.is_file()]
    if lost := [name for name in found if name not in kept]:
        raise UserError(
            f"{where}: has further weights beside the model's, which would be lost "
            f"({lost[0]}); merge them into the model, or take them away"
        )


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
    model.config.architectures = [FAMILIES[model.config.model_type].masked_lm]
    model.save_pretrained(folder, safe_serialization=True, max_shard_size="1TB")
    (Path(folder) / "generation_config.json").unlink(missing_ok=True)


def count_parameters(model: "torch.nn.Module") -> int:
    """Count the parameters, each shared tensor once (masked LM, tied decoder, no pooler)."""
    return sum(parameter.numel() for parameter in model.parameters())


def checkpoint_parameters(checkpoint: str | Path) -> int:
    """Count a checkpoint's parameters as a masked LM (tied decoder, no pooler), by its config."""
    return _counted(checkpoint, "AutoModelForMaskedLM")


def encoder_parameters(checkpoint: str | Path) -> int:
    """Count a checkpoint's parameters as an encoder with a pooler, by its config.

    No checkpoint here has a pooler; others count one, as AfroXLMR-Comet (arXiv 2502.18020) does.
    """
    return _counted(checkpoint, "AutoModel")


def _counted(checkpoint: str | Path, model_class: str) -> int:
    import torch
    import transformers

    config = read_config(checkpoint, str(checkpoint))
    config.dtype = torch.float32  # a checkpoint's own says nothing about its size
    with torch.device("meta"):
        return count_parameters(getattr(transformers, model_class).from_config(config))
