"""A results folder with made-up numbers, all of it or in part, for any configuration."""

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

from monoglot.config import read
from monoglot.graph import Checkpoint, Graph
from monoglot.report import finished_run as files
from monoglot.tables.base import Column, Table, compared
from monoglot.tables.formats import write_table
from monoglot.tables.scores import KIND, ScoresSpec, read_scores, render

ROOT = Path(__file__).parents[2]
VOCABULARY = {"xlm-roberta": 250002, "bert": 119547}
METRICS = {"classification": ("macro_f1", "accuracy"), "tagging": ("subtoken_f1", "word_f1")}


def configuration(name: str = "configs/demo.yaml") -> dict:
    """Return a configuration of this project, its published numbers found from anywhere."""
    config = read(str(ROOT / name), "--config")
    for spec in config["tables"].values():
        if "published" in spec:
            spec["published"] = str(ROOT / spec["published"])
    return Graph(config).config


def make(config: Mapping, results: Path) -> Path:
    """Fill a results folder with all that a report of the configuration is made from."""
    graph = Graph(dict(config))
    records = files.records(graph)
    for run in (run for run in graph.runs if str(run) in records):
        for seed, path in zip(graph.seeds(run.variant, run.task), records[str(run)], strict=True):
            _write(results / path, json.dumps(_record(graph, run, seed)))
    for path in files.histories(graph).values():
        _write(results / path, _history(path))
    for path in files.overlaps(graph).values():
        about = {"split": "test", "within": "text", "sentences": 2000}
        rows = [{"task": "tc", "found": 1234} | about, {"task": "sa", "found": 0} | about]
        _write(results / path, json.dumps(rows))
    for path in files.jobs(graph):
        _write(results / path, json.dumps(_provenance(path)))
    for name, spec in graph.config["tables"].items():
        if spec["kind"] == "scores":
            _table(graph, name, results)
        elif spec["kind"] == "deployment":
            _write_table(_deployment(graph, name), name, results)
    return results


def _record(graph: Graph, run, seed: int) -> dict:
    kind = graph.config["tasks"][run.task]["kind"]
    baseline = graph.is_baseline(run.variant)
    parameters = None
    if not baseline:
        parameters = _parameters(graph, graph.checkpoint(run.model, run.language, run.variant))
    score = round(0.5 + 0.04 * math.log10(parameters or 10) + 0.1 * _drawn(run, seed), 6)
    metrics = (*METRICS[kind], graph.config["tasks"][run.task]["metric"])
    about = {key: getattr(run, key) for key in ("model", "language", "variant", "task")}
    return about | {
        "seed": seed,
        "metric": graph.config["tasks"][run.task]["metric"],
        "score": score,
        "scores": {name: score for name in metrics if not (baseline and name[:3] == "sub")},
        "parameters": parameters,
    }


def _parameters(graph: Graph, node: Checkpoint) -> int:
    shape = graph.shape(node)
    layers, hidden, ffn = (shape[key] for key in ("layers", "hidden_size", "ffn_size"))
    pieces = VOCABULARY[graph.config["models"][node.model]["family"]]
    if graph.operation(node.variant) == "trim_vocab":
        pieces = graph.settings(node)["size"]
    return (pieces + 514) * hidden + layers * (4 * hidden**2 + 2 * hidden * ffn) + hidden**2


def _drawn(*about: object) -> float:
    return zlib.crc32(repr(about).encode()) / 2**32


def _history(path: str) -> str:
    heads = "step,tokens,learning_rate,loss,mlm_loss,distillation_loss"
    lines = [f"{heads},validation_loss,validation_accuracy"]
    for step in (0, 100, 200, 400):
        loss = 6 / (1 + step / 100) + _drawn(path)
        losses = f"{loss},{loss}," if step else ",,"
        lines.append(f"{step},{step * 480},0.001,{losses},{loss},{1 / (1 + loss)}")
    return "\n".join(lines) + "\n"


def _provenance(path: str) -> dict:
    kind = path.split("/")[0]
    script = {"models": "train", "scores": "evaluate", "tables": "table"}.get(kind, "read_text")
    return {
        "script": f"scripts/{script}.py",
        "arguments": {},
        "code": "0" * 16,
        "git_commit": "0123456789abcdef" * 2,
        "versions": {"torch": "2.13.0"},
        "hardware": {"cpu": "A processor", "cores": 2, "gpu": None},
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": round(100 * _drawn(path), 3),
        "inputs": {},
        "outputs": {},
    }


def _deployment(graph: Graph, name: str) -> Table:
    lengths = graph.config["deployment"]["lengths"]
    column = f"cpu_1_{sorted(lengths)[len(lengths) // 2]}_p50_ms"
    rows = [
        {"model": row.model, "row": f"{row.variant}:{form}", "variant": row.variant}
        | {"language": "mean", "label": row.label, "language_name": "mean", "form_label": form}
        | {column: f"{1 + _drawn(row, form):.3f}", "score": f"{100 * _drawn(row):.2f}"}
        for row in graph.table(name).shown(graph)
        for form in ("PyTorch", "ONNX, int8")
    ]
    columns = (Column(column, "p50", "1 thread, ms"), Column("score", "Score"))
    return Table(
        "In use", "Its note.", {"label": "Model", "form_label": "Served as"}, columns, rows
    )


def _table(graph: Graph, name: str, results: Path) -> None:
    block = {k: v for k, v in graph.config["tables"][name].items() if k != "kind"}
    block |= {
        "languages": block.get("languages", graph.evaluated),
        "tasks": block.get("tasks", list(graph.config["tasks"])),
    }
    spec = ScoresSpec.checked(block)
    table = render(read_scores([results / "scores"]), spec)
    _write_table(compared(table, spec.published, KIND.keys), name, results)


def _write_table(table: Table, name: str, results: Path) -> None:
    (results / "tables").mkdir(exist_ok=True)
    write_table(table, *(results / "tables" / f"{name}.{form}" for form in ("csv", "md", "tex")))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
