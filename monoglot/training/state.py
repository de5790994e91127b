"""The state of an unfinished training run on disk, so that an ended run goes on where it was.

A state is one safetensors file, named after its step: weights, Adam's moments, the best weights so
far, and as metadata the history, what run it belongs to and a hash of all of it. The last two are
kept, because a disk may lose what it was given. Nothing is pickled.
"""

import hashlib
import json
import logging
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from monoglot.errors import UserError
from monoglot.files import alone, whole_file

log = logging.getLogger(__name__)


KEPT = 2
SECONDS_TO_WAIT = 20
SAVE_EVERY = "MONOGLOT_SAVE_EVERY"
"""Seconds between saves: an environment variable, because it has no influence on the result."""


class TrainingState:
    """Saves and restores a run in `folder`; states with another `fingerprint` are not used.

    On disk are at most two states, for a moment three.

    Args:
        every_seconds: how often training should save; five minutes, unless SAVE_EVERY says more.
    """

    def __init__(self, folder: Path, fingerprint: str, every_seconds: float | None = None) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._kept: list[Path] = []
        self._claim = ExitStack()
        self.every_seconds = _save_every() if every_seconds is None else every_seconds

    def claim(self, seconds: float = SECONDS_TO_WAIT) -> None:
        """Keep other trainings off the folder until `forget`, or the end of this process.

        Args:
            seconds: how long to wait for one that is just ending, because its Snakemake has.

        Raises:
            UserError: another training has it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._claim.enter_context(alone(self._folder, seconds)):
            raise UserError(
                f"{self._folder}: another training saves its state there; wait for its end, or "
                "give this one another folder"
            )

    def save(self, model, optimizer, best: dict | None, progress: dict) -> None:
        """Save weights, optimiser moments, the best weights (or None) and JSON-able progress.

        `progress` holds the `step`; one that is saved already is not saved again.
        """
        file = self._folder / f"step{progress['step']}.safetensors"
        if self._kept[-1:] == [file]:
            return
        tensors = {f"model.{name}": p for name, p in model.named_parameters()}
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in moments.items()}
        tensors |= {f"best.{name}": value for name, value in (best or {}).items()}
        tensors = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
        about = {"fingerprint": self._fingerprint, "progress": json.dumps(progress)}
        about["sha256"] = _hash(tensors, about)
        with whole_file(file) as aside:
            save_file(tensors, aside, metadata=about)
        self._kept = [*self._kept, file][-KEPT:]
        for other in self._folder.iterdir():
            if other not in self._kept:
                other.unlink()

    def load(self, model, optimizer) -> tuple[dict | None, dict] | None:
        """Restore the last whole state and return (best weights or None, progress), or None.

        A damaged state is passed over with a warning in the log.
        """
        found = self._last_whole()
        if found is None:
            return None
        tensors, progress = found
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
        return best or None, progress

    def forget(self) -> None:
        """Remove all states; the run they belong to is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._claim.close()

    def _last_whole(self) -> tuple[dict[str, Tensor], dict] | None:
        self._kept = sorted(self._folder.glob("step*.safetensors"), key=_step)
        damaged = False
        while self._kept:
            file = self._kept[-1]
            try:
                tensors, about = _read(file)
            except _DamagedError as error:
                damaged = True
                log.warning("%s is damaged (%s); it is not used", file, error)
            else:
                if about["fingerprint"] == self._fingerprint:
                    return tensors, json.loads(about["progress"])
                log.info("%s is of another training (settings, parent, data or code)", file)
            self._kept.pop()
        if damaged:
            log.warning("no whole state is left in %s; training starts anew", self._folder)
        return None


class _DamagedError(Exception):
    """A file does not hold what was saved."""


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(file, framework="pt") as state:
            about = dict(state.metadata() or {})
            tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _DamagedError(str(error).splitlines()[0]) from None
    if about.get("sha256") != _hash(tensors, about):
        raise _DamagedError("its content has another hash than when it was saved")
    return tensors, about


def _hash(tensors: dict[str, Tensor], about: dict[str, str]) -> str:
    """Hash tensors (names, types, shapes, values) and what is said about them."""
    digest = hashlib.sha256(json.dumps([about.get("fingerprint"), about.get("progress")]).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _step(file: Path) -> int:
    digits = file.stem.removeprefix("step")
    return int(digits) if digits.isdecimal() else -1


def _save_every() -> float:
    text = os.environ.get(SAVE_EVERY, "300")
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{SAVE_EVERY} is '{text}'; it must be a number of seconds") from None
