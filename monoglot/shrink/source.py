"""Models to start from: a folder, or one of the Hub, pinned to a commit; no code, no pickle."""

from dataclasses import dataclass
from pathlib import Path

import transformers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from monoglot.advice import advising
from monoglot.api.arguments import check_model
from monoglot.api.tokenizers import parsed, rebuilt
from monoglot.checkpoint_files import first_line, parsed_config
from monoglot.checkpoints import check_safetensors, from_configured
from monoglot.collection import paused
from monoglot.data.hub import UnreachableError
from monoglot.errors import UserError
from monoglot.operations.anatomy import ANATOMIES
from monoglot.operations.embedding_rows import gather_rows
from monoglot.operations.hub_model import download

CLASSES = {
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForTokenClassification": "AutoModelForTokenClassification",
    "ForQuestionAnswering": "AutoModelForQuestionAnswering",
    "Model": "AutoModel",
}
"""What loads an architecture, by the end of its name; all others are masked language models."""
MASKED_LM = "AutoModelForMaskedLM"
CONNECT = (
    "run this once with a network, after which the cache serves it, or give the folder of a copy "
    "as MODEL, without --revision"
)


@dataclass(frozen=True)
class Source:
    """A model with its tokenizer, and where both came from.

    Attributes:
        name: folder, or id on the Hub with the revision, for messages.
        folder: the files on this machine.
    """

    name: str
    folder: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast


def find(name: str, revision: str | None) -> tuple[Path, str]:
    """Return the folder of a model, downloaded if `revision` is given, and its name for messages.

    Raises `UserError` if it is neither a folder nor to be had from the Hub.
    """
    if revision is not None:
        with advising(UnreachableError, CONNECT):
            return download(name, revision), f"{name} at revision {revision}"
    if not Path(name).is_dir():
        raise UserError(
            f"{name}: there is no such folder; give the folder of a checkpoint, or for a model of "
            "the Hub its id and, as --revision, the 40 hexadecimal digits of a commit"
        )
    return Path(name), name


@paused()
def load(folder: Path, where: str, masked_lm: bool = False) -> Source:
    """Load an encoder in fp32, in evaluation mode, with its fast tokenizer.

    The head is the one that its configuration names, or with `masked_lm` that of masked LM.

    Raises:
        UserError: it is no encoder of a known architecture, names code of its own, has weights in
            pickle files alone, is broken or incomplete, or has no tokenizer of its own.
    """
    config = parsed_config(folder, where)
    if config["model_type"] not in ANATOMIES:
        raise UserError(
            f"{where}: is a '{config['model_type']}'; it must be an encoder of one of these "
            f"architectures: {', '.join(ANATOMIES)}"
        )
    check_safetensors(folder, where)
    name = MASKED_LM if masked_lm else _class_of(config.get("architectures") or [""])
    transformers.logging.set_verbosity_error()
    model_class, config = getattr(transformers, name), _read_config(folder, where)
    model, missing = from_configured(model_class, config, folder, where)
    if missing:
        raise UserError(
            f"{where}: has no weights for {missing[0]}; "
            f"it must hold the whole model that {name} loads"
        )
    check_model(model.eval())
    tokenizer = _load_tokenizer(folder, where)
    tokenizer = rebuilt(tokenizer, parsed(tokenizer, model))
    if len(tokenizer) < model.config.vocab_size:  # embeddings of no piece
        model = gather_rows(model, range(len(tokenizer)))
    return Source(where, folder, model, tokenizer)


def _class_of(architectures: list[str]) -> str:
    ends = (name for end, name in CLASSES.items() if architectures[0].endswith(end))
    return next(ends, MASKED_LM)


def _read_config(folder: Path, where: str) -> PretrainedConfig:
    try:
        return transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # Each architecture checks its keys in its own way.
    except Exception as error:
        raise UserError(
            f"{where}: config.json is no configuration of a model ({first_line(error)})"
        ) from None


def _load_tokenizer(folder: Path, where: str) -> PreTrainedTokenizerFast:
    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, use_fast=True, trust_remote_code=False
        )
    except Exception as error:
        raise UserError(f"{where}: the tokenizer cannot be read ({first_line(error)})") from None
