"""Text that operations look at."""

from pathlib import Path

import pytest

from monoglot.tokens.store import TokenStore, build_store

TEXTS = [
    "il kelb jiġri wara qattus.",
    "id dar hija kbira fil belt.",
    "the dog runs after a cat -" * 3,
    "qattus, kelb u ziju!",
    "belt",
] * 4


@pytest.fixture
def store(parent: Path, tmp_path: Path) -> TokenStore:
    """Return 20 short texts under the family's tiny tokenizer; the folder is `tmp_path/tokens`."""
    build_store(TEXTS, parent, tmp_path / "tokens")
    return TokenStore(tmp_path / "tokens")


@pytest.fixture
def batches(inputs) -> list[tuple]:
    """Return `inputs` as one batch of a text, as a list so that it can be read twice."""
    mask = inputs["attention_mask"]
    return [(inputs["input_ids"], mask, mask * 0)]
