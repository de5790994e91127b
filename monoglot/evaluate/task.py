"""What a task is, whatever its kind, and how models are tuned on it.

A kind of task is a subclass of `Task` in a module of its own, with its entry; see the package's
registry. One that an adapter and a head are trained for is a subclass of `TrainedTask`, one on the
vectors of texts that a model makes as it is of `VectorTask`. Planning reads this: imports nothing
heavy.
"""

import inspect
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from monoglot.data.readers import SPLITS, Example
from monoglot.errors import UserError
from monoglot.evaluate.metrics import (
    SUBTOKENS,
    Pair,
    Tags,
    added_of,
    metrics_for,
    scores_of,
    shared_error,
)
from monoglot.keys import UNIQUE, Count, Flag, Number, Parameters

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import PreTrainedModel

    from monoglot.evaluate.baselines import Prediction
    from monoglot.evaluate.encoding import Encoded
    from monoglot.evaluate.scoring import TextEncoder

Label = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f]+$")]
Subtokens = Literal["all", "first"]
Pooling = Literal["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
SeedsAffect = Literal["initialisation", "everything"]


class TuningKeys(Parameters):
    """What a task says of how checkpoints are tuned on it (defaults: paper, Table 4)."""

    tuning: Literal["adapter", "full"] = "adapter"
    """Train an adapter on the frozen encoder (the paper), or all weights."""
    learning_rate: Annotated[Number, Field(gt=0)] = 1e-4
    """The highest, of AdamW."""
    batch_size: Count = 16
    """Examples in a step."""
    epochs: Count = 20
    """Passes over the training examples."""
    min_steps: Count = 1
    """Fewest optimiser steps: small training sets are passed over as much more often than \
`epochs` as that takes."""
    max_length: Annotated[int, Field(ge=8)] = 256
    """Tokens of an example; the rest is cut off."""
    weight_decay: Annotated[Number, Field(ge=0)] = 0
    """Of weights, not of biases."""
    warmup: Annotated[Number, Field(ge=0, lt=1)] = 0
    """Share of the steps with a rising learning rate."""
    checkpoint: Annotated[Literal["last", "best"], Flag("checkpoint_choice")] = "last"
    """Test the last epoch, or the one with the best validation loss."""
    patience: Count | None = None
    """With `checkpoint` best, end a seed's training after so many epochs without a lower \
validation loss, the schedule of the learning rate unchanged; null for never (the paper)."""
    label_subtokens: Subtokens = "all"
    """Train on a label for every sub-token of a word (the paper), or the first alone."""
    reduction_factor: Count = 16
    """Bottleneck of the adapter is hidden size over this; variants can set their own."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of products with the frozen encoder's weights while adapters train; bf16 takes about two \
thirds of the time on processors that have it; others stay with fp32. Tests, adapters and their \
optimiser are in fp32."""

    @field_validator("patience")
    @classmethod
    def _of_the_best(cls, patience: int | None, info: ValidationInfo) -> int | None:
        if patience is not None and info.data.get("checkpoint") != "best":
            raise ValueError("needs 'checkpoint: best' beside it")
        return patience

    @field_validator("precision")
    @classmethod
    def _of_adapters(cls, precision: str, info: ValidationInfo) -> str:
        if precision == "bf16" and info.data.get("tuning") == "full":
            raise ValueError("bf16 is for the frozen encoder below an adapter; tune in fp32")
        return precision

    def passes(self, examples: int) -> int:
        """Return how often so many training examples are passed over."""
        steps = math.ceil(examples / self.batch_size)
        return max(self.epochs, math.ceil(self.min_steps / steps))


class TuningSettings(TuningKeys):
    """How a checkpoint is tuned on a task; the same for all seeds."""

    seeds_affect: SeedsAffect = "everything"
    """What a seed changes: the initialisation alone (the paper), or order and dropout as well."""


@dataclass(frozen=True)
class Outcome:
    """What one run scored.

    Attributes:
        scores: every metric, and as `majority` the task's own one of `chance`.
        added: what each test example adds to every metric, [examples].
        chance: of every metric, what is scored by chance: by always giving the most frequent label
            of the training set.
        predictions: of the test set.
        lost: test words that no sub-token stands for; they count as predicted `O`.
    """

    scores: dict[str, float]
    added: "dict[str, np.ndarray]"
    chance: dict[str, float]
    predictions: "pa.Table"
    lost: int

    def recorded(self) -> dict[str, Any]:
        """Return what a record has of it, but for the score, if there are no other seeds."""
        errors = shared_errors([self])
        return {
            "scores": self.scores,
            "errors": errors,
            "shared_errors": errors,
            "chance": self.chance,
            "n_words_without_subtoken": self.lost,
        }


def shared_errors(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the standard error of every metric over test examples that outcomes have in common.

    `outcomes` are those of seeds, or a single one, whose whole standard error it then is.
    """
    import numpy as np

    return {
        name: shared_error(np.stack([one.added[name] for one in outcomes]))
        for name in outcomes[0].added
    }


class Task(Parameters):
    """A task; each kind of task is a subclass.

    The first sentence of a subclass's docstring says what models do in such a task.
    """

    kind: str
    """What is asked of a model."""
    metric: str | None = None
    """The metric that is a record's `score`; all others stand beside it."""

    compares: ClassVar[tuple[str, ...]]
    """What metrics compare: first gold and predicted labels, then what needs a tokenizer."""
    example: ClassVar[type[Example]]
    """The class of its examples, whose attributes are the columns of its data."""
    splits: ClassVar[tuple[str, ...]] = SPLITS
    """The splits of its data."""
    parts: ClassVar[tuple[str, ...]] = SPLITS
    """What `files` of its source names."""
    on_hub: ClassVar[str]
    """The task's name on the Hub."""
    trained: ClassVar[bool] = False
    """Whether something is trained for it, once for each seed; if not, it has one record."""

    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        """What the experiment calls it; "" if that does not matter."""
        return self._name

    def named(self, name: str) -> "Task":
        task = self.model_copy()
        task._name = name
        return task

    @classmethod
    def does(cls) -> str:
        """Say what models do in such a task: "sorts whole texts"."""
        first = inspect.getdoc(cls).partition(".")[0]
        return first[:1].lower() + first[1:]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics that records of such a task hold."""
        return tuple(metric.name for metric in metrics_for(self.compares, self.tag_scheme))

    @property
    def tag_scheme(self) -> str | None:
        """How tags look, for a kind that tags."""
        return None

    def said(self) -> str:
        """Say what models do in this task, and with what, for people who read of its scores."""
        return self.does()

    def check(self, where: str) -> None:
        """Raise `UserError` if the metric is of another kind of task, or for other bad values.

        Args:
            where: the key of the task's block, such as `tasks.tc`; "" for flags.
        """
        if self.metric is not None and self.metric not in self.metrics:
            raise UserError(
                f"{key_of(where, 'metric')}: '{self.metric}' is not for {self.kind}; "
                f"choose one of {', '.join(self.metrics)}"
            )

    def recorded(self) -> dict[str, Any]:
        """Return what a record says of the task among its settings."""
        return {"scheme": None} | self.model_dump(exclude={"metric"})

    # Examples

    def read(self, source: Mapping[str, Any], split: str, root: Path) -> Iterator[Example]:
        """Yield the examples of a split of a source; raise `UserError` for bad input."""
        raise NotImplementedError

    def words(self, example: Example) -> list[str]:
        """Return the words of an example: those of its first column."""
        given = getattr(example, fields(example)[0].name)
        return given.split() if isinstance(given, str) else list(given)

    def split(self, path: Path, split: str) -> list[Example]:
        """Return the examples of one split that were read from a source.

        Raises `UserError` if the split is missing or empty, or if the file holds examples of
        another kind of task.
        """
        from monoglot.data.parquet import columns_of, names_of, read_examples

        if not set(names_of(self.example)) <= set(columns_of(path)):
            raise UserError(f"{path}: holds no examples of {self.kind}, which task {self.name} is")
        examples = read_examples(path, split, self.example)
        if not examples:
            raise UserError(f"{path}: the split '{split}' is missing or empty")
        return examples


class VectorTask(Task):
    """A task on vectors of texts, for which nothing is trained."""

    pooling: Pooling | None = None
    """How states of tokens become one vector, instead of all that a sentence encoder's files say; \
by default what these say, or the mean."""
    prefix: str | None = None
    """What stands before each text (`query: ` for E5); by default the prompt of a sentence \
encoder's files, or nothing."""
    max_length: Annotated[int, Field(ge=8)] = 256
    """Tokens of a text; the rest is cut off."""

    def scored(
        self, test: Sequence[Example], encoder: "TextEncoder", other: "TextEncoder | None"
    ) -> Outcome:
        """Score an encoder; `other` is that of another variant, if the task names one."""
        raise NotImplementedError

    def words_cut(
        self, test: Sequence[Example], encoder: "TextEncoder", other: "TextEncoder | None"
    ) -> int:
        """Return how many of the words that are scored no encoder has read."""
        raise NotImplementedError


class TrainedTask(Task):
    """A task with declared labels, which a head is trained to give."""

    labels: Annotated[list[Label], Field(min_length=1), *UNIQUE]
    """Classes, tags, or with the scheme iob2 entity types."""

    trained: ClassVar[bool] = True
    first_state_only: ClassVar[bool] = False
    """Whether the head reads the state of the first token alone."""
    stock: ClassVar[str]
    """The class of `transformers` that loads a model tuned whole."""
    stock_heads: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By family of models: names of the head's linear layers in stock models, by their places."""

    @property
    def classes(self) -> list[str]:
        """The model's output classes, in the order of its outputs."""
        return list(self.labels)

    def said(self) -> str:
        some = f"{', '.join(self.labels[:8])}{' …' if len(self.labels) > 8 else ''}"
        return f"{self.does()} by {len(self.labels)} labels: {some}"

    # Examples

    def gold(self, example: Example) -> Any:
        """Return an example's label or list of tags."""
        raise NotImplementedError

    def labels_of(self, example: Example) -> list[str]:
        """Return all labels of an example."""
        gold = self.gold(example)
        return [gold] if isinstance(gold, str) else gold

    def split(self, path: Path, split: str) -> list[Example]:
        """Return the examples of one split that were read from a source.

        Raises `UserError` as for every task, and for a label that the task does not declare.
        """
        examples = super().split(path, split)
        known = set(self.classes)
        for row, example in enumerate(examples):
            for label in self.labels_of(example):
                if label not in known:
                    raise UserError(
                        f"{path}: example {row} of {split} has the label '{label}', which task "
                        f"{self.name} does not declare; it must be one of {', '.join(self.classes)}"
                    )
        return examples

    # Models

    def encode(
        self, examples: Sequence[Example], tokenizer: "Tokenizer", pad: int, label_subtokens: str
    ) -> "Encoded":
        """Return examples as tensors; every label must be one of `classes`."""
        raise NotImplementedError

    def add_head(self, model: "PreTrainedModel", name: str) -> None:
        """Put the task's prediction head on a model of the `adapters` library."""
        raise NotImplementedError

    def decoded(
        self,
        train: Sequence[Example],
        test: Sequence[Example],
        encoded: "Encoded",
        predicted: "Tensor",
    ) -> Outcome:
        """Score predicted class indices, in the shape of the labels of `encoded`, which is `test`.

        The labels of `train` say what is most frequent.
        """
        raise NotImplementedError

    # Baselines

    def majority(self, train: Sequence[Example]) -> str:
        """Return the label that the majority baseline always predicts.

        It is the most frequent one of the training set, the alphabetically first among equals.
        """
        counts = Counter(label for example in train for label in self.labels_of(example))
        return min(counts, key=lambda label: (-counts[label], label))

    def constant(self, label: str, gold: Sequence) -> list:
        """Return a prediction that is always `label`, in the shape of gold labels."""
        return [label if isinstance(one, str) else [label] * len(one) for one in gold]

    def ngrams(self, splits: Mapping[str, Sequence[Example]]) -> "Prediction":
        """Return what a linear model on n-grams predicts of the test set."""
        raise NotImplementedError

    # Scores

    def outcome(
        self,
        train: Sequence[Example],
        test: Sequence[Example],
        predicted: Sequence,
        subtokens: Sequence[Tags] | None = None,
        lost: int = 0,
    ) -> Outcome:
        """Score predicted labels: one for each test example, or one for each of its words.

        `subtokens` are the predicted tags of the sub-tokens of each word, if there is a tokenizer.
        """
        gold = [self.gold(example) for example in test]
        pairs: dict[str, Pair] = {self.compares[0]: (gold, predicted)}
        if subtokens is not None:
            pairs[SUBTOKENS] = flat_subtokens(gold, subtokens)
        label = self.majority(train)
        constant = {what: (g, self.constant(label, g)) for what, (g, _) in pairs.items()}
        scores, chance = (scores_of(those, self.tag_scheme) for those in (pairs, constant))
        scores["majority"] = chance[self.metric]
        more = () if subtokens is None else (subtokens,)
        predictions = self.predictions(gold, predicted, *more)
        return Outcome(scores, added_of(pairs, self.tag_scheme), chance, predictions, lost)

    def predictions(
        self, gold: Sequence, predicted: Sequence, subtokens: Sequence[Tags] | None = None
    ) -> "pa.Table":
        """Return the table of predictions, whose first column numbers the examples from 0.

        Kinds without sub-tokens are not given any.
        """
        raise NotImplementedError


def flat_subtokens(gold: Tags, subtokens: Sequence[Tags]) -> tuple[Tags, Tags]:
    """Return gold and predicted tags of sub-tokens, by sentence, from predicted ones by word."""
    sentences = [list(zip(*pair, strict=True)) for pair in zip(gold, subtokens, strict=True)]
    return (
        [[tag for tag, pieces in words for _ in pieces] for words in sentences],
        [[piece for _, pieces in words for piece in pieces] for words in sentences],
    )


def key_of(where: str, name: str) -> str:
    """Return the key of a parameter in the block at `where`; its name where there is no block."""
    return f"{where}.{name}" if where else name


@dataclass(frozen=True)
class Names:
    """Where a checkpoint stands in the experiment, for the record."""

    model: str
    language: str
    variant: str
