"""An encoder exported by `monoglot export`: the size, answers and speed of each form of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from monoglot.deploy.child import summary
from monoglot.deploy.export import answer, session
from monoglot.one_model import LoadedModel, load
from monoglot.operations.surgery import encode, longest_input
from monoglot.paths import GRAPHS

if TYPE_CHECKING:
    from monoglot.sentence_encoders import Answer

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
    if not texts:
        return [ExportedForm(name, graph.stat().st_size) for name, graph in graphs.items()]
    torch.set_num_threads(1)
    source = load(checkpoint, str(checkpoint))
    expected, took = _timed(source, partial(encode, source.model), texts)
    found = [ExportedForm("PyTorch, fp32", None, 1.0, 1.0, took)]
    for name, graph in graphs.items():
        opened = session(graph)

        def answered(ids: Tensor, mask: Tensor, opened=opened) -> Tensor:
            return torch.from_numpy(answer(opened, ids.numpy(), mask.numpy()))

        vectors, took = _timed(source, answered, texts)
        cosines = torch.cosine_similarity(expected, vectors)
        about = cosines.mean().item(), cosines.min().item(), took
        found.append(ExportedForm(name, graph.stat().st_size, *about))
    return found


def _timed(source: LoadedModel, answer: "Answer", texts: Sequence[str]) -> tuple[Tensor, float]:
    """Return the vectors of texts, answered one by one, and the median time in milliseconds."""
    took = []

    def clocked(ids: Tensor, mask: Tensor) -> Tensor:
        started = perf_counter_ns()
        states = answer(ids, mask)
        took.append(perf_counter_ns() - started)
        return states

    read = partial(source.sentences.vectors, clocked, source.tokenizer, batch=1)
    longest = longest_input(source.model.config)
    read(texts[:WARMUP], longest)
    took.clear()
    return read(texts, longest), summary(took)["p50_ms"]
