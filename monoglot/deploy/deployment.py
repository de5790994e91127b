"""One job: what a checkpoint's encoder costs where it is used, in every form it is served in."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from monoglot import surroundings
from monoglot.checkpoint_files import load_tokenizer
from monoglot.data.store import read_texts
from monoglot.deploy.forms import Form, forms
from monoglot.deploy.isolated import measure
from monoglot.deploy.onnx_names import REPORT
from monoglot.deploy.windows import windows
from monoglot.errors import UserError
from monoglot.files import whole_file

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
        graphs: folder of `onnx_folder.make_onnx_folder`.
        text: parquet of held-out sentences; tokens are theirs.
        names: model, language and variant, and `text_language`, the text's.
    """
    report = _report(graphs / REPORT)
    most = report["max_positions"]
    tokens = {length: min(length, most) for length in measuring.lengths}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="monoglot-") as folder:
        file = Path(folder, "tokens.safetensors")
        _write_tokens(checkpoint, text, sorted(set(tokens.values())), measuring.batch, file)
        found = {
            form.name: {
                "disk": form.disk(),
                "runs": [
                    _run(form, device, threads, tokens, measuring, file)
                    for device in form.devices
                    for threads in _threads(measuring.threads if device == "cpu" else (1,))
                ],
            }
            for form in forms(checkpoint, graphs, gpu)
        }
    whole = {
        **names,
        **{key: report[key] for key in ("parameters", "parameters_encoder", "max_positions")},
        "measuring": asdict(measuring),
        "tokens": {str(length): number for length, number in tokens.items()},
        "threads": {str(asked): _threads([asked])[0] for asked in measuring.threads},
        "difference": report["difference"],
        "forms": found,
        "load_average_before": round(load, 2),
        "hardware": _hardware(gpu),
        "versions": surroundings.versions(LIBRARIES),
        "git_commit": surroundings.git_commit(),
    }
    with whole_file(out) as aside:
        aside.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _hardware(gpu: bool) -> dict[str, str | int | None]:
    """Name the hardware, and with `gpu` the GPU that other processes have been measured on."""
    if gpu:
        import torch

        torch.cuda.init()
    return surroundings.hardware()


def _report(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read ({error}); export the checkpoint again") from None


def _write_tokens(
    checkpoint: Path, text: Path, lengths: Sequence[int], count: int, file: Path
) -> None:
    tokenizer, sentences = load_tokenizer(checkpoint), list(read_texts(text))
    cut = {str(n): windows(tokenizer, sentences, n, count, str(text)) for n in lengths}
    save_file(cut, file)


def _threads(asked: Sequence[int | str]) -> list[int]:
    """Return the different numbers of threads; `all` are those that this process may use."""
    cores = surroundings.hardware()["cores"]
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
