"""How long each training of a chain takes here, from a few measured steps."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from monoglot.operations.anatomy import emptied
from monoglot.operations.processes import Processes
from monoglot.operations.training_loop import train
from monoglot.operations.training_settings import Settings
from monoglot.shrink.material import Material
from monoglot.shrink.operations import sequences_of, settings_of
from monoglot.shrink.plan import BASE, Step
from monoglot.tokens.batches import Sequences

STEPS = 4
"""That are made; the first one, which sets up, and the last one are not measured."""


class _Timed:
    """Sequences that note when each is asked for."""

    def __init__(self, sequences: Sequences) -> None:
        self._sequences, self.times = sequences, []

    def __len__(self) -> int:
        return len(self._sequences)

    def __getitem__(self, index: int) -> np.ndarray:
        self.times.append(time.monotonic())
        return self._sequences[index]


class _First:
    """The first of some sequences, the longest that there are to validate on."""

    def __init__(self, sequences: Sequences) -> None:
        self._sequences = sequences
        self._index = max(range(len(sequences)), key=lambda i: len(sequences[i]))

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self._sequences[self._index]


@dataclass(frozen=True)
class Training:
    """What a training takes: steps, tokens (no padding) and seconds, evaluations left out."""

    steps: int
    tokens: float
    seconds: float


def trainings(
    steps: Sequence[Step],
    model: PreTrainedModel,
    configs: Mapping[str, PretrainedConfig],
    material: Material,
) -> dict[str, Training]:
    """Return what each training of a chain takes here.

    Measured on models of the right shapes, random in their weights.

    Args:
        model: what the chain starts from.
        configs: of what each step makes, as `configurations` returns them.
    """
    found, parent = {}, BASE
    for step in steps:
        if step.operation == "train":
            teacher = _random(model, configs[step.teacher]) if step.teacher else None
            student = _random(model, configs[parent])
            settings = settings_of(step, student)
            total, tokens = size_of(material, settings)
            seconds = total * _seconds_a_step(student, teacher, material, settings)
            found[step.name] = Training(total, tokens, seconds)
        parent = step.name
    return found


def size_of(material: Material, settings: Settings) -> tuple[int, float]:
    """Return the steps of a training, and about how many tokens it sees."""
    sequences = sequences_of(material, settings)[0]
    total = settings.total_steps(len(sequences))
    body = settings.max_length - 2
    lengths = np.full(1, body)
    if settings.documents == "truncate":
        lengths = np.minimum(np.diff(np.asarray(material.training.offsets)), body)
    size = min(settings.batch_size, len(sequences))
    return total, total * size * float(lengths.mean() + 2)


def _seconds_a_step(
    student: PreTrainedModel,
    teacher: PreTrainedModel | None,
    material: Material,
    settings: Settings,
) -> float:
    training, heldout = sequences_of(material, settings)
    timed, size = _Timed(training), settings.batch_size
    few = settings.changed(steps=STEPS, epochs=None, evaluate_every=STEPS, keep="last")
    with torch.random.fork_rng():
        train(student, timed, material.training.meta, _First(heldout), few, teacher)
    an_epoch = math.ceil(len(timed) / size)
    taken = [min(size, len(timed) - step % an_epoch * size) for step in range(STEPS)]
    starts = [timed.times[sum(taken[:step])] for step in range(STEPS)]
    return (starts[-1] - starts[1]) / (STEPS - 2)


def _random(model: PreTrainedModel, config: PretrainedConfig) -> PreTrainedModel:
    with torch.random.fork_rng(), Processes().device:
        return emptied(model, config)
