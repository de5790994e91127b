"""A chain of steps in a folder, each kept when it is done, so that an ended run goes on there."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from monoglot.api.measures import on_tokens, parameters
from monoglot.api.tokenizers import encoded
from monoglot.fingerprint import code_of
from monoglot.operations.anatomy import longest_input
from monoglot.operations.processes import Processes
from monoglot.operations.training_state import TrainingState
from monoglot.shrink.clock import Clocked, Seconds
from monoglot.shrink.material import Material
from monoglot.shrink.operations import SEED, Made, Watcher, perform
from monoglot.shrink.plan import BASE, Step
from monoglot.shrink.saving import save, save_text
from monoglot.shrink.source import Source, load

RECORD = "step.json"
EVALUATED_LENGTH = 128
"""Tokens of each held-out document that models are evaluated on."""


@dataclass(frozen=True)
class Row:
    """What a step made, in numbers.

    Attributes:
        name: of the step.
        parameters, bytes: of the model; of its weights on disk.
        loss, accuracy, masked: of masked LM on held-out text, see `Evaluation`.
        tokens, seconds: that the step was trained on, and that it took.
    """

    name: str
    parameters: int
    bytes: int
    loss: float
    accuracy: float
    masked: int
    tokens: int = 0
    seconds: float = 0.0


class Work:
    """Makes the steps of a chain one after the other.

    Args:
        folder: where results of steps are kept, by step.
        source: the model that the chain starts from.
        material: the text.
        identity: whatever says that model and text are the same as in an earlier run.
    """

    def __init__(
        self, folder: Path, source: Source, material: Material, identity: Mapping[str, str]
    ) -> None:
        self._folder, self._source, self._material = folder, source, material
        self._identity = {**identity, "code": code_of("monoglot.shrink.operations")}

    def run(
        self,
        steps: Sequence[Step],
        watcher: Callable[[Step, float], Watcher],
        said: Callable[[Row], None],
    ) -> list[Row]:
        """Make what is not yet made; return a row for the first model and for each step.

        Args:
            watcher: makes, for a training and the seconds it took in earlier runs, what hears of
                its progress.
            said: is told of each row as soon as it is known.
        """
        rows = [self._row_of_source()]
        said(rows[0])
        folders, key = {BASE: self._source.folder}, _hash(self._identity)
        parent = BASE
        for number, step in enumerate(steps, start=1):
            key = _hash([key, asdict(step)])
            folder = folders[step.name] = self._folder / f"{number}-{step.name}"
            row = _read(folder / RECORD, key)
            if row is None:
                row = self._make(step, folders[parent], folders, key, watcher)
            rows.append(row)
            said(row)
            parent = step.name
        return rows

    def last(self, steps: Sequence[Step]) -> Path:
        """Return the folder of what the last step made."""
        return self._folder / f"{len(steps)}-{steps[-1].name}"

    def _make(
        self,
        step: Step,
        parent: Path,
        folders: Mapping[str, Path],
        key: str,
        watcher: Callable[[Step, float], Watcher],
    ) -> Row:
        folder = folders[step.name]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD).unlink(missing_ok=True)
        clock = Seconds(folder / "seconds.json", key)
        begun = self._load(parent)
        teacher = self._load(folders[step.teacher]).model if step.teacher else None
        state = TrainingState(folder / "state", key)
        hears = Clocked(watcher(step, clock.total()), clock)
        made = perform(step, begun.model, begun.tokenizer, teacher, self._material, state, hears)
        save(made.model, made.tokenizer, folder)
        if made.report:
            save_text(json.dumps(made.report, indent=2) + "\n", folder / "trim_report.json")
        row = self._row(step.name, made, clock.total())
        _keep(row, key, folder / RECORD)
        return row

    def _load(self, folder: Path) -> Source:
        if folder == self._source.folder:
            return load(folder, self._source.name, masked_lm=True)
        return load(folder, str(folder), masked_lm=True)

    def _row_of_source(self) -> Row:
        file, key = self._folder / "0-model.json", _hash(self._identity)
        if (row := _read(file, key)) is None:
            row = self._row(BASE, Made(self._source.model, self._source.tokenizer), 0.0)
            _keep(row, key, file)
        return row

    def _row(self, name: str, made: Made, seconds: float) -> Row:
        tokens, model = self._material.heldout, made.model.to(Processes().device)
        if len(made.tokenizer) != self._material.heldout.meta["vocab"]:
            tokens = encoded(self._material.heldout_texts(), made.tokenizer, model)
        length = min(EVALUATED_LENGTH, longest_input(model.config))
        found = on_tokens(model, tokens, length, 0.15, SEED)
        count = parameters(model)
        return Row(name, count, 4 * count, *found, tokens=made.tokens, seconds=seconds)


def _keep(row: Row, key: str, file: Path) -> None:
    save_text(json.dumps({"key": key, **asdict(row)}, indent=1) + "\n", file)


def _read(file: Path, key: str) -> Row | None:
    """Return the row of a finished step; None if there is none under this key."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Row(**found) if found.pop("key") == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hash(about: object) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
