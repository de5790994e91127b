"""A chain of `monoglot shrink` as somebody sees it: the plan, the progress, the account."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from monoglot.cli import terminal as text
from monoglot.cli.terminal import ProgressLine, bar, verbose
from monoglot.operations.processes import Processes
from monoglot.shrink.estimate import Training, size_of
from monoglot.shrink.job import Job
from monoglot.shrink.operations import settings_of
from monoglot.shrink.plan import BASE, Step, chain
from monoglot.shrink.presets import BUDGETS
from monoglot.shrink.work import Row

CLOCK = "monoglot.operations.training_clock"
"""The log of trainings, which says what the progress line does."""


@contextmanager
def silent_clock() -> Iterator[None]:
    """Leave the log of trainings out, but with --verbose."""
    log = logging.getLogger(CLOCK)
    before = log.level
    log.setLevel(before if verbose() else logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


def show_plan(job: Job, language: str) -> str:
    """Return the sizes of a chain before and after, step by step, and how long it takes."""
    rows, parent = [], ""
    for name in (BASE, *(step.name for step in job.steps)):
        step = next((step for step in job.steps if step.name == name), None)
        training = job.trainings.get(name)
        seconds = f"about {text.duration(training.seconds)}" if training else ""
        count = job.parameters[name]
        what = _what(step, job) if step else job.source.model.config.model_type
        rows.append([name, what, f"{count:,}", text.size(4 * count), seconds])
        parent = name
    first, last = job.parameters[BASE], job.parameters[parent]
    meta = job.material.training.meta
    return "\n".join(
        [
            f"{job.source.name}, for {language}: {first / 1e6:.1f} M parameters to "
            f"{last / 1e6:.1f} M, {last / first:.1%}",
            f"Text: {text.count(meta['documents'], 'document')}, "
            f"{text.count(meta['tokens'], 'token')}; "
            f"{text.count(job.material.heldout.meta['documents'], 'document')} held out",
            "",
            text.table(["step", "", "parameters", "disk", "time"], rows, text.width(), left=2),
            "",
            *_times(job),
        ]
    )


def _what(step: Step, job: Job) -> str:
    before, after, how = job.before, job.after, step.settings
    if step.operation == "train":
        under = f" under `{step.teacher}`" if step.teacher else " of masked LM"
        return f"{job.trainings[step.name].steps:,} steps{under}"
    return {
        "select_layers": f"{before.layers} to {after.layers} layers ({how.get('strategy')})",
        "prune_ffn": f"{before.ffn:,} to {after.ffn:,} feed-forward neurons",
        "reduce_hidden": f"hidden size {before.hidden} to {after.hidden}",
        "trim_vocab": f"{before.vocab:,} to {after.vocab:,} pieces",
    }[step.operation]


def _times(job: Job) -> list[str]:
    """How long training takes, and what more of it would."""
    device = "GPU" if Processes().device.type == "cuda" else "processor"
    total = sum(training.seconds for training in job.trainings.values())
    tokens = sum(training.tokens for training in job.trainings.values())
    if not job.trainings:
        return ["Nothing is trained."]
    lines = [
        f"Training on {tokens / 1e6:.3g} M tokens takes about "
        f"{text.duration(total)} on this {device}; evaluations come on top."
    ]
    for name in list(BUDGETS)[list(BUDGETS).index(job.budget) + 1 :]:
        more = _of_budget(job, name)
        lines.append(
            f"--budget {name} would train on {sum(t.tokens for t in more) / 1e6:.3g} M tokens, in "
            f"about {text.duration(sum(t.seconds for t in more))}."
        )
    return lines


def _of_budget(job: Job, name: str) -> list[Training]:
    """What the trainings of another budget take, as fast as those that were measured."""
    found = []
    for step in chain(job.source.model.config, job.before, job.after, BUDGETS[name]):
        if step.name in job.trainings:
            steps, tokens = size_of(job.material, settings_of(step, job.source.model))
            measured = job.trainings[step.name]
            found.append(Training(steps, tokens, tokens * measured.seconds / measured.tokens))
    return found


class Progress:
    """Shows how far a chain is: a line for each step that is done, one that changes for training.

    Args:
        trainings: of the chain, in their order.
        shown: whether anything is to be shown.
    """

    def __init__(self, trainings: Mapping[str, Training], shown: bool) -> None:
        self._trainings, self._shown = trainings, shown
        self._line = ProgressLine(shown)

    def watcher(self, step: Step, before: float) -> "_Watcher":
        """Return what hears of a training that took `before` seconds in earlier runs."""
        names = list(self._trainings)
        later = names[names.index(step.name) + 1 :] if step.name in names else []
        left = sum(self._trainings[name].seconds for name in later)
        return _Watcher(step.name, self._trainings.get(step.name), left, self._line)

    def done(self, row: Row) -> None:
        """Say that a step is done."""
        if self._shown:
            self._line.above(
                f"{row.name}: {row.parameters / 1e6:.1f} M parameters, "
                f"{row.accuracy:.1%} of masked tokens found ({text.duration(row.seconds)})"
            )


class _Watcher:
    def __init__(
        self, name: str, training: Training | None, later: float, line: ProgressLine
    ) -> None:
        self._name, self._training, self._later, self._line = name, training, later, line
        self._first: tuple[int, float] | None = None
        self._loss = ""

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        now = time.monotonic()
        if (loss := values.get("validation_loss")) is not None:
            self._loss = f", validation loss {loss:.3f}"
        if self._first is None:
            self._first = step, now
        first, began = self._first
        total = self._training.steps
        a_step = (now - began) / (step - first) if step > first else None
        self._line.show(lambda: self._shown(step, total, a_step))

    def _shown(self, step: int, total: int, a_step: float | None) -> str:
        left = ""
        if a_step is not None:
            seconds = a_step * (total - step)
            left = f", {text.duration(seconds)} left"
            if self._later:
                left += f", of all training {text.duration(seconds + self._later)}"
        return f"{self._name} {bar(step, total)}{self._loss}{left}"


def show_account(rows: Sequence[Row]) -> str:
    """Return what each step made, as a table."""
    lines = [
        [
            row.name,
            f"{row.parameters:,}",
            text.size(row.bytes),
            f"{row.accuracy:.1%}",
            f"{row.loss:.3f}",
            f"{row.tokens:,}" if row.tokens else "",
            text.duration(row.seconds) if row.seconds else "",
        ]
        for row in rows
    ]
    heads = ["step", "parameters", "disk", "accuracy", "loss", "tokens trained on", "time"]
    masked = {row.masked for row in rows}
    about = f"Accuracy and loss: masked tokens of held-out text ({max(masked):,})"
    if rows[-1].name == "vocab":
        about += "; `vocab` has other tokens to find"
    return "\n".join([text.table(heads, lines, text.width()), "", about + "."])
