"""The parent with a smaller hidden size."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from monoglot.checkpoints import embedding_width
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.keys import Count
from monoglot.operations import OfParent, Operation, chosen

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import LayerNorm, Module
    from transformers import PreTrainedModel

    from monoglot.operations.importance import Batch, Stream
    from monoglot.operations.surgery import Basis, Dimensions

Method = Literal["truncate", "svd", "projection", "hidden_states", "activations"]
OF_TEXT = ("hidden_states", "activations")
"""Methods that look at what the model makes of the validation text."""
Heads = Literal["cut", "aligned", "low_rank"]


class ReduceHidden(OfParent):
    """Parameters of `reduce_hidden`."""

    size: Count
    """The new hidden size, a multiple of the attention heads; of a `modernbert`, a multiple of \
their width, or with `heads: aligned` a divisor of the hidden size."""
    method: Method = "truncate"
    """The first dimensions (`truncate`, the paper's), those after a low-rank approximation of \
each matrix (`svd`), those that are largest on the validation text (`activations`), or a change of \
basis to the leading directions of the word embeddings (`projection`) or of the hidden states of \
all layers on the validation text (`hidden_states`)."""
    heads: Heads = "cut"
    """Of attention, the first dimensions of all heads together (`cut`, the paper's code), those \
of every head (`aligned`), or every head's best approximation (`low_rank`). Of a `modernbert`, \
`cut` keeps the first heads whole, and `low_rank` is not possible."""
    refit: bool = False
    """Fit the gains and biases of every LayerNorm to what the parent's makes of the first 200 \
documents of the validation text; of methods that look at it (`activations`, `hidden_states`)."""


def heads_after(family: str, hidden: int, count: int, size: int, heads: str) -> int:
    """Return how many of `count` attention heads there are after a cut from `hidden` to `size`.

    As many as before, but with rotary positions `cut` leaves the first heads as they are.

    Raises:
        UserError: heads cannot be cut to that size, or not in this way.
    """
    width = hidden // count
    if not FAMILIES[family].rotary:
        if size % count:
            raise UserError(
                f"hidden size {size} is not divisible by the model's {count} attention heads; "
                f"give a multiple of {count}"
            )
        return count
    if heads == "low_rank":
        raise UserError(
            "heads 'low_rank' changes the basis of queries and keys, which the rotary positions of "
            f"a {family} do not allow; use cut or aligned"
        )
    fits = [2 * n * count for n in range(1, width // 2 + 1) if width % (2 * n) == 0]
    aligned = f"with heads 'aligned' give {' or '.join(map(str, fits))}"
    if heads == "cut":
        if size % width:
            raise UserError(
                f"hidden size {size} does not keep whole attention heads, as the rotary positions "
                f"of a {family} need; give a multiple of {width}, or {aligned}"
            )
        return size // width
    if size not in fits:
        raise UserError(
            f"hidden size {size} leaves heads in which the rotary positions of a {family} turn at "
            f"other speeds; {aligned}"
        )
    return count


def _shape(settings: Mapping, before: Mapping[str, int], family: str) -> dict[str, int]:
    size, hidden = settings["size"], before["hidden_size"]
    whole = FAMILIES[family].rotary and settings["heads"] == "cut"
    heads = max(1, before["heads"] * size // hidden) if whole else before["heads"]
    return {"hidden_size": size, "heads": heads}


def _check_settings(where: str, settings: Mapping[str, Any], name: str, model: Mapping) -> None:
    _check_refit(settings["refit"], settings["method"], f"{where}: ")
    family, before, size = model["family"], model["shape"], settings["size"]
    try:
        check_embeddings(model["embeddings"], size, settings["method"])
        if FAMILIES[family].rotary:  # of the others, the shape alone says whether it can be
            heads_after(family, before["hidden_size"], before["heads"], size, settings["heads"])
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def check_embeddings(width: int | None, size: int, method: str) -> None:
    """Raise `UserError` for what embeddings of another width than the layers do not allow.

    ELECTRA's small models and generators have such, see `set_hidden_size`.

    Args:
        width: of the embeddings, or None if they are as wide as the layers.
    """
    if width is None:
        return
    if size == width:
        raise UserError(
            f"hidden size {size} is the width of the model's embeddings, and its class has no "
            "projection between embeddings and layers of one width; give another size"
        )
    if method == "projection":
        raise UserError(
            "method 'projection' takes directions of the word embeddings, which are "
            f"{width} wide, unlike the hidden states; use hidden_states or truncate"
        )


def _check_refit(refit: bool, method: str, where: str = "") -> None:
    if refit and method not in OF_TEXT:
        raise UserError(
            f"{where}'refit' needs a method that looks at text, {' or '.join(OF_TEXT)}, not "
            f"'{method}'"
        )


OPERATION = Operation(
    name="reduce_hidden",
    parameters=ReduceHidden,
    done="a smaller hidden size",
    summary="the vectors inside the model made shorter",
    reads=("validation",),
    encoded=("validation",),
    reads_with=lambda settings: any(one in OF_TEXT for one in chosen(settings.get("method"))),
    shape=_shape,
    shrinks=True,
    check=_check_settings,
    memory=16,
    order=5,
)
# What the axes of a weight count, the residual stream's dimensions or those of all heads, by the
# first part that its name holds; a bias has the first of these axes. Other axes stay, and so do
# those of embeddings that are not as wide as the stream.
STREAM, ATTENTION = "stream", "attention"
AXES = {
    "LayerNorm": (STREAM,),
    "embeddings_project": (STREAM, STREAM),
    "norm": (STREAM,),
    "embeddings": (None, STREAM),
    "attention.self": (ATTENTION, STREAM),
    "attention.output.dense": (STREAM, ATTENTION),
    "intermediate.dense": (None, STREAM),
    "output.dense": (STREAM, None),
    "transform.dense": (STREAM, STREAM),
    "head.dense": (STREAM, STREAM),
    "pooler.dense": (STREAM, STREAM),
    "decoder.weight": (None, STREAM),
    # ModernBERT's names, other than these.
    "attn.Wqkv": (ATTENTION, STREAM),
    "attn.Wo": (STREAM, ATTENTION),
    "mlp.Wi": (None, STREAM),
    "mlp.Wo": (STREAM, None),
    # ELECTRA's.
    "predictions.dense": (STREAM, STREAM),
    # DistilBERT's.
    "attention.out_lin": (STREAM, ATTENTION),
    "attention": (ATTENTION, STREAM),
    "ffn.lin1": (None, STREAM),
    "ffn.lin2": (STREAM, None),
    "vocab_transform": (STREAM, STREAM),
    "vocab_projector.weight": (None, STREAM),
}


def reduce_hidden(
    model: "PreTrainedModel",
    size: int,
    method: Method,
    heads: Heads = "cut",
    measured: "Stream | None" = None,
    refit: "Iterable[Batch] | None" = None,
) -> "PreTrainedModel":
    """Return a copy of `model` with hidden size `size` (paper, section 2.3 and appendix C).

    `method` says what becomes of the residual stream:

    - `truncate`: its first dimensions stay. Nothing is chosen, projected or rescaled.
    - `svd`: every matrix is first replaced by its best approximation of rank `size`, then sliced
      in the same way. This is the paper's "SVD"; it never changes the basis, hence is no
      projection onto singular directions but truncation with an approximation error on top. As in
      the paper's code, the rank of `intermediate.dense` is bounded by the feed-forward size
      instead, so that it is only truncated.
    - `activations`: the dimensions stay whose absolute value is largest on some text, summed over
      layers (Minitron, Muralidharan et al. 2024, arXiv 2407.14679).
    - `hidden_states`: the stream is projected onto its leading directions on some text, all layers
      weighing the same, and whatever reads or writes it changes basis; see `leading_basis`. Two
      things do not pass through a change of basis: unequal gains of a LayerNorm, for which the
      nearest ones are taken (see `Basis.gains`), and the GELU within the masked-LM head.
    - `projection`: the same with the leading directions of the word embeddings, each piece
      weighing the same. Of a real multilingual encoder they hold less of the stream than its first
      dimensions do: most pieces are of other languages, and layers write where embeddings are not.

    `heads` says what becomes of attention heads. Their number stays, but for `cut` with rotary
    positions, which leaves the first heads as they are:

    - `cut`: the first rows of the query, key and value matrices stay (the paper's code). They are
      the parent's first heads, cut anew into heads of `size` / heads rows; the last ones are lost.
    - `aligned`: every head keeps its first `size` / heads dimensions, or with rotary positions
      those that turn as fast as in a head of that width; see `kept_dimensions`.
    - `low_rank`: every head keeps the best approximation of that rank; see `principal_heads`.

    Args:
        model: a masked language model or an encoder; it stays as it is. Its feed-forward size does
            not change.
        size: the new hidden size, a multiple of the number of attention heads.
        measured: the model's stream on some text, for the methods of `OF_TEXT`.
        refit: batches of that text, of which the first are used to refit every LayerNorm, see
            `refit_norms`; for the same methods.

    Raises:
        UserError: for a size that does not fit the model, a method that needs text and has none, or
            LayerNorms to refit with one that needs none.
    """
    # In here, as planning imports this module.
    import torch

    from monoglot.operations.surgery import (
        family_of,
        ffn_size,
        kept_dimensions,
        principal_heads,
        reshaped,
        set_hidden_size,
    )

    _check(model, size, method)
    _check_refit(refit is not None, method)
    config = copy.deepcopy(model.config)
    family, hidden, count = config.model_type, config.hidden_size, config.num_attention_heads
    config.num_attention_heads = heads_after(family, hidden, count, size, heads)
    set_hidden_size(config, size)
    inner = f"{family_of(config).inner}.weight"
    rows = kept_dimensions(heads, count, hidden, size, FAMILIES[family].rotary)
    weights = {}
    with torch.no_grad():
        stream = _stream(model, size, method, measured)
        positions = _of_positions(model, stream)
        positions_norm = f"{family_of(config).positions_norm}.weight"
        rotated = principal_heads(model, size) if heads == "low_rank" else {}
        for name, weight in model.named_parameters():  # names a tied tensor once
            source = rotated.get(name, weight)
            if method == "svd" and source.dim() == 2 and hidden in source.shape:
                source = low_rank(source, ffn_size(config) if name.endswith(inner) else size)
            given = positions if name.endswith(positions_norm) else stream
            narrowed = _narrowed(name, source, rows, given, hidden)
            weights[name] = narrowed.clone(memory_format=torch.contiguous_format)
    smaller = reshaped(model, config, weights)
    if refit is not None:
        refit_norms(model, smaller, stream, islice(refit, REFIT_BATCHES))
    return smaller


REFIT_BATCHES = 25
"""Batches of 8 documents that LayerNorms are refitted on: thousands of tokens for two numbers a
dimension, but every LayerNorm takes a pass over them."""


def refit_norms(
    model: "PreTrainedModel",
    smaller: "PreTrainedModel",
    stream: "Basis | Dimensions",
    batches: "Iterable[Batch]",
) -> None:
    """Refit each LayerNorm of a model with a smaller hidden size to its parent's, in place.

    One after the other, from the embeddings on, so that each makes up for what those before it
    could not: with the normalised input x of a LayerNorm in the smaller model and the output y of
    the parent's in the smaller basis, gain g and bias b of every dimension minimise the sum over
    tokens of (g x + b - y)^2.

    Args:
        model: the parent, in evaluation mode; it stays as it is.
        smaller: its copy that `reduce_hidden` made.
        stream: what became of the residual stream.
        batches: `ids`, `attention_mask`, `special_mask`, as `collate` returns them.
    """
    import torch
    from torch.nn.functional import layer_norm

    batches = list(batches)
    for name in _norms_in_use(smaller, batches):
        norm = smaller.get_submodule(name)
        sums = torch.zeros(5, *norm.normalized_shape, dtype=torch.float64)
        for ids, mask, _ in batches:
            given, _ = _reached(smaller, norm, ids, mask)
            _, made = _reached(model, model.get_submodule(name), ids, mask)
            if given.dim() > 2:  # else vectors of relative positions, which no mask is for
                present = mask.bool().to(made.device)
                given, made = given[present], made[present]
            x = layer_norm(given, norm.normalized_shape, eps=norm.eps).double()
            # What is of another width than the stream, ELECTRA's embeddings, was not cut.
            y = stream.project(made, 1) if made.shape[-1] == model.config.hidden_size else made
            y = y.double()
            sums += torch.stack([torch.ones_like(x), x, y, x * x, x * y]).sum(1).cpu()
        _fit(norm, sums)


def _norms_in_use(model: "PreTrainedModel", batches: "Sequence[Batch]") -> list[str]:
    """Return the names of a model's LayerNorms in the order in which they are used."""
    import torch

    from monoglot.operations.surgery import encode, transform

    found: dict[str, None] = {}
    hooks = [
        module.register_forward_hook(lambda *_, name=name: found.setdefault(name))
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.LayerNorm)
    ]
    try:
        for ids, mask, _ in batches[:1]:
            with torch.no_grad():
                transform(model, encode(model, ids.to(model.device), mask.to(model.device)))
    finally:
        for hook in hooks:
            hook.remove()
    return list(found)


class _ReachedError(Exception):
    """Ends a pass at the module that was to be reached."""


def _reached(
    model: "PreTrainedModel", module: "Module", ids: "Tensor", mask: "Tensor"
) -> "tuple[Tensor, Tensor]":
    """Return the input and the output of a module of a model, which goes no further than that."""
    import torch

    from monoglot.operations.surgery import encode, transform

    def stop(_: "Module", inputs: "tuple[Tensor]", output: "Tensor") -> None:
        raise _ReachedError(inputs[0], output)

    hook = module.register_forward_hook(stop)
    try:
        with torch.no_grad():
            transform(model, encode(model, ids.to(model.device), mask.to(model.device)))
    except _ReachedError as reached:
        return reached.args
    finally:
        hook.remove()
    raise AssertionError(f"{module} is not on the way to the predictions")


def _fit(norm: "LayerNorm", sums: "Tensor") -> None:
    """Set gains and biases by the sums of 1, x, y, x^2 and xy; [5, size].

    A dimension whose input does not vary keeps its gain.
    """
    import torch

    count, x, y, xx, xy = sums
    if norm.bias is not None:
        xx, xy = xx - x * x / count, xy - x * y / count
    gains = torch.where(xx > 1e-6 * count, xy / xx, norm.weight.detach().double().cpu())
    with torch.no_grad():
        norm.weight.copy_(gains)
        if norm.bias is not None:
            norm.bias.copy_((y - gains * x) / count)


def _stream(
    model: "PreTrainedModel", size: int, method: str, measured: "Stream | None"
) -> "Basis | Dimensions":
    """Return what becomes of the residual stream."""
    import torch

    from monoglot.operations.surgery import Dimensions, gram, leading_basis

    if method == "projection":
        return leading_basis(gram(model.get_input_embeddings().weight), size)
    if method not in OF_TEXT:
        return Dimensions(torch.arange(size))
    if measured is None:
        raise UserError(f"method '{method}' looks at hidden states on text; give it some")
    if method == "hidden_states":
        return leading_basis(measured.moments, size)
    largest = measured.magnitudes.sort(descending=True, stable=True).indices[:size]
    return Dimensions(largest.sort().values)


def _of_positions(model: "PreTrainedModel", stream: "Basis | Dimensions") -> "Basis | Dimensions":
    """Return what becomes of vectors of relative positions, which queries and keys read too.

    They take the same basis as the stream, but another share of them lies in it.
    """
    from monoglot.operations.surgery import Basis, centred, family_of, gram

    name = family_of(model.config).positions
    if not name or not isinstance(stream, Basis):
        return stream
    moments = centred(gram(model.base_model.get_submodule(name).weight))
    directions = stream.directions
    kept = (directions.T @ moments @ directions).trace()
    return Basis(directions, float(kept / moments.trace()))


def _narrowed(
    name: str, tensor: "Tensor", rows: "Tensor", stream: "Basis | Dimensions", hidden: int
) -> "Tensor":
    """Return a parameter of the parent, cut to dimensions `rows` of the heads and to the stream.

    An axis may have the `hidden` dimensions of the heads several times: for queries, keys, values.
    """
    axes = next((axes for part, axes in AXES.items() if part in name), (None,))
    if axes == (STREAM,) and name.endswith("weight") and len(tensor) == hidden:
        return stream.gains(tensor)
    for axis, kind in enumerate(axes[: tensor.dim()]):
        if kind == ATTENTION:
            parts = tensor.unflatten(axis, (-1, hidden))
            tensor = parts.index_select(axis + 1, rows.to(tensor.device)).flatten(axis, axis + 1)
        elif kind == STREAM and tensor.shape[axis] == hidden:
            tensor = stream.project(tensor, axis)
    return tensor


def low_rank(weight: "Tensor", rank: int) -> "Tensor":
    """Return the best approximation of `weight`, shape [m, n], of at most the given rank.

    The singular vectors of the shorter side come from the m x m or n x n Gram matrix in float64:
    for an embedding matrix this is far cheaper than a full decomposition.
    """
    import torch

    from monoglot.operations.surgery import gram

    if rank >= min(weight.shape):
        return weight
    if weight.shape[0] < weight.shape[1]:
        return low_rank(weight.T, rank).T
    vectors = torch.linalg.eigh(gram(weight)).eigenvectors[:, -rank:]
    return weight @ (vectors @ vectors.T).to(weight.dtype)


def _check(model: "PreTrainedModel", size: int, method: Method) -> None:
    config = model.config
    if size > config.hidden_size:
        raise UserError(
            f"cannot reduce hidden size {config.hidden_size} to {size}; "
            f"give a number from 1 to {config.hidden_size}"
        )
    width = embedding_width(config)
    check_embeddings(None if width == config.hidden_size else width, size, method)
