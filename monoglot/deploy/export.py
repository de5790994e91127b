"""Models as ONNX graphs in fp32 and in int8, each compared with the model it was made from.

Graphs are traced: of torch's two exporters, that one knows all families with and without adapters,
and needs no further library. They take `input_ids` and `attention_mask`, 64-bit integers of
[batch, length], both of any size. In int8, weights of matrix products and embeddings are quantised
beforehand and activations as they come (onnxruntime's dynamic quantisation).
"""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from monoglot.deploy.encoder import States, example
from monoglot.errors import UserError

OPSET = 17
INPUTS = ("input_ids", "attention_mask")
LARGEST = 2 * 10**9
"""Bytes of weights that a graph in one file may have; the format ends at 2 GiB."""

TOLERANCE = 1e-3
"""Largest difference between a model's outputs and its graph's, as a share of the largest one."""

SHAPES = ((1, 1), (3, 16), (2, 29))
"""Batches and lengths that graphs are compared in; they are traced in another one."""


@dataclass(frozen=True)
class Difference:
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
            input_names=list(INPUTS),
            output_names=[output],
            dynamic_axes=dict.fromkeys(INPUTS, axes) | {output: {0: "batch"}},
        )


def quantise(graph: Path, out: Path) -> None:
    """Write a graph in int8 to `out`."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preparation that serves convolutions
    try:
        quantize_dynamic(graph, out, weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


def difference(model: States, graph: Path) -> Difference:
    """Compare a graph's outputs with the model's, on random tokens in several shapes."""
    opened = session(graph)
    ours, theirs = [], []
    for shape in SHAPES:
        ids, mask = example(model.encoder, *shape)
        with torch.inference_mode():
            found = model(ids, mask).numpy()
        got = answer(opened, ids.numpy(), mask.numpy())
        real = mask.numpy().astype(bool) if found.ndim > 2 else slice(None)
        ours.append(found[real].ravel())
        theirs.append(got[real].ravel())
    away = np.abs(np.concatenate(ours) - np.concatenate(theirs))
    return Difference(
        float(away.max()), float(away.mean()), float(np.abs(np.concatenate(ours)).max())
    )


def check_same(found: Difference, checkpoint: Path) -> None:
    """Raise `UserError` if an fp32 graph differs from its model by more than rounding."""
    if not found.largest <= TOLERANCE * found.of:
        raise UserError(
            f"{checkpoint}: its ONNX graph differs from the model by up to {found.largest:.3g}, "
            f"with outputs up to {found.of:.3g}; use the versions of requirements.txt"
        )


def answer(opened: onnxruntime.InferenceSession, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a graph's output for ids and attention mask, [batch, length]."""
    return opened.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]


def session(graph: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a graph on the CPU with so many threads; raise `UserError` if it cannot be read."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        return onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
    except Exception as error:  # the library raises nothing narrower
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"{graph}: is no ONNX graph that can be run ({reason})") from None
