"""The files that one run leaves: its record and its predictions."""

from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa


def write_predictions(path: str | Path, predictions: "pa.Table") -> None:
    """Write a table of predictions as parquet."""
    import pyarrow.parquet as pq

    with whole_file(path) as aside:
        pq.write_table(predictions, aside)


def written(folder: Path, seed: int) -> tuple[Path, Path]:
    """Return where one run's record and its predictions lie in the folder of its job."""
    return folder / f"seed{seed}.json", folder / f"seed{seed}.predictions.parquet"
