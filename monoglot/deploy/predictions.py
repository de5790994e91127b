"""Predictions of a graph on a task's test set, by the same encoding and scoring as records."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig

from monoglot.data.examples import Example
from monoglot.deploy.export import answer, session
from monoglot.evaluate.decoding import subtoken_tags, word_tags
from monoglot.evaluate.encoding import (
    IGNORED,
    Encoded,
    check_ids,
    encode_sentences,
    encode_texts,
    load_tokenizer,
)
from monoglot.evaluate.outcome import Outcome, classification_outcome, tagging_outcome
from monoglot.evaluate.task import Task

BATCH = 32


def encode(
    rows: Sequence[Example],
    checkpoint: Path,
    task: Task,
    settings: Mapping[str, Any],
    config: PretrainedConfig,
) -> Encoded:
    """Encode a split as it was for the record with these `settings`."""
    tokenizer = load_tokenizer(checkpoint, settings["max_length"])
    common = (rows, tokenizer, task.classes, config.pad_token_id)
    if task.kind == "classification":
        encoded = encode_texts(*common)
    else:
        encoded = encode_sentences(*common, settings["label_subtokens"])
    check_ids([encoded], config.vocab_size, checkpoint)
    return encoded


def predict(graph: Path, data: Encoded) -> Tensor:
    """Return predicted class indices in the shape of `data.labels`.

    Texts of one length are answered together, so that no text is padded: dynamic quantisation
    takes its scale from all that is in a batch.
    """
    opened = session(graph)
    predicted = torch.full_like(data.labels, IGNORED)
    for rows in _batches(data.lengths):
        ids = data.ids[rows, : int(data.lengths[rows[0]])]
        logits = answer(opened, ids.numpy(), torch.ones_like(ids).numpy())
        classes = torch.from_numpy(logits.argmax(-1))
        if classes.dim() == 1:
            predicted[rows] = classes
        else:
            predicted[rows, : classes.shape[1]] = classes
    return predicted


def outcome(
    task: Task, rows: Mapping[str, Sequence[Example]], test: Encoded, predicted: Tensor
) -> Outcome:
    """Score predictions on the rows of `test`; those of `train` say what is most frequent."""
    if task.kind == "classification":
        labels = [task.classes[index] for index in predicted.tolist()]
        return classification_outcome(task, rows["train"], rows["test"], labels)
    places = ([example.tags for example in rows["test"]], test, predicted, task.classes)
    words, lost = word_tags(*places)
    subtokens = subtoken_tags(*places)
    return tagging_outcome(task, rows["train"], rows["test"], words, subtokens, lost)


def _batches(lengths: Tensor) -> Iterator[Tensor]:
    """Yield the rows of texts that are equally long, at most `BATCH` at a time."""
    for length in lengths.unique():
        yield from (lengths == length).nonzero().flatten().split(BATCH)
