"""Operations that make a model smaller; none of them trains."""

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from monoglot.api.arguments import (
    check_masked_lm,
    check_model,
    check_narrowable,
    documents,
    sequence_length,
)
from monoglot.api.modes import in_plain_modes
from monoglot.api.tokenizers import encoded, parsed, rebuilt, special_tokens
from monoglot.operations import prune_ffn as ffn
from monoglot.operations import reduce_hidden as hidden
from monoglot.operations import select_layers as layers_
from monoglot.operations.prune_ffn import HeadOrder, NeuronMeasure, PruneFfn
from monoglot.operations.reduce_hidden import Heads, Method, ReduceHidden
from monoglot.operations.select_layers import SelectLayers, Strategy
from monoglot.operations.trim import trim
from monoglot.operations.trim_vocab import Frequency, TrimVocab
from monoglot.tokenizer_files import to_json
from monoglot.tokens.encoding import encode_batches

Model = TypeVar("Model", bound=PreTrainedModel)


@in_plain_modes
def trim_vocab(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    size: int,
    *,
    heldout: Iterable[str] | None = None,
    count: Frequency | None = TrimVocab.default("count"),
    keep_characters: bool = TrimVocab.default("keep_characters"),
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

    Returns:
        The model; its tokenizer, of the class `PreTrainedTokenizerFast`; and a report: sizes
        (`vocab`), the share of the texts' tokens that the kept pieces are (`text`: `coverage`) and,
        with `heldout`, unknown rate, fertility and the share of words segmented in another way.

    Raises:
        UserError: the model is no encoder of a known architecture, the tokenizer is slow or not the
            model's, a text is no str, there are no words, or there are not as many pieces.
    """
    check_model(model)
    size, count = TrimVocab.value("size", size), TrimVocab.value("count", count)
    keep_characters = TrimVocab.value("keep_characters", keep_characters)
    before = parsed(tokenizer, model)
    batches = encode_batches(Tokenizer.from_str(to_json(before)), documents(texts))
    others = None if heldout is None else documents(heldout)
    names = special_tokens(tokenizer)
    if any(parameter.is_inference() for parameter in model.parameters()):
        model = copy.deepcopy(model)  # weights made in inference mode are not to be shared
    made = trim(model, before, names, batches, others, size, count, keep_characters)
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
    layers, seed = SelectLayers.value("layers", layers), SelectLayers.value("seed", seed)
    strategy = SelectLayers.value("strategy", strategy)
    smaller = layers_.select_layers(model, layers, strategy, seed)
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
        importance: `gradient_weight`, |gradient · weight|, or `gradient`, |gradient|.
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
    size, seed = PruneFfn.value("size", size), PruneFfn.value("seed", seed)
    ffn.check_choices(model, size, importance, head_order)
    length = sequence_length(model, max_length)
    tokens = encoded(texts, tokenizer, model)
    # Its weights may be frozen, and gradients are asked for.
    own = copy.deepcopy(model).requires_grad_(True)
    return ffn.prune_ffn(own, tokens, size, importance, length, seed, head_order)


@in_plain_modes
def reduce_hidden(
    model: Model,
    size: int,
    method: Method = ReduceHidden.default("method"),
    *,
    heads: Heads = ReduceHidden.default("heads"),
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
            of each matrix, `projection` changes to the leading directions of the word embeddings.
        heads: what narrower heads keep: the first dimensions of all together (`cut`), those of
            every head (`aligned`), or every head's best approximation (`low_rank`).

    Raises:
        UserError: for another architecture or head, an unknown method, or a size that does not fit.
    """
    check_narrowable(model)
    return hidden.reduce_hidden(model, ReduceHidden.value("size", size), method, heads)
