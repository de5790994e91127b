"""The state of an unfinished training run on disk, so that a killed run goes on where it was.

The state is one safetensors file: weights, Adam's moments, the best weights so far, and as
metadata the step, the history and what run it belongs to. It is replaced by one rename; nothing
is pickled.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from monoglot.files import whole_folder


class TrainingState:
    """Saves and restores a run in `folder`; a state with another `fingerprint` is ignored.

    `every_seconds` is how often training should save; it has no influence on the result.
    """

    def __init__(self, folder: Path, fingerprint: str, every_seconds: float = 300) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self.every_seconds = every_seconds

    def save(self, model, optimizer, best: dict | None, progress: dict) -> None:
        """Save weights, optimiser moments, the best weights (or None) and JSON-able progress."""
        tensors = {f"model.{name}": p for name, p in model.named_parameters()}
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in moments.items()}
        tensors |= {f"best.{name}": value for name, value in (best or {}).items()}
        tensors = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
        about = {"fingerprint": self._fingerprint, "progress": json.dumps(progress)}
        with whole_folder(self._folder) as aside:
            save_file(tensors, aside / "state.safetensors", metadata=about)

    def load(self, model, optimizer) -> tuple[dict | None, dict] | None:
        """Restore what `save` wrote and return (best weights or None, progress), or None."""
        file = self._folder / "state.safetensors"
        if not file.is_file():
            return None
        with safe_open(file, framework="pt") as state:
            about = state.metadata()
            if about["fingerprint"] != self._fingerprint:
                return None
            tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(tensors[f"model.{name}"])
        moments: dict[int, dict] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".")
                moments.setdefault(int(index), {})[key] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
        best = {n.removeprefix("best."): v for n, v in tensors.items() if n.startswith("best.")}
        return best or None, json.loads(about["progress"])

    def forget(self) -> None:
        """Remove the state; the run it belongs to is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
