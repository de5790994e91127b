"""The process that measures one form of an encoder on one device with one number of threads.

`monoglot.deploy.measure` runs it as `python -m monoglot.deploy.child ORDER`, ORDER being a JSON
file that names the model, the tokens and where the result goes.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

from monoglot.errors import UserError
from monoglot.provenance import peak_rss_bytes
from monoglot.script import run

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# How long answers take: one at a time, and many at once.

Answer = Callable[[np.ndarray], object]
"""Takes ids [batch, length]; returns when the answer is there."""

PERCENTILES = (50, 95, 99)


def latency(answer: Answer, windows: np.ndarray, repeats: int, warmup: int) -> dict[str, float]:
    """Answer one window at a time, in turn, and return percentiles and mean in milliseconds.

    Percentiles between two measurements are interpolated linearly.

    Args:
        windows: ids [count, length].
        warmup: answers before those that are timed.
    """
    single = [window[None] for window in windows]
    took = durations(answer, [single[i % len(single)] for i in range(warmup + repeats)])
    return summary(took[warmup:])


def throughput(answer: Answer, windows: np.ndarray, repeats: int) -> dict[str, float]:
    """Answer all windows at once, `repeats` times after one that is not timed.

    Returns sequences and tokens per second.
    """
    seconds = sum(durations(answer, [windows] * (1 + repeats))[1:]) / 1e9
    return {
        "sequences_per_second": round(repeats * len(windows) / seconds, 4),
        "tokens_per_second": round(repeats * windows.size / seconds, 2),
    }


def durations(answer: Answer, inputs: Sequence[np.ndarray]) -> list[int]:
    """Return the nanoseconds that each answer took."""
    took = []
    for ids in inputs:
        started = perf_counter_ns()
        answer(ids)
        took.append(perf_counter_ns() - started)
    return took


def summary(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Return `p50_ms`, `p95_ms`, `p99_ms` and `mean_ms` of durations."""
    values = np.asarray(nanoseconds) / 1e6
    found = dict(zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True))
    return {f"p{share}_ms": round(float(value), 4) for share, value in found.items()} | {
        "mean_ms": round(float(values.mean()), 4)
    }


# Runtimes that serve an encoder: each imports its library, opens a model, and answers.
#
# The library is imported by the function that names the runtime, so that memory before and after
# can be told apart.

Open = Callable[[Path], Answer]


def torch_runtime(device: str, precision: str, threads: int) -> Open:
    """Import PyTorch and transformers; return what opens a checkpoint on `device` (cpu, cuda).

    `precision` is fp32 or bf16. An answer is timed from ids in the machine's memory to states on
    the device, which is waited for.
    """
    import torch

    from monoglot.deploy.export import load_encoder

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)

    def open_checkpoint(checkpoint: Path) -> Answer:
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        model = load_encoder(checkpoint).to(device, dtype)

        def answer(ids: np.ndarray) -> torch.Tensor:
            with torch.inference_mode():
                ids = torch.from_numpy(ids).to(device)
                found = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            if device == "cuda":
                torch.cuda.synchronize()
            return found

        return answer

    return open_checkpoint


def onnx_runtime(threads: int) -> Open:
    """Import onnxruntime; return what opens a graph on the CPU."""
    import onnxruntime  # noqa: F401

    def open_graph(graph: Path) -> Answer:
        opened = session(graph, threads)
        return lambda ids: answer_of(opened, ids, np.ones_like(ids))

    return open_graph


def session(graph: Path, threads: int = 1) -> "InferenceSession":
    """Open a graph on the CPU with so many threads; raise `UserError` if it cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        return onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
    except Exception as error:  # the library raises nothing narrower
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"{graph}: is no ONNX graph that can be run ({reason})") from None


def answer_of(opened: "InferenceSession", ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a graph's output for ids and attention mask, [batch, length]."""
    return opened.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(order["out"]).write_text(json.dumps(measured(order)), encoding="utf-8")


def measured(order: dict[str, Any]) -> dict[str, Any]:
    """Open the model and answer; return seconds to open, memory, latencies and throughputs.

    Memory is the largest resident set: after importing the libraries, after answering one text at a
    time, and after answering the batches too.
    """
    windows = load_file(order["tokens"])
    if order["runtime"] == "onnx":
        opener = onnx_runtime(order["threads"])
    else:
        opener = torch_runtime(order["device"], order["precision"], order["threads"])
    imported = peak_rss_bytes()
    started = perf_counter()
    answer = opener(Path(order["model"]))
    opened = perf_counter() - started
    one_by_one, at_once = (order["repeats"], order["warmup"]), order["batch_repeats"]
    latencies = {length: latency(answer, ids, *one_by_one) for length, ids in windows.items()}
    alone = peak_rss_bytes()
    throughputs = {length: throughput(answer, ids, at_once) for length, ids in windows.items()}
    memory = {"imported_bytes": imported, "peak_bytes": alone, "batch_peak_bytes": peak_rss_bytes()}
    if order["device"] == "cuda":
        memory["gpu_peak_bytes"] = sys.modules["torch"].cuda.max_memory_allocated()
    return {
        "load_seconds": round(opened, 4),
        "memory": memory,
        "latency": latencies,
        "throughput": throughputs,
    }


if __name__ == "__main__":
    run(main, to_lower="`batch` or `lengths` under `deployment`")
