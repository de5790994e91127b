"""What a kept adapter or tuned model scores as an ONNX graph, beside what its record says."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from monoglot import provenance
from monoglot.deploy.child import answer_of, session
from monoglot.deploy.export import Logits, check_same, difference, export, quantise
from monoglot.errors import UserError
from monoglot.evaluate import adapter_models, make_task
from monoglot.evaluate.encoding import IGNORED, Encoded, encode_splits
from monoglot.evaluate.records import Record, read_record
from monoglot.evaluate.task import TrainedTask
from monoglot.files import whole_file
from monoglot.paths import GRAPHS

# Predictions of a graph on a task's test set.

BATCH = 32


def predict(graph: Path, data: Encoded) -> Tensor:
    """Return predicted class indices in the shape of `data.labels`.

    Texts of one length are answered together, so that no text is padded: dynamic quantisation
    takes its scale from all that is in a batch.
    """
    opened = session(graph)
    predicted = torch.full_like(data.labels, IGNORED)
    for rows in _batches(data.lengths):
        ids = data.ids[rows, : int(data.lengths[rows[0]])]
        logits = answer_of(opened, ids.numpy(), torch.ones_like(ids).numpy())
        classes = torch.from_numpy(logits.argmax(-1))
        if classes.dim() == 1:
            predicted[rows] = classes
        else:
            predicted[rows, : classes.shape[1]] = classes
    return predicted


def _batches(lengths: Tensor) -> Iterator[Tensor]:
    """Yield the rows of texts that are equally long, at most `BATCH` at a time."""
    for length in lengths.unique():
        yield from (lengths == length).nonzero().flatten().split(BATCH)


LIBRARIES = ("torch", "transformers", "adapters", "onnxruntime", "seqeval", "scikit-learn")


@dataclass(frozen=True)
class ExportedRun:
    """One seed's run on a task: its record, what it trained, and the task's examples."""

    record: Path
    kept: Path
    examples: Path


def write_scores(
    checkpoint: Path, runs: Iterable[ExportedRun], names: Mapping[str, str], out: Path
) -> None:
    """Score runs of one checkpoint after export and write the result to `out` as JSON.

    Raises `UserError` if a run's files are missing or damaged, do not belong together, or the fp32
    graph differs from the model by more than rounding.
    """
    tasks = {}
    for run in runs:
        record = read_record(run.record)
        tasks[record["task"]] = {
            "metric": record["metric"],
            "seed": record["seed"],
            **_scored(checkpoint, run, record),
        }
    whole = {
        **names,
        "tasks": tasks,
        "hardware": provenance.hardware(),
        "versions": provenance.versions(LIBRARIES),
        "git_commit": provenance.git_commit(),
    }
    with whole_file(out) as aside:
        aside.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _scored(checkpoint: Path, run: ExportedRun, record: Record) -> dict[str, Any]:
    """Return the scores of encoder, adapter and head as one graph, in each precision.

    `score` is that of the record's metric, `change` the record's score taken from it, `scores` all
    metrics; `difference` is how far the graph's logits are from PyTorch's.
    """
    task, settings = _task(record, run.record)
    rows = {split: task.split(run.examples, split) for split in ("train", "test")}
    loaded, _ = adapter_models.load(checkpoint, run.kept)
    model = Logits(loaded)
    how = (settings["max_length"], settings["label_subtokens"])
    test = {"test": rows["test"]}
    encoded = encode_splits(test, checkpoint, loaded.config, task, *how)["test"]
    found: dict[str, Any] = {"torch": {"score": record["score"], "scores": record["scores"]}}
    with TemporaryDirectory(prefix="monoglot-") as folder:
        graphs = {kind: Path(folder, name) for kind, name in GRAPHS.items()}
        export(model, graphs["fp32"], "logits")
        check_same(difference(model, graphs["fp32"]), run.kept)
        quantise(graphs["fp32"], graphs["int8"])
        for kind, graph in graphs.items():
            predicted = predict(graph, encoded)
            scores = task.decoded(rows["train"], rows["test"], encoded, predicted).scores
            found[kind] = {
                "score": scores[task.metric],
                "change": scores[task.metric] - record["score"],
                "scores": scores,
                "difference": difference(model, graph).rounded(),
            }
    return found


def _task(record: Record, file: Path) -> tuple[TrainedTask, Mapping[str, Any]]:
    """Return the task of a record, and its settings."""
    try:
        settings = record["settings"]
        about = {**settings, "metric": record["metric"]}
        _ = [settings[key] for key in ("kind", "labels", "max_length", "label_subtokens")]
    except (KeyError, TypeError):
        raise UserError(
            f"{file}: does not say how the run was made; make it again with scripts/evaluate.py"
        ) from None
    return make_task(record["task"], about, f"{file}: settings"), settings
