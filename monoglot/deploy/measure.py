"""One job: what a checkpoint's encoder costs where it is used, in every form it is served in."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from monoglot import provenance
from monoglot.checkpoints import TOKENIZER_FILES, load_tokenizer
from monoglot.data.parquet import read_texts
from monoglot.deploy import child
from monoglot.errors import UserError
from monoglot.files import read_json, whole_file
from monoglot.fingerprint import ROOT
from monoglot.paths import GRAPHS, REPORT

# The forms in which an encoder is served, and their files.


@dataclass(frozen=True)
class Form:
    """A runtime and a precision: what it opens, the file of the weights, and its devices."""

    runtime: str
    precision: str
    model: Path
    weights: Path
    devices: tuple[str, ...] = ("cpu",)

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.precision}"

    def disk(self) -> dict[str, int]:
        """Return the bytes of the weights, and of all files that serving takes."""
        weights = self.weights.stat().st_size
        needed = (self.weights.parent / name for name in ("config.json", *TOKENIZER_FILES))
        others = sum(file.stat().st_size for file in needed)
        return {"weights_bytes": weights, "folder_bytes": weights + others}


def forms(checkpoint: Path, graphs: Path, gpu: bool) -> list[Form]:
    """Return the forms of a checkpoint whose graphs lie in the folder `graphs`.

    A checkpoint's weights hold the masked-LM head too, which graphs lack.
    """
    weights = checkpoint / "model.safetensors"
    found = [Form("torch", "fp32", checkpoint, weights, ("cpu", "cuda") if gpu else ("cpu",))]
    if gpu:
        found.append(Form("torch", "bf16", checkpoint, weights, ("cuda",)))
    files = {kind: graphs / name for kind, name in GRAPHS.items()}
    return found + [Form("onnx", kind, graph, graph) for kind, graph in files.items()]


# Measurements in processes of their own: memory and thread pools are of one model alone.

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Have `child.measured` done in a process of its own, and return what it found.

    Raises `UserError`, with the last line that the process wrote, if it ends before it is done.
    """
    with TemporaryDirectory(prefix="monoglot-") as folder:
        out = Path(folder, "found.json")
        file = Path(folder, "order.json")
        file.write_text(json.dumps(order | {"out": str(out)}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", child.__name__, str(file)],
            env=_environment(order["threads"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        if done.returncode or not out.is_file():
            threads = "one thread" if order["threads"] == 1 else f"{order['threads']} threads"
            form = f"{order['runtime']} {order['precision']} on {order['device']}"
            raise UserError(f"{order['model']}, {form} with {threads}: {_reason(done)}")
        return json.loads(out.read_text(encoding="utf-8"))


def _environment(threads: int) -> dict[str, str]:
    """The thread pools that libraries make when they are loaded are as large as asked for."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    pools = {name: str(threads) for name in THREADS}
    return os.environ | pools | {"PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}


def _reason(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        hint = "; there may be too little memory" if name == "SIGKILL" else ""
        return f"the process that measures it was ended by {name}{hint}"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    said = lines[-1].strip().removeprefix("error: ") if lines else f"status {done.returncode}"
    return f"could not be measured ({said.rstrip('.')})"


# Real text cut to given lengths in tokens: what latency is measured on.


def windows(
    tokenizer: Tokenizer, sentences: Sequence[str], length: int, count: int, where: str
) -> np.ndarray:
    """Return token ids, [count, length], of running text, special tokens included.

    Each window begins with a sentence of its own, evenly spread over the text, and runs on over
    those that follow it, from the first one again after the last. Nothing is padded.

    Args:
        tokenizer: set neither to cut nor to pad.
        length: no more than the model can read.
        where: what errors call the text.

    Raises:
        UserError: there is not enough text for one window.
    """
    tokenizer.enable_truncation(length)
    try:
        starts = [len(sentences) * number // count for number in range(count)]
        found = [_window(tokenizer, sentences, start, length) for start in starts]
    finally:
        tokenizer.no_truncation()
    if any(len(ids) < length for ids in found):
        raise UserError(f"{where}: is too little text for {length} tokens; give more sentences")
    return np.array(found, dtype=np.int64)


def _window(tokenizer: Tokenizer, sentences: Sequence[str], start: int, length: int) -> list[int]:
    """Return the ids of as many sentences as it takes; of fewer than `length` if none suffice."""
    taken, most = 1, max(2 * length, len(sentences))
    while True:
        running = (sentences[(start + i) % len(sentences)] for i in range(min(taken, most)))
        ids = tokenizer.encode(" ".join(running)).ids
        if len(ids) >= length or taken >= most:
            return ids
        taken *= 2


LIBRARIES = ("torch", "transformers", "tokenizers", "onnxruntime")


@dataclass(frozen=True)
class Measuring:
    """What is measured: `lengths` in tokens, and `threads` as numbers or "all".

    `repeats` answers to single texts are timed after `warmup` others; `batch_repeats` answers to
    `batch` texts at once after one other.
    """

    lengths: tuple[int, ...]
    threads: tuple[int | str, ...]
    batch: int
    repeats: int
    warmup: int
    batch_repeats: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            numbers = value if isinstance(value, tuple) else (value,)
            least = 0 if name == "warmup" else 1
            if not numbers or any(n != "all" and n < least for n in numbers):
                raise UserError(f"{name.replace('_', '-')}: must be {least} or more")


def deployment(
    checkpoint: Path,
    graphs: Path,
    text: Path,
    names: Mapping[str, str],
    measuring: Measuring,
    gpu: bool,
    out: Path,
) -> None:
    """Measure all forms of a checkpoint and write the result to `out` as JSON.

    Each form is measured in a process of its own for each device and number of threads, one after
    another. Lengths beyond what the model reads are cut to that.

    Args:
        graphs: folder that `make_onnx_folder` has filled.
        text: parquet of held-out sentences; tokens are theirs.
        names: model, language and variant, and `text_language`, the text's.
    """
    report = read_json(graphs / REPORT, "export the checkpoint again")
    tokens = {length: min(length, report["max_positions"]) for length in measuring.lengths}
    load = os.getloadavg()[0]
    tokenizer, sentences = load_tokenizer(checkpoint), list(read_texts(text))
    with TemporaryDirectory(prefix="monoglot-") as folder:
        cut = Path(folder, "tokens.safetensors")
        texts = {
            str(number): windows(tokenizer, sentences, number, measuring.batch, str(text))
            for number in sorted(set(tokens.values()))
        }
        save_file(texts, cut)
        found = {
            form.name: {
                "disk": form.disk(),
                "runs": [
                    _run(form, device, threads, tokens, measuring, cut)
                    for device in form.devices
                    for threads in _threads(measuring.threads if device == "cpu" else (1,))
                ],
            }
            for form in forms(checkpoint, graphs, gpu)
        }
    if gpu:  # which other processes have been measured on
        import torch

        torch.cuda.init()
    whole = {
        **names,
        **{key: report[key] for key in ("parameters", "parameters_encoder", "max_positions")},
        "measuring": asdict(measuring),
        "tokens": {str(length): number for length, number in tokens.items()},
        "threads": {str(asked): _threads([asked])[0] for asked in measuring.threads},
        "difference": report["difference"],
        "forms": found,
        "load_average_before": round(load, 2),
        "hardware": provenance.hardware(),
        "versions": provenance.versions(LIBRARIES),
        "git_commit": provenance.git_commit(),
    }
    with whole_file(out) as aside:
        aside.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _threads(asked: Sequence[int | str]) -> list[int]:
    """Return the different numbers of threads; `all` are those that this process may use."""
    cores = provenance.hardware()["cores"]
    return list(dict.fromkeys(cores if number == "all" else number for number in asked))


def _run(
    form: Form,
    device: str,
    threads: int,
    tokens: Mapping[int, int],
    measuring: Measuring,
    file: Path,
) -> dict[str, Any]:
    """Measure a form in a process of its own; latencies and throughputs by length asked for."""
    order = {
        "runtime": form.runtime,
        "precision": form.precision,
        "model": str(form.model),
        "device": device,
        "threads": threads,
        "tokens": str(file),
        **{key: getattr(measuring, key) for key in ("repeats", "warmup", "batch_repeats")},
    }
    found = measure(order)
    for key in ("latency", "throughput"):
        found[key] = {str(length): found[key][str(n)] for length, n in tokens.items()}
    return {"device": device, "threads": threads} | found
