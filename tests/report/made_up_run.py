"""A results folder with made-up numbers, all of it or in part, for any configuration."""

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

from monoglot.config import read
from monoglot.graph import Checkpoint, Graph
from monoglot.report import finished_run as files
from monoglot.tables.base import compared
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
    for node, path in files.deployments(graph).items():
        _write(results / path, json.dumps(_deployment(node)))
    for name, path in files.exported(graph).items():
        scores = {numbers: {"score": _drawn(name, numbers)} for numbers in ("torch", "int8")}
        tasks = dict.fromkeys(graph.config["tasks"], {"seed": 1} | scores)
        _write(results / path, json.dumps({"tasks": tasks}))
    for name, spec in graph.config["tables"].items():
        if spec["kind"] == "scores":
            _table(graph, name, results)
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


def _deployment(node: Checkpoint) -> dict:
    def run(form: str, threads: int) -> dict:
        p50 = 1 + _drawn(str(node), form, threads)
        return {
            "device": "cpu",
            "threads": threads,
            "latency": {"64": {"p50_ms": p50, "p95_ms": 1.2 * p50}},
            "throughput": {"64": {"tokens_per_second": 64000 / p50}},
            "memory": {"peak_bytes": 3e8},
        }

    return {
        "measuring": {"lengths": [64], "batch": 32},
        "load_average_before": 0.25,
        "hardware": {"cpu": "A processor", "cores": 2, "gpu": None},
        "forms": {
            form: {"disk": {"weights_bytes": 1e6}, "runs": [run(form, 1), run(form, 2)]}
            for form in ("torch-fp32", "onnx-int8")
        },
    }


def _table(graph: Graph, name: str, results: Path) -> None:
    block = {k: v for k, v in graph.config["tables"][name].items() if k != "kind"}
    block |= {
        "languages": block.get("languages", graph.evaluated),
        "tasks": block.get("tasks", list(graph.config["tasks"])),
    }
    spec = ScoresSpec.checked(block)
    table = render(read_scores([results / "scores"]), spec)
    outputs = [results / "tables" / f"{name}.{form}" for form in ("csv", "md", "tex")]
    (results / "tables").mkdir(exist_ok=True)
    write_table(compared(table, spec.published, KIND.keys), *outputs)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
