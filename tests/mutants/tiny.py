"""Tiny checkpoints for processes that pytest did not start."""

import os
from functools import cache
from pathlib import Path

FOLDER = "MONOGLOT_TINY_CHECKPOINTS"
"""Environment variable: the folder that holds them, by family."""
TEXTS = [
    "il kelb jiġri wara qattus.",
    "id dar hija kbira fil belt.",
    "the dog runs after a cat -",
    "qattus, kelb u ziju!",
    "belt",
] * 2


@cache
def tiny_folder(family: str) -> Path:
    """Return the folder of the tiny checkpoint of a family."""
    return Path(os.environ[FOLDER]) / family
