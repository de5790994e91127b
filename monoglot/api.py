"""The Python interface: operations as functions on models and tokenizers in memory.

They take what transformers loads and return new objects; arguments stay as they are. `monoglot`
has all their names.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import reduce, wraps
from operator import add
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from tokenizers import Tokenizer
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from monoglot.checkpoints import check_parts, count_parameters, not_finite
from monoglot.data.readers import valid_text
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.keys import Parameters, plain
from monoglot.operations import prune_ffn as ffn
from monoglot.operations import reduce_hidden as hidden
from monoglot.operations import select_layers as layers_
from monoglot.operations.importance import stream, validation_batches
from monoglot.operations.prune_ffn import HeadOrder, NeuronMeasure, PruneFfn
from monoglot.operations.reduce_hidden import OF_TEXT, Heads, Method, ReduceHidden
from monoglot.operations.select_layers import SelectLayers, Strategy
from monoglot.operations.surgery import layers_of, longest_input
from monoglot.operations.trim_vocab import Frequency, Trimming
from monoglot.operations.trimming import trim
from monoglot.tokenizer_json import check_special_tokens, is_padded, prefix_space, to_json
from monoglot.tokens.encode import Documents, TokenMemory, encode_batches
from monoglot.tokens.store import ids_of_roles
from monoglot.training.batches import Batches, Sequences
from monoglot.training.distillation import Objective
from monoglot.training.loop import train
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings

# Whether models and texts are ones that the operations can work with.


def check_model(model: PreTrainedModel) -> None:
    """Raise `UserError` unless `model` is an encoder of a known architecture, with or without head.

    Weights must be plain numbers, and tied where the configuration says so.
    """
    if not isinstance(model, PreTrainedModel):
        raise UserError(
            f"the model is a {type(model).__name__}; give one of transformers, such as "
            "AutoModelForMaskedLM.from_pretrained(...) returns"
        )
    config = model.config
    if config.model_type not in FAMILIES:
        raise UserError(
            f"the model is a '{config.model_type}'; it must be an encoder of one of these "
            f"architectures: {', '.join(FAMILIES)}"
        )
    check_parts(config, "the model")
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        raise UserError("the model is set up as a decoder (is_decoder); it must be an encoder")
    if getattr(model, "is_quantized", False):
        raise UserError("the model is quantised; load it with plain floating-point weights")
    devices = sorted({str(parameter.device) for parameter in model.parameters()})
    if len(devices) > 1:
        raise UserError(
            f"the model has weights on several devices, {', '.join(devices)}; load it onto one"
        )
    if devices == ["meta"]:
        raise UserError("the model has weights on the device 'meta'; load it with its weights")
    name = not_finite(model)
    if name:
        raise UserError(
            f"the model's {name} is not all finite numbers; load it again, or train it with a "
            "lower learning rate"
        )
    present = len(layers_of(model))
    if present != config.num_hidden_layers:
        raise UserError(
            f"the model has {present} layers, but config.num_hidden_layers is "
            f"{config.num_hidden_layers}; correct the configuration"
        )
    if any(getattr(config, "pruned_heads", {}).values()):
        raise UserError("the model has pruned attention heads; give one with all of its heads")
    decoder = model.get_output_embeddings()
    tied = decoder is not None and decoder.weight is model.get_input_embeddings().weight
    if decoder is not None and tied != config.tie_word_embeddings:
        raise UserError(
            f"the model's decoder {'shares' if tied else 'does not share'} its weights with the "
            f"embeddings, but config.tie_word_embeddings is {not tied}; call model.tie_weights() "
            "or correct the configuration"
        )


def check_masked_lm(model: PreTrainedModel, what: str = "the model") -> None:
    """Raise `UserError`, which calls it `what`, unless `model` is a masked language model."""
    check_model(model)
    if not isinstance(model, MODEL_FOR_MASKED_LM_MAPPING[type(model.config)]):
        raise UserError(
            f"{what} is a {type(model).__name__}; it must be a masked language model, as "
            "AutoModelForMaskedLM loads it"
        )


def check_narrowable(model: PreTrainedModel) -> None:
    """Raise `UserError` unless `model` is a masked language model or an encoder alone."""
    check_model(model)
    alone = model.base_model is model
    if not alone and not isinstance(model, MODEL_FOR_MASKED_LM_MAPPING[type(model.config)]):
        raise UserError(
            f"the model is a {type(model).__name__}; give a masked language model or an encoder "
            "alone"
        )


def sequence_length(model: PreTrainedModel, max_length: int | None) -> int:
    """Return the longest sequence to make, special tokens included: by default 512 or the model's.

    Raises `UserError` for one that is too short, or more than the model has positions for.
    """
    longest = longest_input(model.config)
    if max_length is None:
        return min(Settings.default("max_length"), longest)
    max_length = _checked(Settings, steps=1, max_length=max_length).max_length
    if max_length > longest:
        raise UserError(
            f"max_length: {max_length} is more than the {longest} positions of the model"
        )
    return max_length


Block = TypeVar("Block", bound=Parameters)


def _checked(cls: type[Block], **values: Any) -> Block:
    """Return parameters, numbers of numpy made plain; raise `UserError` for what does not fit."""
    # The parent, whose name an operation's parameters have in a configuration, is at hand.
    parent = {"parent": ""} if "parent" in cls.model_fields else {}
    return cls.checked(parent | {name: plain(value) for name, value in values.items()})


def documents(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts; raise `UserError` for what is none, or as `check_texts` does."""
    check_texts(texts)
    return _documents(texts)


def check_texts(texts: Iterable[str]) -> None:
    """Raise `UserError` if texts, none of which is read, are one text or cannot be read."""
    whole_table = hasattr(texts, "columns")  # pandas yields the names of its columns
    if isinstance(texts, str | bytes | Mapping) or whole_table or not _can_be_read(texts):
        raise UserError(
            f"the texts are a {type(texts).__name__}; give a list or another iterable of str, "
            "each a document or a sentence (of a table, give one column)"
        )


def _can_be_read(texts: object) -> bool:
    try:
        iter(texts)  # which an array without dimensions has no answer to, though it is an Iterable
    except TypeError:
        return False
    return True


def _documents(texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise UserError(
                f"text {number} is a {type(text).__name__}; each must be a str (of a data set, "
                "give one column)"
            )
        yield valid_text(text, f"text {number}")


# Torch's modes while a function works, whatever those of its caller.

Function = TypeVar("Function", bound=Callable[..., Any])


def in_plain_modes(function: Function) -> Function:
    """Let a function work as if no mode of torch had been set; its caller's modes come back.

    Gradients are computed, nothing is cast, and tensors are made on the CPU and in fp32. Weights
    made in inference mode can be read, hence copied, but never trained.
    """

    @wraps(function)
    def plain(*arguments: Any, **options: Any) -> Any:
        with _plain_modes():
            return function(*arguments, **options)

    return plain  # type: ignore[return-value]


@contextmanager
def _plain_modes() -> Iterator[None]:
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            modes.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            # Not always, because it takes time in every operation.
            modes.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            # Not always, because threads share it.
            modes.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        yield


# Tokenizers of transformers, taken apart and put together again.

KINDS = ("WordPiece", "Unigram", "BPE")
KEPT = (
    "model_max_length",
    "model_input_names",
    "padding_side",
    "truncation_side",
    "clean_up_tokenization_spaces",
)


def parsed(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> dict:
    """Return the `tokenizer.json` of a model's tokenizer, set neither to cut nor to pad.

    Raises `UserError` if it is a slow one, of an unknown kind, or not the model's.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise UserError(
            f"the tokenizer is a {type(tokenizer).__name__}; give a fast one, as "
            "AutoTokenizer.from_pretrained(..., use_fast=True) returns"
        )
    check_special_tokens(backend, "the tokenizer")
    found = json.loads(backend.to_str()) | {"truncation": None, "padding": None}
    kind = found["model"]["type"]
    if kind not in KINDS:
        raise UserError(f"the tokenizer is a {kind} one; it must be one of {', '.join(KINDS)}")
    _check_ids(set(backend.get_vocab(with_added_tokens=True).values()), tokenizer, model)
    return found


def _check_ids(ids: set[int], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    rows, config = model.get_input_embeddings().weight.shape[0], model.config
    if rows != config.vocab_size:
        raise UserError(
            f"the model has {rows} embeddings, but config.vocab_size is {config.vocab_size}; "
            "correct the configuration"
        )
    if ids != set(range(len(ids))) or not (rows == len(ids) or is_padded(rows, len(ids))):
        raise UserError(
            f"the tokenizer has {len(ids)} ids up to {max(ids, default=0)}, the model {rows} "
            "embeddings; give the tokenizer that the model was trained with"
        )
    named = config.pad_token_id
    if FAMILIES[config.model_type].after_padding and tokenizer.pad_token_id != named:
        raise UserError(
            f"the tokenizer pads with id {tokenizer.pad_token_id}, but the model counts its "
            f"positions from padding id {named}; give the tokenizer that it was trained with"
        )


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """Return special tokens by role, as in a `tokenizer_config.json`."""
    return {role: str(token) for role, token in tokenizer.special_tokens_map.items()}


def encoded(
    texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> TokenMemory:
    """Return texts as token ids; raise `UserError` for bad texts or another model's tokenizer."""
    backend = Tokenizer.from_str(to_json(parsed(tokenizer, model)))
    about = ids_of_roles(backend, special_tokens(tokenizer), "the tokenizer")
    about["vocab"] = model.config.vocab_size  # which may have embeddings of no piece
    return TokenMemory.of_texts(documents(texts), backend, about)


def rebuilt(tokenizer: PreTrainedTokenizerBase, contents: dict) -> PreTrainedTokenizerFast:
    """Return a tokenizer like `tokenizer`, with other contents of its `tokenizer.json`.

    It is of the generic class: the classes of single families rebuild themselves from a vocabulary
    when they are loaded, each by rules of its own.
    """
    # Since transformers 5 the map holds no more than names, and the contents alone the rest.
    special = getattr(tokenizer, "special_tokens_map_extended", tokenizer.special_tokens_map)
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(to_json(contents)),
        **{key: getattr(tokenizer, key) for key in KEPT},
        **prefix_space(contents),
        **special,
    )


# What a model is worth on text, and how large it is.


class Evaluation(NamedTuple):
    """A masked language model on text.

    Attributes:
        loss: mean cross-entropy of masked tokens, in nats.
        accuracy: share of masked tokens that the model finds, 0 to 1.
        masked: masked tokens.
    """

    loss: float
    accuracy: float
    masked: int


@in_plain_modes
def evaluate_mlm(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    *,
    max_length: int | None = None,
    mlm_probability: float = Settings.default("mlm_probability"),
    seed: int = Settings.default("seed"),
) -> Evaluation:
    """Mask tokens of texts and count how many of them a model finds.

    Models with other tokenizers have other tokens to find, so that only those with one tokenizer
    compare exactly.

    Examples:
        >>> found = monoglot.evaluate_mlm(model, tokenizer, texts)
        >>> found.masked > 0, 0 <= found.accuracy <= 1
        (True, True)

    Args:
        model: a masked language model.
        tokenizer: its fast tokenizer.
        texts: documents, of each the first `max_length` tokens; held in memory as token ids.
        max_length: longest sequence in tokens, special ones included; by default 512 or what the
            model has positions for.
        mlm_probability: share of the tokens to mask: 80 % become the mask, 10 % another piece.
        seed: of the masks.

    Raises:
        UserError: the model is no masked language model of a known architecture, the tokenizer is
            slow or not the model's, a text is no str, or no token is masked.
    """
    check_masked_lm(model)
    settings = _measure_settings(sequence_length(model, max_length), mlm_probability, seed)
    return _evaluation(model, encoded(texts, tokenizer, model), settings)


def on_tokens(
    model: PreTrainedModel, tokens: Documents, length: int, mlm_probability: float, seed: int
) -> Evaluation:
    """Evaluate a model on encoded documents, of each the first `length` tokens."""
    return _evaluation(model, tokens, _measure_settings(length, mlm_probability, seed))


def _measure_settings(length: int, mlm_probability: float, seed: int) -> Settings:
    how = {"max_length": length, "mlm_probability": mlm_probability, "seed": seed}
    return _checked(Settings, steps=1, **how)


@torch.no_grad()
def _evaluation(model: PreTrainedModel, tokens: Documents, settings: Settings) -> Evaluation:
    sequences = Sequences(tokens, settings.max_length - 2, "truncate")
    batches = list(Batches(tokens.meta, settings).of_validation(sequences, 0))
    size = reduce(add, (batch.size("masked") for batch in batches))
    if not size.masked:
        raise UserError("no token of the texts was masked; give more text")
    with _evaluated(model) as own:
        losses = Objective(own, None, settings, nullcontext).over(size, training=False)
        for batch in batches:
            losses.add(batch.to(own.device), None)
    return Evaluation(losses.mlm.item(), losses.hits.item() / size.masked, size.masked)


@contextmanager
def _evaluated(model: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """Lend a model in evaluation mode and fp32, without a change to it that lasts."""
    if any(parameter.dtype != torch.float32 for parameter in model.parameters()):
        yield copy.deepcopy(model).float().eval()
        return
    modes = {module: module.training for module in model.modules()}
    try:
        yield model.eval()
    finally:
        for module, training in modes.items():
            module.training = training


def parameters(model: torch.nn.Module) -> int:
    """Count a model's parameters, each shared tensor once.

    Examples:
        >>> monoglot.parameters(model)
        24768

    Tables of this project count those of a masked language model with tied decoder.
    """
    if not isinstance(model, torch.nn.Module):
        raise UserError(f"the model is a {type(model).__name__}; give a model of torch")
    return count_parameters(model)


# Operations that make a model smaller; none of them trains.

Model = TypeVar("Model", bound=PreTrainedModel)


@in_plain_modes
def trim_vocab(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    size: int,
    *,
    heldout: Iterable[str] | None = None,
    count: Frequency | None = Trimming.default("count"),
    keep_characters: bool = Trimming.default("keep_characters"),
    keep_scripts: bool = Trimming.default("keep_scripts"),
    keep: Sequence[str] = Trimming.default("keep"),
    pad_to_multiple_of: int = Trimming.default("pad_to_multiple_of"),
) -> tuple[Model, PreTrainedTokenizerFast, dict[str, Any]]:
    """Keep the `size` most frequent pieces of some texts, and the special tokens.

    Rows of the embeddings (and of the decoder, if the model predicts pieces) are gathered; nothing
    is trained. A text whose pieces are all kept is encoded as before and gives the same hidden
    states. Gurgurov et al. 2025, section 2.4.

    Examples:
        >>> smaller, its_tokenizer, report = monoglot.trim_vocab(model, tokenizer, texts, size=60)
        >>> smaller.config.vocab_size, len(its_tokenizer)
        (65, 65)
        >>> report["vocab"]
        {'before': 120, 'after': 65}
        >>> its_tokenizer.tokenize("il kelb") == tokenizer.tokenize("il kelb")
        True

    Args:
        model: an encoder with any head, or none.
        tokenizer: its fast tokenizer: WordPiece, Unigram or BPE (byte-level too).
        texts: documents of the language, read once; only counts are kept in memory.
        size: pieces to keep besides the special tokens.
        heldout: other documents, to report on.
        count: what makes a piece frequent: `documents` it occurs in (by default for WordPiece) or
            its occurrences, `tokens`.
        keep_characters: keep every piece of one character that occurs.
        keep_scripts: keep every letter of the scripts that the texts are written in, and all
            digits, punctuation and signs but those of other scripts.
        keep: texts, such as prompts, that stay segmented as they are: `["query: "]`.
        pad_to_multiple_of: keep as many more pieces as make the vocabulary, special tokens
            counted, a multiple of this.

    Returns:
        The model; its tokenizer, of the class `PreTrainedTokenizerFast`; and a report: sizes
        (`vocab`), the share of the texts' tokens that the kept pieces are (`text`: `coverage`) and,
        with `heldout`, unknown rate, fertility and the share of words segmented in another way.

    Raises:
        UserError: the model is no encoder of a known architecture, the tokenizer is slow or not the
            model's, a text is no str, there are no words, or there are not as many pieces.
    """
    check_model(model)
    how = _checked(
        Trimming,
        size=size,
        count=count,
        keep_characters=keep_characters,
        keep_scripts=keep_scripts,
        keep=list(keep) if isinstance(keep, tuple) else keep,
        pad_to_multiple_of=pad_to_multiple_of,
    )
    before = parsed(tokenizer, model)
    batches = encode_batches(Tokenizer.from_str(to_json(before)), documents(texts))
    others = None if heldout is None else documents(heldout)
    names = special_tokens(tokenizer)
    if any(parameter.is_inference() for parameter in model.parameters()):
        model = copy.deepcopy(model)  # weights made in inference mode are not to be shared
    made = trim(model, before, names, batches, others, how)
    # The trimmed model shares its other weights with the one it was made from.
    return copy.deepcopy(made.model), rebuilt(tokenizer, made.tokenizer), made.report


@in_plain_modes
def select_layers(
    model: Model,
    layers: int,
    strategy: Strategy = SelectLayers.default("strategy"),
    *,
    seed: int = SelectLayers.default("seed"),
) -> Model:
    """Keep some of a model's layers. Gurgurov et al. 2025, section 2.1 and appendix B.

    Examples:
        >>> monoglot.select_layers(model, layers=2).config.num_hidden_layers
        2

    Args:
        model: an encoder with any head, or none.
        layers: how many to keep.
        strategy: of 12 layers and 6: `first_k` 0 to 5, `last_k` 6 to 11, `stride` 0 2 4 6 8 10,
            `first_last_k` 0 1 2 9 10 11; `random` draws all weights anew.
        seed: of `random`.

    Raises:
        UserError: for another architecture, an unknown strategy, or more layers than there are.
    """
    check_model(model)
    how = _checked(SelectLayers, layers=layers, strategy=strategy, seed=seed)
    smaller = layers_.select_layers(model, how.layers, how.strategy, how.seed)
    # The others are copies.
    return smaller.to(model.device, model.dtype) if strategy == "random" else smaller


@in_plain_modes
def prune_ffn(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    size: int,
    *,
    importance: NeuronMeasure = PruneFfn.default("importance"),
    rounds: int = PruneFfn.default("rounds"),
    head_order: HeadOrder = PruneFfn.default("head_order"),
    max_length: int | None = None,
    seed: int = PruneFfn.default("seed"),
) -> Model:
    """Keep the feed-forward neurons that the masked-LM loss on some texts depends on most.

    Gurgurov et al. 2025, section 2.2.

    Examples:
        >>> monoglot.prune_ffn(model, tokenizer, texts, size=32).config.intermediate_size
        32

    Args:
        model: a masked language model.
        tokenizer: its fast tokenizer.
        texts: documents of the language, a thousand or so; held in memory as token ids.
        size: neurons to keep in each layer.
        importance: `gradient_weight`, |gradient · weight|, `gradient`, |gradient|, or `taylor`,
            |gradient · activation|.
        rounds: drop the neurons in so many equal steps, each of which scores anew what is left.
        head_order: `as_is`, or attention heads sorted by `importance` (of |gradient|) or by
            `cumulative_importance` (the paper's code): no output changes, but what `reduce_hidden`
            keeps later.
        max_length: longest sequence in tokens, special ones included; by default 512 or what the
            model has positions for.
        seed: of the masks.

    Raises:
        UserError: the model is no masked language model of a known architecture, the tokenizer is
            slow or not the model's, a text is no str, or a size or choice does not fit.
    """
    check_masked_lm(model)
    how = _checked(
        PruneFfn,
        size=size,
        importance=importance,
        rounds=rounds,
        head_order=head_order,
        max_length=sequence_length(model, max_length),
        seed=seed,
    )
    ffn.check_size(model, how.size)
    tokens = encoded(texts, tokenizer, model)
    # Its weights may be frozen, and gradients are asked for.
    return ffn.prune_ffn(copy.deepcopy(model).requires_grad_(True), tokens, how)


@in_plain_modes
def reduce_hidden(
    model: Model,
    size: int,
    method: Method = ReduceHidden.default("method"),
    *,
    heads: Heads = ReduceHidden.default("heads"),
    refit: bool = ReduceHidden.default("refit"),
    tokenizer: PreTrainedTokenizerBase | None = None,
    texts: Iterable[str] = (),
) -> Model:
    """Make the hidden size of a model smaller. Gurgurov et al. 2025, section 2.3 and appendix C.

    The model hardly predicts anything before it is trained again, as by `distill`.

    Examples:
        >>> monoglot.reduce_hidden(model, size=16).config.hidden_size
        16

    Args:
        model: a masked language model, or an encoder alone.
        size: the new hidden size, a multiple of the attention heads.
        method: `truncate` keeps the first dimensions, `svd` does so after a low-rank approximation
            of each matrix, `activations` keeps the dimensions that are largest on some texts;
            `projection` changes to the leading directions of the word embeddings, `hidden_states`
            to those of all layers' hidden states on some texts.
        heads: what narrower heads keep: the first dimensions of all together (`cut`), those of
            every head (`aligned`), or every head's best approximation (`low_rank`).
        refit: fit the gains and biases of every LayerNorm to what the model's own makes of the
            first 200 texts, for `activations` and `hidden_states`.
        tokenizer: the model's fast tokenizer, for `activations` and `hidden_states`.
        texts: documents of the language for these, a thousand or so.

    Raises:
        UserError: for another architecture or head, an unknown method, a size that does not fit, or
            a method that needs texts and has none.
    """
    check_narrowable(model)
    how, measured = _checked(ReduceHidden, size=size, method=method, heads=heads, refit=refit), None
    if method in OF_TEXT and tokenizer is not None:
        tokens, length = encoded(texts, tokenizer, model), sequence_length(model, None)
        with _evaluated(model) as own:
            measured = stream(own, validation_batches(own, tokens, length))
            if refit:
                batches = validation_batches(own, tokens, length)
                smaller = hidden.reduce_hidden(own, how.size, method, heads, measured, batches)
                return smaller.to(model.dtype)
    return hidden.reduce_hidden(model, how.size, method, heads, measured, () if refit else None)


# Masked-LM training of a model, alone or under a teacher.

History = list[dict[str, Any]]
HELD_OUT, MOST_HELD_OUT = 0.02, 1000
OF_TEACHERS = ("loss", "alpha", "positions", "temperature", "kl_mean")
OF_TEACHERS += ("hidden_weight", "relation_weight", "sentence_weight", "teacher_layers")
"""Settings that only a training under a teacher has."""
NOT_OFFERED = ("attention_weight", "attention_projection")
"""Settings that need models loaded with another implementation of attention."""


@in_plain_modes
def adapt(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    *,
    validation: Iterable[str] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = Settings.default("batch_size"),
    learning_rate: float = Settings.default("learning_rate"),
    max_length: int | None = None,
    seed: int = Settings.default("seed"),
    **more: Any,
) -> tuple[Model, History]:
    """Train a masked language model on some texts: language adaptation, or training after pruning.

    Examples:
        >>> adapted, history = monoglot.adapt(model, tokenizer, texts, steps=2, batch_size=4)
        >>> [row["step"] for row in history]
        [0, 2]

    Args:
        model: a masked language model; its training runs where it is, on CPU or GPU, in fp32.
        tokenizer: its fast tokenizer.
        texts: documents of the language; held in memory as token ids.
        validation: other documents, to validate on; by default one in fifty of `texts`, at most
            1,000, is held out.
        steps: optimiser steps; give this or `epochs`.
        epochs: passes over the texts.
        batch_size: sequences a step.
        learning_rate: the highest, of AdamW.
        max_length: longest sequence in tokens, special ones included; by default 512 or what the
            model has positions for.
        seed: of data order, masks and dropout.
        more: of the other parameters of the operation `train`, with the same defaults: `warmup`,
            `weight_decay`, `micro_batch`, `documents`, `padding`, `mlm_probability`,
            `evaluate_every`, `validation_masks`, `trains`, `keep` and `precision`.

    Returns:
        The trained model; and the history, a row for each evaluation: `step`, `tokens`,
        `learning_rate`, `loss`, `mlm_loss`, `distillation_loss`, `validation_loss` and
        `validation_accuracy`.

    Raises:
        UserError: the model is no masked language model of a known architecture, the tokenizer is
            slow or not the model's, a text is no str, a setting does not fit, or the loss becomes
            infinite.
    """
    check_masked_lm(model)
    settings = _settings(
        more,
        (*OF_TEACHERS, *NOT_OFFERED),
        steps=steps,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=sequence_length(model, max_length),
        seed=seed,
    )
    return _trained(model, None, tokenizer, texts, validation, settings)


@in_plain_modes
def distill(
    student: Model,
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    loss: Literal["mse", "kl"] = "mse",
    alpha: float = Settings.default("alpha"),
    *,
    validation: Iterable[str] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = Settings.default("batch_size"),
    learning_rate: float = Settings.default("learning_rate"),
    positions: Literal["all", "unpadded", "masked"] = Settings.default("positions"),
    temperature: float = Settings.default("temperature"),
    max_length: int | None = None,
    seed: int = Settings.default("seed"),
    **more: Any,
) -> tuple[Model, History]:
    """Train a student to predict what its teacher does. Gurgurov et al. 2025, sections 2.1 and 2.3.

    The loss is alpha · masked LM + (1 - alpha) · distance of the student's logits to the teacher's.

    Examples:
        >>> student = monoglot.select_layers(model, layers=2)
        >>> budget = {"steps": 2, "batch_size": 4}
        >>> student, history = monoglot.distill(student, model, tokenizer, texts, **budget)
        >>> student.config.num_hidden_layers
        2

    Args:
        student: a masked language model; its training runs where it is, on CPU or GPU, in fp32.
        teacher: another one, of any size, with the same vocabulary.
        tokenizer: the fast tokenizer of both.
        texts: documents of the language; held in memory as token ids.
        loss: the distance: mean squared difference of logits (`mse`), or `kl` divergence.
        alpha: weight of the masked-LM loss, 0 to 1.
        validation: other documents, to validate on; by default one in fifty of `texts`, at most
            1,000, is held out.
        steps: optimiser steps; give this or `epochs`.
        epochs: passes over the texts.
        batch_size: sequences a step.
        learning_rate: the highest, of AdamW.
        positions: where logits are compared: everywhere, padding too (`all`, the paper's code), on
            tokens (`unpadded`), or on `masked` ones.
        temperature: of both sides, for `kl`; at most 100.
        max_length: longest sequence in tokens, special ones included; by default 512 or what both
            models have positions for.
        seed: of data order, masks and dropout.
        more: as those of `adapt`, and `kl_mean`, `hidden_weight`, `relation_weight`,
            `sentence_weight` and `teacher_layers`.

    Returns:
        The trained student and the history, as `adapt`.

    Raises:
        UserError: as `adapt`, or the teacher has another vocabulary.
    """
    check_masked_lm(student, "the student")
    check_masked_lm(teacher, "the teacher")
    if teacher.config.vocab_size != student.config.vocab_size:
        raise UserError(
            f"the teacher has {teacher.config.vocab_size} embeddings and the student "
            f"{student.config.vocab_size}; both must have the same vocabulary"
        )
    lengths = (sequence_length(one, max_length) for one in (student, teacher))
    settings = _settings(
        more,
        NOT_OFFERED,
        steps=steps,
        epochs=epochs,
        loss=loss,
        alpha=alpha,
        positions=positions,
        temperature=temperature,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=min(lengths),
        seed=seed,
    )
    return _trained(student, teacher, tokenizer, texts, validation, settings)


def _settings(more: dict[str, Any], without: tuple[str, ...], **named: Any) -> Settings:
    """Return settings of a training; raise `UserError` for one that is unknown or does not fit."""
    offered = [name for name in Settings.model_fields if name not in (*without, *named)]
    for name in more:
        if name not in offered:
            raise UserError(f"setting '{name}' is not known; use one of {', '.join(offered)}")
    return _checked(Settings, **named, **more)


def _trained(
    student: Model,
    teacher: PreTrainedModel | None,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    validation: Iterable[str] | None,
    settings: Settings,
) -> tuple[Model, History]:
    if threading.current_thread() is not threading.main_thread():
        raise UserError("training listens to signals; call it from the main thread")
    if validation is not None:
        check_texts(validation)
    tokens = encoded(texts, tokenizer, student)
    if validation is None:
        tokens, held_out = tokens.split(HELD_OUT, MOST_HELD_OUT)
    else:
        held_out = encoded(validation, tokenizer, student)
    own = copy.deepcopy(student).float().requires_grad_(True)
    others = copy.deepcopy(teacher).float() if teacher else None
    device = own.device
    body = settings.max_length - 2
    # Each step seeds generators of torch; the caller's stay as they are.
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        history = train(
            own,
            Sequences(tokens, body, settings.documents),
            tokens.meta,
            Sequences(held_out, body, "truncate"),
            settings,
            others,
            processes=Processes(device=device),
        )
    own.zero_grad(set_to_none=True)
    return own, history
