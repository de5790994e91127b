"""The text of a chain, read once: token stores to train and to evaluate on, and held-out texts."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.shrink.saving import save_text
from monoglot.shrink.texts import held_out
from monoglot.tokens.batch import Batch
from monoglot.tokens.memory import TokenMemory
from monoglot.tokens.store import TokenStore, build_store

MOST_SCORED = 500
"""Documents that feed-forward neurons are scored on."""


class Material:
    """Text under the tokenizer of the model that a chain starts from.

    Args:
        folder: where it is kept.
        key: of the text and its tokenizer; what is kept under another key is not used.

    Attributes:
        training, heldout: token stores, once `prepare` has been called.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key

    @property
    def ready(self) -> bool:
        """Whether the text has been read before."""
        file = self.folder / "key"
        return file.is_file() and file.read_text(encoding="utf-8") == self.key

    def prepare(self, documents: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> None:
        """Read the documents, unless they were read before; raise `UserError` if they are too few.

        One in fifty is held out, 500 at most.
        """
        if not self.ready:
            # An old key must not stand beside what is being replaced.
            (self.folder / "key").unlink(missing_ok=True)
            tokenizer.save_pretrained(self.folder / "tokenizer")
            aside: list[str] = []
            about = self.folder / "tokenizer", self.folder / "training"
            build_store(held_out(documents, aside), *about)
            build_store(aside, self.folder / "tokenizer", self.folder / "heldout")
            save_text(json.dumps(aside), self.folder / "heldout.json")
            save_text(self.key, self.folder / "key")
        self.training = TokenStore(self.folder / "training")
        self.heldout = TokenStore(self.folder / "heldout")

    def heldout_texts(self) -> list[str]:
        """Return the held-out documents as text."""
        return json.loads((self.folder / "heldout.json").read_text(encoding="utf-8"))

    def scored(self) -> TokenMemory:
        """Return some documents, evenly spread, that neurons are scored on."""
        chosen = np.linspace(0, len(self.training) - 1, min(MOST_SCORED, len(self.training)))
        documents = [self.training[int(number)] for number in chosen]
        return TokenMemory([Batch.of(documents)], self.training.meta)
