"""Models as ONNX graphs in fp32 and in int8, each compared with the model it was made from.

Graphs are traced: of torch's two exporters, that one knows all families with and without adapters,
and needs no further library. They take `input_ids` and `attention_mask`, 64-bit integers of
[batch, length], both of any size. In int8, weights of matrix products and embeddings are quantised
beforehand, those of matrices with a scale for each output, and activations as they come
(onnxruntime's dynamic quantisation).
"""

import json
import logging
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.checkpoints import (
    TOKENIZER_FILES,
    check,
    checkpoint_parameters,
    count_parameters,
    from_safetensors,
)
from monoglot.deploy.child import answer_of, session, summary
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.files import whole_folder
from monoglot.operations.surgery import encode, longest_input
from monoglot.paths import GRAPHS, REPORT
from monoglot.sentence_encoders import copy_files, files_of

if TYPE_CHECKING:
    from monoglot.one_model import LoadedModel
    from monoglot.sentence_encoders import Answer

# The plain encoder of a checkpoint: from token ids to the last layer's states.


def load_encoder(checkpoint: str | Path, attention: str | None = None) -> PreTrainedModel:
    """Load a checkpoint's encoder in fp32, in evaluation mode, without masked-LM head or pooler.

    `attention` is the library's implementation, `eager` or its own choice (None). Raises
    `UserError` if a file is missing or damaged, or weights are missing or not finite.
    """
    checkpoint = Path(checkpoint)
    family = FAMILIES[check(checkpoint).model_type]
    encoder = getattr(transformers, f"{family.classes}Model")
    pooler = "add_pooling_layer" in signature(encoder).parameters  # which no checkpoint here has
    model, missing = from_safetensors(
        encoder,
        checkpoint,
        str(checkpoint),
        whole=False,
        kept=files_of(checkpoint, str(checkpoint)),
        attn_implementation=attention,
        **({"add_pooling_layer": False} if pooler else {}),
    )
    if missing:
        raise UserError(f"{checkpoint}/model.safetensors: has no weights for {missing[0]}")
    return model.eval()


class States(nn.Module):
    """An encoder that takes ids and attention mask, [batch, length], in this order.

    It returns the last layer's states, [batch, length, hidden].
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.eval()  # the exporter puts the encoder back into the mode of what is around it

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class Logits(States):
    """The same with a head on top: its logits, [batch, classes] or [batch, length, classes]."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).logits


def example(model: PreTrainedModel, batch: int, length: int) -> tuple[Tensor, Tensor]:
    """Return random ids and their attention mask, [batch, length]; the last text is half as long.

    The same each time.
    """
    draw = torch.Generator().manual_seed(batch * 10_000 + length)
    ids = torch.randint(model.config.vocab_size, (batch, length), generator=draw)
    ids[ids == model.config.pad_token_id] += 1 if model.config.pad_token_id == 0 else -1
    mask = torch.ones_like(ids)
    if batch > 1:
        ids[-1, (length + 1) // 2 :] = model.config.pad_token_id
        mask[-1, (length + 1) // 2 :] = 0
    return ids, mask


OPSET = 17
LARGEST = 2 * 10**9
"""Bytes of weights that a graph in one file may have; the format ends at 2 GiB."""

TOLERANCE = 1e-3
"""Largest difference between a model's outputs and its graph's, as a share of the largest one."""

SHAPES = ((1, 1), (3, 16), (2, 29))
"""Batches and lengths that graphs are compared in; they are traced in another one."""


@dataclass(frozen=True)
class OutputDifference:
    """How far a graph's outputs are from the model's, over all of them."""

    largest: float
    mean: float
    of: float
    """The largest of the model's outputs, in absolute value."""

    def rounded(self) -> dict[str, float]:
        """Return the three numbers with six significant digits, for a file."""
        return {name: float(f"{value:.6g}") for name, value in vars(self).items()}


def export(model: States, out: Path, output: str) -> None:
    """Write `model` to `out` as a graph whose output is called `output`.

    Raises `UserError` if the model is too large for one file.
    """
    size = sum(weights.nbytes for weights in model.parameters())
    if size > LARGEST:
        raise UserError(
            f"{out.name}: the weights are {size / 1e9:.1f} GB, and an ONNX file holds at most 2; "
            "leave this variant out of the tables of deployment"
        )
    ids, mask = example(model.encoder, 2, 7)
    axes = {0: "batch", 1: "length"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, and that there is a newer exporter
        torch.onnx.export(
            model,
            (ids, mask),
            str(out),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=[output],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, output: {0: "batch"}},
        )


def quantise(graph: Path, out: Path) -> None:
    """Write a graph in int8 to `out`, with a scale for each output of a matrix.

    With one scale for a whole matrix, the few outputs with large weights take the precision of all
    others.
    """
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preparation that serves convolutions
    try:
        quantize_dynamic(graph, out, per_channel=True, weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


def difference(model: States, graph: Path) -> OutputDifference:
    """Compare a graph's outputs with the model's, on random tokens in several shapes."""
    opened = session(graph)
    ours, theirs = [], []
    for shape in SHAPES:
        ids, mask = example(model.encoder, *shape)
        with torch.inference_mode():
            found = model(ids, mask).numpy()
        got = answer_of(opened, ids.numpy(), mask.numpy())
        real = mask.numpy().astype(bool) if found.ndim > 2 else slice(None)
        ours.append(found[real].ravel())
        theirs.append(got[real].ravel())
    away = np.abs(np.concatenate(ours) - np.concatenate(theirs))
    return OutputDifference(
        float(away.max()), float(away.mean()), float(np.abs(np.concatenate(ours)).max())
    )


def check_same(found: OutputDifference, checkpoint: Path) -> None:
    """Raise `UserError` if an fp32 graph differs from its model by more than rounding."""
    if not found.largest <= TOLERANCE * found.of:
        raise UserError(
            f"{checkpoint}: its ONNX graph differs from the model by up to {found.largest:.3g}, "
            f"with outputs up to {found.of:.3g}; use the versions of requirements.txt"
        )


# A checkpoint as a folder that onnxruntime and tokenizers serve: graphs, tokenizer, report.


def make_onnx_folder(checkpoint: str | Path, out: str | Path, int8: bool = True) -> dict[str, Any]:
    """Export a checkpoint's encoder to `out` in fp32 and int8; return what `export.json` says.

    The graphs' output is `last_hidden_state`, [batch, length, hidden]. `export.json` holds the
    parameters of the checkpoint (as tables count them) and of the encoder alone, the longest
    sequence, and how far each graph is from PyTorch. What a sentence encoder has beside it comes
    along. Without `int8` there is the graph in fp32 alone. Raises `UserError` on a broken
    checkpoint, and if the fp32 graph differs by more than rounding.
    """
    checkpoint = Path(checkpoint)
    encoder = load_encoder(checkpoint, attention="eager")
    model = States(encoder)
    with whole_folder(out) as aside:
        graphs = {precision: aside / name for precision, name in GRAPHS.items()}
        export(model, graphs["fp32"], "last_hidden_state")
        found = {"fp32": difference(model, graphs["fp32"])}
        check_same(found["fp32"], checkpoint)
        if int8:
            quantise(graphs["fp32"], graphs["int8"])
            found["int8"] = difference(model, graphs["int8"])
        report = {
            "parameters": checkpoint_parameters(checkpoint),
            "parameters_encoder": count_parameters(encoder),
            "max_positions": longest_input(encoder.config),
            "opset": OPSET,
            "difference": {precision: one.rounded() for precision, one in found.items()},
            "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        }
        text = json.dumps(report, indent=2, sort_keys=True)
        (aside / REPORT).write_text(text + "\n", encoding="utf-8")
        for name in ("config.json", *TOKENIZER_FILES):
            shutil.copyfile(checkpoint / name, aside / name)
        copy_files(checkpoint, aside)
    return report


# What `monoglot export` says of the forms of an encoder: size, answers and speed.

WARMUP = 3
"""Texts that are answered before those whose time counts."""


@dataclass(frozen=True)
class ExportedForm:
    """A form of an encoder.

    Attributes:
        name: `PyTorch`, or `ONNX` with the precision.
        bytes: of its weights; None of what it was exported from.
        mean_cosine, lowest_cosine: of its vectors of texts to those of PyTorch; None if there are
            no texts.
        milliseconds: median that one text takes on one thread, its tokens given.
    """

    name: str
    bytes: int | None
    mean_cosine: float | None = None
    lowest_cosine: float | None = None
    milliseconds: float | None = None


def exported_forms(checkpoint: Path, out: Path, texts: Sequence[str]) -> list[ExportedForm]:
    """Return the forms that lie in `out`, and with `texts` what their vectors of these are worth.

    Vectors are pooled as the checkpoint's files say, else by the mean. Raises `UserError` if a
    graph cannot be read.
    """
    graphs = {
        f"ONNX, {kind}": out / name for kind, name in GRAPHS.items() if (out / name).is_file()
    }
    from monoglot.one_model import load  # and much that measuring memory should not import

    if not texts:
        return [ExportedForm(name, graph.stat().st_size) for name, graph in graphs.items()]
    torch.set_num_threads(1)
    source = load(checkpoint, str(checkpoint))
    expected, took = _timed(source, partial(encode, source.model), texts)
    found = [ExportedForm("PyTorch, fp32", None, 1.0, 1.0, took)]
    for name, graph in graphs.items():
        opened = session(graph)

        def answered(ids: Tensor, mask: Tensor, opened=opened) -> Tensor:
            return torch.from_numpy(answer_of(opened, ids.numpy(), mask.numpy()))

        vectors, took = _timed(source, answered, texts)
        cosines = torch.cosine_similarity(expected, vectors)
        about = cosines.mean().item(), cosines.min().item(), took
        found.append(ExportedForm(name, graph.stat().st_size, *about))
    return found


def _timed(source: "LoadedModel", answer: "Answer", texts: Sequence[str]) -> tuple[Tensor, float]:
    """Return the vectors of texts, answered one by one, and the median time in milliseconds."""
    took = []

    def clocked(ids: Tensor, mask: Tensor) -> Tensor:
        started = perf_counter_ns()
        states = answer(ids, mask)
        took.append(perf_counter_ns() - started)
        return states

    longest = longest_input(source.model.config)

    def read(text: str) -> Tensor:
        return source.sentences.vectors(clocked, source.tokenizer, [text], longest)

    for text in texts[:WARMUP]:
        read(text)
    took.clear()
    return torch.cat([read(text) for text in texts]), summary(took)["p50_ms"]
