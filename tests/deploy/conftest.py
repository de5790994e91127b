"""Exported checkpoints, and sentences to answer."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monoglot.deploy.export import make_onnx_folder

SENTENCES = [
    "il kelb jiġri wara qattus.",
    "id dar hija kbira fil belt.",
    "the dog runs after a cat",
    "belt",
]


@pytest.fixture(scope="session")
def exported(
    tiny_checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return `exported(family)`: the folder of a tiny checkpoint's graphs; never write into it."""
    folders: dict[str, Path] = {}

    def build(family: str) -> Path:
        if family not in folders:
            folders[family] = tmp_path_factory.mktemp("onnx") / family
            make_onnx_folder(tiny_checkpoint(family), folders[family])
        return folders[family]

    return build


@pytest.fixture
def heldout(tmp_path: Path) -> Path:
    """Return a parquet file of sentences."""
    pq.write_table(pa.table({"text": SENTENCES}), tmp_path / "heldout.parquet")
    return tmp_path / "heldout.parquet"
