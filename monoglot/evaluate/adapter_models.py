"""What is trained for a task: adapters on a frozen encoder, or all of it, and a prediction head.

The adapter is `seq_bn` of the `adapters` library (Pfeiffer et al., 2020; the paper, section 4.4):
one bottleneck with ReLU after each layer's feed-forward block. With it, only adapter and head are
trained. With full tuning there is no adapter.
"""

import json
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import adapters
import torch
import transformers
from adapters import RobertaAdapterModel
from adapters.context import ForwardContext
from adapters.heads import ModelWithFlexibleHeadsAdaptersMixin
from adapters.model_mixin import EmbeddingAdaptersWrapperMixin
from adapters.wrappers.interfaces import get_adapter_interface
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    CamembertConfig,
    ModernBertConfig,
    ModernBertModel,
    ModernBertPreTrainedModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
)
from transformers.modeling_outputs import ModelOutput
from transformers.utils import logging as transformers_logging

from monoglot.checkpoints import FILES as CHECKPOINT_FILES
from monoglot.checkpoints import (
    check,
    from_safetensors,
    not_finite,
    parsed_config,
    read_config,
)
from monoglot.errors import UserError, first_line
from monoglot.evaluate import KINDS
from monoglot.evaluate.task import Names, TrainedTask, TuningSettings
from monoglot.families import FAMILIES
from monoglot.files import sha256, whole_folder
from monoglot.paths import ADAPTER_CONFIG, ADAPTER_WEIGHTS, HEAD_CONFIG, HEAD_WEIGHTS, KEPT_FILES

NAME = "task"


class ModernBertAdapterModel(
    EmbeddingAdaptersWrapperMixin, ModelWithFlexibleHeadsAdaptersMixin, ModernBertPreTrainedModel
):
    """ModernBERT with adapters and heads, for which the library has hooks, but no class."""

    head_types = ("classification", "tagging")

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__(config)
        self.model = ModernBertModel(config)
        # For other methods, the library would put layers with a bias in place of those without.
        hooks = replace(get_adapter_interface("modernbert"), adapter_methods=["bottleneck"])
        adapters.init(self.model, interface=hooks)
        self._init_head_modules()
        self.post_init()

    @ForwardContext.wrap
    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        head: str | None = None,
        **more: object,
    ) -> ModelOutput:
        """Return the active head's output for token ids and attention mask, [batch, length]."""
        states = self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        about = {"attention_mask": attention_mask, "return_dict": True, **more}
        return self.forward_head(states, head_name=head, **about)


class CamembertAdapterModel(RobertaAdapterModel):
    """CamemBERT with adapters and heads: to the library the RoBERTa that it is but for its name."""

    config_class = CamembertConfig

    def __init__(self, config: CamembertConfig) -> None:
        settings = config.to_dict() | {"model_type": RobertaConfig.model_type}
        super().__init__(RobertaConfig.from_dict(settings))


CLASSES = {"modernbert": ModernBertAdapterModel, "camembert": CamembertAdapterModel}
"""Of the families that the library has no class for (`Family.in_adapters`), our own."""


def class_of(family: str) -> type[PreTrainedModel]:
    """Return a family's class with adapters and heads."""
    return CLASSES.get(family) or getattr(adapters, f"{FAMILIES[family].classes}AdapterModel")


def load_encoder(checkpoint: str | Path) -> PreTrainedModel:
    """Load a checkpoint's encoder in fp32, without its masked-LM head and without a pooler.

    Raises `UserError` if a file is missing or damaged, the family is another one, or weights are
    missing or not finite.
    """
    checkpoint = Path(checkpoint)
    family = check(checkpoint).model_type
    transformers_logging.set_verbosity_error()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    model, lacking = from_safetensors(class_of(family), checkpoint, str(checkpoint), whole=False)
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


def fresh_adapter(
    model: PreTrainedModel, task: TrainedTask, reduction_factor: int, seed: int
) -> None:
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
    model: PreTrainedModel, task: TrainedTask, seed: int, encoder: Mapping[str, torch.Tensor]
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


# Models tuned whole on a task, as stock checkpoints that need no `adapters` library.
#
# The class that the kind of task names (`TrainedTask.stock`) loads them. The trained head is the
# stock one under other names, `TrainedTask.stock_heads`; where a family has no such head, a model
# is kept in the format of `adapters`.

FLEXIBLE = "prediction_heads"
"""The key of a configuration with heads of the `adapters` library."""
HOOKS = "adapter_interface.json"
"""What the library writes beside weights of a family that it has only hooks for, its own hooks."""


def save_tuned(
    model: PreTrainedModel, checkpoint: Path, task: TrainedTask, max_length: int, folder: Path
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
    for name in ("generation_config.json", HOOKS):
        (folder / name).unlink(missing_ok=True)
    shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")
    about = json.loads((checkpoint / "tokenizer_config.json").read_text(encoding="utf-8"))
    text = json.dumps(about | {"model_max_length": max_length}, indent=2, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def load_tuned(folder: Path) -> PreTrainedModel:
    """Load what `save` wrote, in fp32 and evaluation mode."""
    config = parsed_config(folder, str(folder))
    flexible = FLEXIBLE in config
    model_class = class_of(config["model_type"]) if flexible else _stock_class(config)
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
    names = {kind.stock for kind in KINDS.values() if kind.trained}
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


# What a seed trained for a task, on disk and back.
#
# An adapter and its head lie in the format of the `adapters` library, weights as safetensors:
#
# model = adapters.AutoAdapterModel.from_pretrained(checkpoint)
# model.load_adapter(folder, set_active=True, use_safetensors=True)
#
# With full tuning, the whole model lies there with its tokenizer, as `save_tuned` says.

MAX_LENGTH = "max_length"
CHECKPOINT = "checkpoint_sha256"
OWN = re.compile(r"\b(adapters|heads)\.[^.]+\.")
"""Part of the names of tensors that an adapter and its head have, with the name of either."""


def save(
    model: PreTrainedModel,
    checkpoint: Path,
    task: TrainedTask,
    settings: TuningSettings,
    names: Names,
    folder: Path,
) -> None:
    """Write the part of `model` that was tuned; equal weights give equal bytes.

    The adapter and its head are named after the task, and the head knows its labels. Beside the
    library's own keys, `adapter_config.json` says how many tokens of an example were read
    (`max_length`) and the SHA-256 of the checkpoint's weights (`checkpoint_sha256`).
    """
    with whole_folder(folder) as aside:
        if settings.tuning == "full":
            save_tuned(model, checkpoint, task, settings.max_length, aside)
            return
        about = {
            MAX_LENGTH: settings.max_length,
            CHECKPOINT: sha256(checkpoint / "model.safetensors"),
        }
        model.save_adapter(str(aside), NAME, meta_dict=about, use_safetensors=True)
        (aside / HOOKS).unlink(missing_ok=True)
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
    if not any((adapter / name).is_file() for name in KEPT_FILES["adapter"]):
        if not all((adapter / name).is_file() for name in CHECKPOINT_FILES):
            raise UserError(
                f"{adapter}: there is neither an adapter ({', '.join(KEPT_FILES['adapter'])}) "
                f"nor a tuned model ({', '.join(CHECKPOINT_FILES)})"
            )
        return load_tuned(adapter), _tokenizer(adapter)
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
    for name in KEPT_FILES["adapter"]:
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
