"""One job: a checkpoint's score on a task that nothing is trained for, as the model is."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot import provenance
from monoglot.checkpoints import load_model, read_config
from monoglot.errors import UserError
from monoglot.evaluate.records import about_run, write_predictions, write_record, written
from monoglot.evaluate.task import Names, VectorTask
from monoglot.operations.surgery import encode, longest_input
from monoglot.sentence_encoders import SentenceEncoder, SentenceModule, read_sentence_encoder
from monoglot.tokenizer_json import own_tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextEncoder:
    """A checkpoint that makes vectors of texts.

    Attributes:
        checkpoint: its folder.
        sentences: how it makes them.
        longest: cut texts to so many tokens.
    """

    checkpoint: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    sentences: SentenceEncoder
    longest: int

    @classmethod
    def load(cls, checkpoint: Path, files: Path | None, task: VectorTask) -> Self:
        """Load a checkpoint, to make vectors as a task says.

        Args:
            files: folder with the files of the sentence encoder that it was made from; without,
                those in the checkpoint's own folder count, if there are any.

        Raises:
            UserError: it is broken, reads fewer tokens than the task has, or has another width than
                the files are for.
        """
        model = load_model(checkpoint)
        if task.max_length > (most := longest_input(model.config)):
            raise UserError(
                f"{checkpoint}: max_length is {task.max_length}, but the model has {most} positions"
            )
        sentences = _sentences(files or checkpoint, model, task)
        model.to("cuda" if torch.cuda.is_available() else "cpu")
        tokenizer = own_tokenizer(checkpoint, str(checkpoint))
        return cls(checkpoint, model, tokenizer, sentences, task.max_length)

    @property
    def width(self) -> int:
        """Dimensions of vectors."""
        return self.vectors([""]).shape[1]

    def vectors(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the vectors of texts, fp32 on the CPU, [texts, dimensions]."""

        def answer(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return encode(self.model, ids.to(self.model.device), mask.to(self.model.device)).cpu()

        return self.sentences.vectors(answer, self.tokenizer, texts, self.longest)

    def cut(self, texts: Sequence[str]) -> int:
        """Return how many words of texts stand beyond the last token that is read."""
        prompt = self.sentences.prompt
        limit = self.sentences.limit(self.tokenizer, self.longest)
        encoded = self.tokenizer(
            [prompt + text for text in texts],
            truncation=True,
            max_length=limit,
            return_offsets_mapping=True,
        )
        return sum(
            len(text.split()) - len(text[: max(0, max(places)[1] - len(prompt))].split())
            for text, places in zip(texts, encoded["offset_mapping"], strict=True)
            if len(places) == limit
        )


def score(
    checkpoint: str | Path,
    examples: str | Path,
    task: VectorTask,
    seed: int,
    names: Names,
    out: str | Path,
    other: str | Path | None = None,
    files: str | Path | None = None,
) -> None:
    """Score a checkpoint as it is; write `seed{seed}.json` and its predictions to `out`.

    Nothing is drawn at random: `seed` is only the name of the one record. Runs in fp32 on the GPU
    if there is one; on the CPU, predictions are the same to the byte for the same input and number
    of threads.

    Args:
        other: checkpoint of the variant that the task compares with, if it names one.
        files: see `TextEncoder.load`.

    Raises:
        UserError: as `TextEncoder.load` does, or for examples that are missing or of another kind.
    """
    checkpoint, examples, out = Path(checkpoint), Path(examples), Path(out)
    started = time.monotonic()
    test = task.split(examples, "test")
    folder = Path(files) if files else None
    encoder = TextEncoder.load(checkpoint, folder, task)
    beside = TextEncoder.load(Path(other), folder, task) if other else None
    outcome = task.scored(test, encoder, beside)
    record = about_run(checkpoint, examples, task, names) | {
        "seed": seed,
        "score": outcome.scores[task.metric],
        **outcome.recorded(),
        "n_train": 0,
        "n_test": len(test),
        "n_test_words": sum(len(task.words(example)) for example in test),
        "n_test_words_cut": task.words_cut(test, encoder, beside),
        "adapter_parameters": 0,
        "head_parameters": 0,
        "settings": task.recorded() | encoder.sentences.described(),
        "seconds": round(time.monotonic() - started, 3),
        "peak_memory_bytes": provenance.peak_memory_bytes(),
    }
    to, predictions = written(out, seed)
    write_predictions(predictions, outcome.predictions)
    write_record(to, record)
    log.info("%s %.4f (%.1f s)", task.metric, record["score"], record["seconds"])


def _sentences(folder: Path, model: PreTrainedModel, task: VectorTask) -> SentenceEncoder:
    """Return how a model makes vectors, by the files in a folder and by what the task says."""
    width = read_config(folder, str(folder)).hidden_size
    found = read_sentence_encoder(folder, str(folder), width)
    if task.pooling:
        pooling = SentenceModule("Pooling", "", {"pooling_mode": task.pooling})
        found = replace(found, modules=(pooling,))
    if task.prefix is not None:
        found = replace(found, prompt=task.prefix)
    if model.config.hidden_size != width and any(one.kind == "Dense" for one in found.modules):
        raise UserError(
            f"{folder}: has dense layers over {width} dimensions, but the checkpoint has "
            f"{model.config.hidden_size}; give the task a `pooling` to do without them"
        )
    return found
