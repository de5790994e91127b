"""How large checkpoints and kept adapters will be on disk, from their shapes."""

import json
from pathlib import Path

from monoglot.config import reduction_factor
from monoglot.graph import Graph
from monoglot.nodes import Checkpoint, Run

BYTES_PER_PARAMETER = 4
BYTES_PER_PIECE = 70
"""Of tokenizer.json, about: XLM-R's has 17 MB for 250,002 pieces."""

USUAL_PIECES = {"bert": 119_547, "xlm-roberta": 250_002}
"""The vocabularies of mBERT and XLM-R, for a checkpoint that is not there yet."""

SPECIAL_PIECES = 5
STATE_OF_TRAINING = 3
"""Weights and the two moments of AdamW, while a training is unfinished."""


def checkpoint_bytes(graph: Graph, node: Checkpoint) -> int:
    """Return about how many bytes a checkpoint takes: its weights and its tokenizer."""
    pieces = pieces_of(graph, node)
    return BYTES_PER_PARAMETER * parameters(graph.shape(node), pieces) + BYTES_PER_PIECE * pieces


def training_bytes(graph: Graph, node: Checkpoint) -> int:
    """Return the bytes of the saved state of a training, which is removed when it has finished."""
    pieces = pieces_of(graph, node)
    return STATE_OF_TRAINING * BYTES_PER_PARAMETER * parameters(graph.shape(node), pieces)


def adapters_bytes(graph: Graph, run: Run) -> int:
    """Return the bytes of a run's adapters, all seeds; with full tuning, of whole encoders."""
    node = graph.checkpoint(run.model, run.language, run.variant)
    shape = graph.shape(node)
    if graph.config["tasks"][run.task]["tuning"] == "full":
        count = parameters(shape, pieces_of(graph, node))
    else:
        hidden = shape["hidden_size"]
        narrow = int(hidden / reduction_factor(graph.config, run.variant, run.task))
        count = shape["layers"] * (2 * hidden * narrow + narrow + hidden)
    return BYTES_PER_PARAMETER * count * len(graph.seeds(run.variant))


def parameters(shape: dict[str, int], pieces: int) -> int:
    """Return the parameters of a masked language model with tied decoder and without pooler."""
    hidden, ffn = shape["hidden_size"], shape["ffn_size"]
    positions = shape.get("max_positions", 512)
    embeddings = (pieces + positions + 4) * hidden
    layer = 4 * (hidden**2 + hidden) + 2 * hidden * ffn + ffn + 5 * hidden
    return embeddings + shape["layers"] * layer + hidden**2 + 3 * hidden + pieces


def pieces_of(graph: Graph, node: Checkpoint) -> int:
    """Return the size of a checkpoint's vocabulary: of its file if it is there, else as planned."""
    maker = graph.tokenizer(node)
    settings, operation = graph.settings(maker), graph.operation(maker.variant)
    if operation == "trim_vocab":
        return settings["size"] + SPECIAL_PIECES
    if "vocab_size" in settings:
        return settings["vocab_size"]
    kept = Path(graph.config["results"], "models", str(maker), "config.json")
    usual = USUAL_PIECES.get(graph.config["models"][node.model]["family"], 0)
    try:
        return int(json.loads(kept.read_text())["vocab_size"])
    except (OSError, ValueError, KeyError, TypeError):
        return usual
