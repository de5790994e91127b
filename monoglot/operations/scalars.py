"""Numbers of a running training for TensorBoard, if somebody asked for them.

Asked for by an environment variable and not by the configuration, since it changes no result:
turning it on runs nothing again.
"""

import os
from pathlib import Path

from monoglot.errors import UserError

VARIABLE = "MONOGLOT_TENSORBOARD"


class Scalars:
    """Writes the scalars of one run into a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                f"{VARIABLE} is set, but there is no package tensorboard; "
                "`pip install tensorboard`, or unset the variable"
            ) from None
        self._open = lambda step: SummaryWriter(str(folder), purge_step=step)
        self._writer: SummaryWriter | None = None

    def write(self, step: int, values: dict[str, float | None]) -> None:
        """Write the values of a step; None is left out."""
        # What an interrupted run wrote of this step and later ones is not shown any more.
        self._writer = self._writer or self._open(step)
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(name, value, step)
        self._writer.flush()


def scalars_of(checkpoint: Path) -> Scalars | None:
    """Return the scalars of a checkpoint's training, if the variable names a folder for them.

    They are in a folder within it, of the same path as the checkpoint.

    Raises:
        UserError: the package tensorboard is missing.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        return None
    return Scalars(Path(root, *(part for part in checkpoint.parts if part not in ("/", ".."))))
