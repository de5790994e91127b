"""Where everything lies under the results folder: the contract with whoever reads it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from monoglot.checkpoints import FILES as CHECKPOINT_FILES
from monoglot.checkpoints import TOKENIZER_FILES

# The nodes of an experiment's plan: checkpoints, adapter runs, and what a table needs of them.

ANY = "any"
"""The language of checkpoints that no language touches."""


@dataclass(frozen=True, order=True)
class Checkpoint:
    """One checkpoint of the plan: a variant for a model and a language, or for `any` language."""

    model: str
    language: str
    variant: str

    def __str__(self) -> str:
        return f"{self.model}/{self.language}/{self.variant}"


@dataclass(frozen=True, order=True)
class Run:
    """The adapters of one variant on one task, all seeds, or a baseline: one folder of records."""

    model: str
    language: str
    variant: str
    task: str

    def __str__(self) -> str:
        return f"{self.model}/{self.language}/{self.variant}/{self.task}"


@dataclass(frozen=True)
class Needs:
    """What the cells of a table are made from.

    Attributes:
        runs: adapter runs whose records it shows.
        checkpoints: checkpoints whose shape it shows.
        stores: checkpoints and languages: the text of the language as tokens of the checkpoint's
            tokenizer.
        sets: languages and sets of data, read from their sources.
    """

    runs: list[Run] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    stores: list[tuple[Checkpoint, str]] = field(default_factory=list)
    sets: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Paths:
    """Paths of products, relative or absolute as the results folder is.

    Args:
        results: the results folder, without a slash at its end.
    """

    results: str

    def checkpoint(self, node: Checkpoint | str) -> str:
        """Folder of a checkpoint."""
        return f"{self.results}/models/{node}"

    def checkpoint_files(self, node: Checkpoint | str) -> list[str]:
        """Files of a checkpoint that other jobs read."""
        return [f"{self.checkpoint(node)}/{name}" for name in CHECKPOINT_FILES]

    def data(self, language: str, name: str) -> str:
        """Parquet file of a set of texts (`text`, `validation`, `heldout`) or of a task."""
        return f"{self.results}/data/{language}/{name}.parquet"

    def overlap(self, language: str) -> str:
        """How many evaluation sentences of a language its text and training examples hold."""
        return f"{self.results}/overlap/{language}.json"

    def store(self, tokenizer: Checkpoint | str, language: str, name: str) -> str:
        """Folder of the token store of a set under the tokenizer of a checkpoint."""
        return f"{self.results}/tokens/{tokenizer}/{language}/{name}"

    def records(self, run: Run | str, seeds: Iterable[int]) -> list[str]:
        """Records of a run, one for each seed."""
        return [f"{self.results}/scores/{run}/seed{seed}.json" for seed in seeds]

    def measurement(self, node: Checkpoint | str) -> str:
        """What a checkpoint costs where it is deployed."""
        return f"{self.results}/deployment/{node}.json"

    def onnx(self, node: Checkpoint | str) -> str:
        """Folder of a checkpoint's ONNX graphs."""
        return f"{self.results}/onnx/{node}"

    def onnx_scores(self, model: str, language: str, variant: str) -> str:
        """Scores of a variant after its export."""
        return f"{self.results}/onnx_scores/{model}/{language}/{variant}.json"


# The files of a checkpoint's folder of ONNX graphs. For the Snakefile too: imports little.

GRAPHS = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
"""Graphs by precision."""

REPORT = "export.json"
ONNX_FILES = (*GRAPHS.values(), REPORT, "config.json", *TOKENIZER_FILES)


# Where a run's adapter or tuned model is kept, and in which files; this imports no torch.

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter.safetensors"
HEAD_CONFIG = "head_config.json"
HEAD_WEIGHTS = "model_head.safetensors"

KEPT_FILES = {
    "adapter": (ADAPTER_CONFIG, ADAPTER_WEIGHTS, HEAD_CONFIG, HEAD_WEIGHTS),
    "full": CHECKPOINT_FILES,
}
"""By what was tuned: an adapter and its head, or a whole model with its tokenizer."""


def kept_files(folder: Path, seed: int, tuning: str) -> list[Path]:
    """Return the files that one run leaves in the folder of its job's adapters."""
    return [folder / f"seed{seed}" / name for name in KEPT_FILES[tuning]]
