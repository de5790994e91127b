"""The process that measures one form of an encoder on one device with one number of threads.

It is run by `isolated.measure` as `python -m monoglot.deploy.child ORDER`, ORDER being a JSON file
that names the model, the tokens and where the result goes.
"""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from safetensors.numpy import load_file

from monoglot.command import run
from monoglot.deploy.runtimes import Open, onnx_runtime, torch_runtime
from monoglot.deploy.timing import latency, throughput
from monoglot.memory import peak_rss_bytes


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = measured(order)
    Path(order["out"]).write_text(json.dumps(found), encoding="utf-8")


def measured(order: dict[str, Any]) -> dict[str, Any]:
    """Open the model and answer; return seconds to open, memory, latencies and throughputs.

    Memory is the largest resident set: after importing the libraries, after answering one text at a
    time, and after answering the batches too.
    """
    windows = {int(length): ids for length, ids in load_file(order["tokens"]).items()}
    opener = _opener(order)
    imported = peak_rss_bytes()
    started = perf_counter()
    answer = opener(Path(order["model"]))
    opened = perf_counter() - started
    latencies = {
        str(length): latency(answer, ids, order["repeats"], order["warmup"])
        for length, ids in windows.items()
    }
    alone = peak_rss_bytes()
    throughputs = {
        str(length): throughput(answer, ids, order["batch_repeats"])
        for length, ids in windows.items()
    }
    memory = {"imported_bytes": imported, "peak_bytes": alone, "batch_peak_bytes": peak_rss_bytes()}
    if order["device"] == "cuda":
        memory["gpu_peak_bytes"] = sys.modules["torch"].cuda.max_memory_allocated()
    return {
        "load_seconds": round(opened, 4),
        "memory": memory,
        "latency": latencies,
        "throughput": throughputs,
    }


def _opener(order: dict[str, Any]) -> Open:
    if order["runtime"] == "onnx":
        return onnx_runtime(order["threads"])
    return torch_runtime(order["device"], order["precision"], order["threads"])


if __name__ == "__main__":
    run(main, to_lower="`batch` or `lengths` under `deployment`")
