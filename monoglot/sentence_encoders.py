"""Sentence encoders: what sentence-transformers keeps beside a model, and the vectors it means.

`modules.json` lists what follows the encoder: how the states of tokens become one vector (pooling),
dense layers, a norm of 1. Each has a folder of its own; prompts and the longest text have files
beside the model. Planning reads this: imports nothing heavy.
"""

import inspect
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monoglot.checkpoints import SENTENCE_SETTINGS, checked_json
from monoglot.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    Answer = Callable[[Tensor, Tensor], Tensor]

MODULES, PROMPTS, *LENGTHS = SENTENCE_SETTINGS
CONFIG, WEIGHTS = "config.json", "model.safetensors"
KINDS = ("Transformer", "Pooling", "Dense", "Normalize")
FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Ways of pooling, by the older of two names; vectors of several stand in this order."""
DIMENSIONS = ("embedding_dimension", "word_embedding_dimension")
"""Names of the encoder's hidden size in the settings of pooling."""
ACTIVATION = re.compile(r"torch\.nn\.modules\.(?:activation|linear)\.(\w+)")
AT_ONCE = 4096
"""Tokens of texts that are answered together, padding included; one text may have more."""


@dataclass(frozen=True)
class SentenceModule:
    """What `modules.json` says of a module: one of `KINDS`, its folder and the settings there."""

    kind: str
    path: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class SentenceEncoder:
    """How a model in a folder makes vectors of texts; of one without such files, mean pooling.

    Attributes:
        folder: where the model lies.
        modules: after the encoder itself, in order.
        max_length: longest text in tokens, None if no file says so.
        lower_case: whether texts are lower-cased.
        prompt: what stands before each text if nothing else is asked for.
        prompts: all that may stand before a text.
    """

    folder: Path
    modules: tuple[SentenceModule, ...] = ()
    max_length: int | None = None
    lower_case: bool = False
    prompt: str = ""
    prompts: tuple[str, ...] = ()

    @property
    def pooling(self) -> tuple[str, ...]:
        """The ways of pooling whose vectors stand one after the other."""
        found = [_modes(one.settings) for one in self.modules if one.kind == "Pooling"]
        return found[0] if found else ("mean",)

    def described(self) -> dict[str, str]:
        """Return what a record says of it."""
        return {"pooling": " and ".join(self.pooling), "prefix": self.prompt}

    def limit(self, tokenizer: "PreTrainedTokenizerBase", longest: int) -> int:
        """Return how many tokens of a text are read, if `longest` are wanted at most."""
        return min(longest, tokenizer.model_max_length, self.max_length or longest)

    def as_given(self, documents: Iterable[str]) -> Iterator[str]:
        """Yield documents as the encoder is given them: behind its prompts, each in turn."""
        return map(add, cycle(self.prompts or ("",)), documents)

    def write(self, out: Path, hidden_size: int | None = None) -> None:
        """Copy the files into the folder of a model made from this one, which may be narrower.

        Dense layers are over the old size, and are left to the caller to refuse.
        """
        copy_files(self.folder, out)
        for module in self.modules:
            if hidden_size and module.kind == "Pooling":
                key = next(key for key in DIMENSIONS if key in module.settings)
                text = json.dumps({**module.settings, key: hidden_size}, indent=2)
                (out / module.path / CONFIG).write_text(text + "\n", encoding="utf-8")

    def vectors(
        self,
        answer: "Answer",
        tokenizer: "PreTrainedTokenizerBase",
        texts: Sequence[str],
        longest: int,
    ) -> "Tensor":
        """Return the vectors of texts, fp32, [texts, dimensions], as sentence-transformers does.

        Args:
            answer: gives the states of the last layer, [texts, length, hidden], for ids and
                attention mask, int64, [texts, length].
            tokenizer: that of the encoder.
            texts: they get the prompt that the files name as the default.
            longest: cut them to so many tokens, if the files do not say fewer.
        """
        import torch
        from torch.nn.utils.rnn import pad_sequence

        after = [_function(self.folder, one) for one in self.modules if one.kind != "Pooling"]
        texts = [self.prompt + text for text in texts]
        texts = [text.lower() for text in texts] if self.lower_case else texts
        limit = self.limit(tokenizer, longest)
        encoded = tokenizer(texts, truncation=True, max_length=limit)["input_ids"]
        found = {}
        for rows in _alike([len(ids) for ids in encoded]):
            # Not by the tokenizer, which would pad on the left if told so by its files.
            of_rows = [torch.tensor(encoded[i]) for i in rows]
            ids = pad_sequence(of_rows, batch_first=True, padding_value=tokenizer.pad_token_id)
            lengths = torch.tensor([len(one) for one in of_rows])
            mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
            with torch.inference_mode():
                vectors = pooled(answer(ids, mask).float(), mask, self.pooling)
                for function in after:
                    vectors = function(vectors)
            found |= dict(zip(rows, vectors, strict=True))
        return torch.stack([found[i] for i in range(len(texts))])


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of texts of like length, by number: short texts many, long ones few."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[i] * (len(batch) + 1) > AT_ONCE:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def pooled(states: "Tensor", mask: "Tensor", ways: Sequence[str]) -> "Tensor":
    """Return one vector for each text: those of each way of pooling, one after the other.

    Args:
        states: of the last layer, [texts, length, hidden].
        mask: 1 at tokens, 0 at padding, int64, [texts, length].
        ways: see `FLAGS`.
    """
    import torch

    rows = torch.arange(len(states))
    weights = mask[..., None].to(states.dtype)
    places = torch.arange(1, mask.shape[1] + 1)
    total, count = (states * weights).sum(1), weights.sum(1).clamp(min=1e-9)

    def by_place() -> "Tensor":
        later = weights * places[:, None]
        return (states * later).sum(1) / later.sum(1).clamp(min=1e-9)

    found = {
        "cls": lambda: states[rows, mask.argmax(1)],
        "max": lambda: states.masked_fill(mask[..., None] == 0, float("-inf")).amax(1),
        "mean": lambda: total / count,
        "mean_sqrt_len_tokens": lambda: total / count.sqrt(),
        "weightedmean": by_place,
        "lasttoken": lambda: states[rows, (mask * places).argmax(1)],
    }
    return torch.cat([found[way]() for way in ways], dim=1)


def _function(folder: Path, module: SentenceModule) -> "Callable[[Tensor], Tensor]":
    """Return what a module after pooling does to vectors, [texts, dimensions]."""
    from safetensors.torch import load_file
    from torch.nn import functional

    if module.kind == "Normalize":
        return lambda vectors: functional.normalize(vectors, dim=1)
    weights = load_file(folder / module.path / WEIGHTS)
    activation = _activation(module.settings)()
    weights = {name.removeprefix("linear."): tensor.float() for name, tensor in weights.items()}
    return lambda vectors: activation(functional.linear(vectors, **weights))


def _activation(settings: Mapping[str, Any]) -> "type[nn.Module] | None":
    """Return the class that a dense layer's settings name, None if it is not one of torch's."""
    from torch import nn

    name = settings.get("activation_function", "torch.nn.modules.activation.Tanh")
    match = ACTIVATION.fullmatch(name) if isinstance(name, str) else None
    found = getattr(nn, match[1], None) if match else None
    if found is None:
        return None
    given = inspect.signature(found).parameters.values()
    return None if any(one.default is one.empty for one in given if one.kind < 2) else found


def read_sentence_encoder(folder: Path, where: str, hidden_size: int) -> SentenceEncoder:
    """Return how a folder's model makes vectors of texts.

    Args:
        folder: of a model whose `parsed_config` has been looked at.
        where: what errors call it.
        hidden_size: of its encoder.

    Raises:
        UserError: a file is damaged, or names what cannot be kept or does not fit the encoder.
    """
    listed = list(_modules(folder, where))
    if not listed:
        return SentenceEncoder(folder)
    first, *others = listed
    if first.kind != "Transformer" or first.path:
        raise UserError(
            f"{where}: {MODULES} has a {first.kind} in '{first.path or '.'}' first; it must be the "
            "Transformer, in the folder itself"
        )
    size = hidden_size
    for module in others:
        size = _size_after(folder, module, size, f"{where}: {module.path}/{CONFIG}")
    kinds = [module.kind for module in others]
    if kinds and (kinds[0] != "Pooling" or kinds.count("Pooling") > 1):
        raise UserError(f"{where}: {MODULES} must have one Pooling, right after the Transformer")
    lengths = next((name for name in LENGTHS if (folder / name).is_file()), LENGTHS[0])
    about = _mapping(folder, lengths, where)
    prompts = _mapping(folder, PROMPTS, where)
    length = about.get("max_seq_length")
    if length is not None and (type(length) is not int or length < 1):
        raise UserError(
            f"{where}: {lengths}: max_seq_length is {length!r}; it must be a whole number from 1 up"
        )
    named = prompts.get("prompts") or {}
    if not isinstance(named, dict) or not all(isinstance(text, str) for text in named.values()):
        raise UserError(f"{where}: {PROMPTS}: prompts must be texts by name")
    prompt = named.get(prompts.get("default_prompt_name"), "")
    lower_case = about.get("do_lower_case") is True
    return SentenceEncoder(
        folder, tuple(others), length, lower_case, prompt, tuple(dict.fromkeys(named.values()))
    )


def files_of(folder: Path, where: str) -> list[str]:
    """Return the paths, in a model's folder, of the files that make it a sentence encoder.

    Raises `UserError` as `read_sentence_encoder` does for `modules.json`.
    """
    paths = [module.path for module in _modules(folder, where) if module.path]
    inside = [f"{path}/{name}" for path in paths for name in (CONFIG, WEIGHTS)]
    return [name for name in (*SENTENCE_SETTINGS, *inside) if (folder / name).is_file()]


def copy_files(folder: Path, out: Path) -> None:
    """Copy the files that make a model a sentence encoder into another folder that is there."""
    for name in files_of(folder, str(folder)):
        (out / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / name, out / name)


def _modules(folder: Path, where: str) -> Iterator[SentenceModule]:
    listed = checked_json(folder, MODULES, where) or []
    if not isinstance(listed, list):
        raise UserError(f"{where}: {MODULES} must be a list of modules")
    for entry in listed:
        about = entry if isinstance(entry, dict) else {}
        name, path = (str(about.get(key, "")) for key in ("type", "path"))
        package, _, kind = name.rpartition(".")
        if package.partition(".")[0] != "sentence_transformers" or kind not in KINDS:
            raise UserError(
                f"{where}: {MODULES} has a module of the type '{name}', which cannot be kept; "
                f"modules may be {', '.join(KINDS)} of sentence_transformers"
            )
        if path and not re.fullmatch(r"\w[\w.-]*", path):
            raise UserError(
                f"{where}: {MODULES} has the path '{path}'; it must be the name of a folder"
            )
        yield SentenceModule(kind, path, _mapping(folder / path, CONFIG, where) if path else {})


def _mapping(folder: Path, name: str, where: str) -> Mapping[str, Any]:
    found = checked_json(folder, name, where)
    if found is not None and not isinstance(found, dict):
        raise UserError(f"{where}: {name} must be a mapping of settings")
    return found or {}


def _modes(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The ways of pooling that settings name, by either of two ways to name them."""
    found = settings.get("pooling_mode")
    if found is None:
        found = [mode for flag, mode in FLAGS.items() if settings.get(flag)] or ["mean"]
    return tuple([found] if isinstance(found, str) else found)


def _size_after(folder: Path, module: SentenceModule, size: int, where: str) -> int:
    """Return how many dimensions vectors have after a module; `UserError` if it does not fit."""
    if module.kind == "Transformer":
        raise UserError(f"{where}: is that of a second Transformer, which cannot be kept")
    settings = module.settings
    if module.kind == "Normalize":
        return size
    if module.kind == "Pooling":
        key = next((key for key in DIMENSIONS if key in settings), DIMENSIONS[0])
        modes = _modes(settings)
        if unknown := [mode for mode in modes if mode not in FLAGS.values()]:
            raise UserError(
                f"{where}: pooling_mode is {unknown[0]!r}; it must be one of "
                f"{', '.join(FLAGS.values())}"
            )
        _check_equal(where, key, settings.get(key), size)
        if settings.get("include_prompt", True) is not True:
            raise UserError(f"{where}: include_prompt is false; prompts must be pooled too")
        return size * len(modes)
    _check_equal(where, "in_features", settings.get("in_features"), size)
    of_vectors = settings.get("module_input_name", "sentence_embedding") == "sentence_embedding"
    out = settings.get("out_features")
    if not of_vectors or type(out) is not int or _activation(settings) is None:
        raise UserError(
            f"{where}: must be of a dense layer over vectors of texts, with out_features and an "
            "activation_function of torch.nn.modules.activation"
        )
    _check_weights(folder / module.path / WEIGHTS, [out, size], where)
    return out


def _check_equal(where: str, key: str, found: Any, wanted: int) -> None:
    if found != wanted:
        raise UserError(f"{where}: {key} is {found!r}, but what it takes has {wanted} dimensions")


def _check_weights(file: Path, shape: list[int], where: str) -> None:
    from safetensors import safe_open

    if not file.is_file():
        raise UserError(f"{where}: there is no {WEIGHTS} beside it; save the layer as safetensors")
    try:
        with safe_open(file, framework="pt") as tensors:
            found = tensors.get_slice("linear.weight").get_shape()
    except Exception as error:  # safetensors raises nothing narrower
        raise UserError(f"{file}: cannot be read ({error})") from None
    if found != shape:
        raise UserError(f"{where}: says that linear.weight is {shape}, but it is {found}")
