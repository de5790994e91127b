"""What a configuration needs of a machine."""

import os
from dataclasses import dataclass
from pathlib import Path

from monoglot.downloads.needs import LocalFile, all_needs
from monoglot.downloads.preflight import at_hand
from monoglot.graph import Graph
from monoglot.nodes import Checkpoint, Run
from monoglot.runs import disk

STUDENT = 16
TEACHER = 4
"""Bytes a parameter in training: weights, gradients and two moments; weights of the teacher."""


@dataclass(frozen=True)
class Wants:
    """Needs of a configuration.

    Attributes:
        results: where it writes.
        bytes: of checkpoints and adapters that are not there yet.
        memory: bytes of the largest training, without its batches.
        to_fetch: sets and models that are to be downloaded.
        missing: files that somebody must put on this machine.
    """

    results: Path
    bytes: int
    memory: int
    to_fetch: int
    missing: list[str]


def wants(graph: Graph) -> Wants:
    """Return what a configuration needs; raise `UserError` if it lacks a source."""
    results = Path(graph.config["results"])
    absent = [need for need in all_needs(graph) if not at_hand(need)]
    local = [need for need in absent if isinstance(need, LocalFile)]
    nodes = [
        n for n in graph.checkpoints if not (results / "models" / str(n) / "config.json").exists()
    ]
    runs = [run for run in graph.runs if not graph.is_baseline(run.variant)]
    runs = [run for run in runs if not (results / "scores" / str(run)).exists()]
    return Wants(
        results=results,
        bytes=_bytes(graph, nodes, runs),
        memory=max((_memory(graph, n) for n in nodes if _trains(graph, n)), default=0),
        to_fetch=len(absent) - len(local),
        missing=[os.fspath(need.path) for need in local],
    )


def _bytes(graph: Graph, nodes: list[Checkpoint], runs: list[Run]) -> int:
    made = sum(disk.checkpoint_bytes(graph, node) for node in nodes)
    return made + sum(disk.adapters_bytes(graph, run) for run in runs)


def _trains(graph: Graph, node: Checkpoint) -> bool:
    return graph.operation(node.variant) == "train"


def _memory(graph: Graph, node: Checkpoint) -> int:
    def parameters(one: Checkpoint) -> int:
        return disk.parameters(graph.shape(one), disk.pieces_of(graph, one))

    teacher = graph.teacher(node)
    return STUDENT * parameters(node) + (TEACHER * parameters(teacher) if teacher else 0)
