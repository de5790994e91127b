"""Where everything lies under the results folder: the contract with whoever reads it."""

from collections.abc import Iterable
from dataclasses import dataclass

from monoglot.checkpoint_files import FILES as CHECKPOINT_FILES
from monoglot.nodes import Checkpoint, Run


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
