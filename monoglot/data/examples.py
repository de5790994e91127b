"""Labelled examples, and which labels they may carry."""

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.errors import UserError

SPLITS = ("train", "dev", "test")
OUTSIDE = "O"
"""Tag of words outside entities, and the prediction for words that no sub-token stands for."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a task; its attributes, texts or tuples of texts, are columns on disk."""


@dataclass(frozen=True, slots=True)
class TextExample(Example):
    """A text with one label (classification)."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class TaggedExample(Example):
    """The words of a sentence with one tag each (tagging); both tuples have the same length."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def tag_inventory(labels: Sequence[str], scheme: str) -> list[str]:
    """List the tags that `labels` stand for.

    `plain`: the labels themselves. `iob2`: `O`, then `B-` and `I-` of each label; an `I-` without
    its `B-` is a tag like any other.
    """
    if scheme == "plain":
        return list(labels)
    if scheme == "iob2":
        return [OUTSIDE, *(f"{edge}-{label}" for label in labels for edge in "BI")]
    raise UserError(f"scheme: '{scheme}' is not known; it must be plain or iob2")
