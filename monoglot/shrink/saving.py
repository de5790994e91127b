"""Models with their tokenizers, written whole."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.files import alone, try_out, whole_file, whole_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

WEIGHTS = "model.safetensors"
MARK = "unfinished"
"""A file that says that a folder is one of unfinished work, and may be removed with all in it."""
SAID = "What `monoglot shrink` has made so far; it is removed at the end.\n"
"""What stands in it; a file of that name that says anything else is somebody's own."""


def save(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    """Write a model and its tokenizer into a folder that stock transformers loads."""
    model = model.cpu()
    with whole_folder(folder) as aside:
        model.save_pretrained(aside, safe_serialization=True, max_shard_size="1TB")
        (aside / "generation_config.json").unlink(missing_ok=True)
        tokenizer.save_pretrained(aside)


def save_text(text: str, file: Path) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(file) as aside:
        aside.write_text(text, encoding="utf-8")


def check_free(folder: Path) -> None:
    """Raise `UserError` if a folder holds a model already, or is something else than a folder.

    Raises OSError if nothing can be written to it.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; give the name of a new one")
    if (folder / "config.json").exists():
        raise UserError(f"{folder}: holds a model already; give another folder, or remove it")
    try_out(folder)
    try_out(folder / WEIGHTS)


def check_apart(work: Path, out: Path, inputs: Iterable[Path]) -> None:
    """Raise `UserError` if removing `work` at the end would remove `out` or an input as well.

    Nor may `work` lie in `out`, of which it would become a part.
    """
    folder = _real(work)
    for path in (out, *inputs):
        if _real(path).is_relative_to(folder):
            raise UserError(
                f"{path}: lies in {work}, the folder of unfinished work, which is removed at the "
                "end; name a folder of its own with --work"
            )
    if folder.is_relative_to(_real(out)):
        raise UserError(
            f"{work}: lies in {out}, which the model is written to; name another folder with --work"
        )


def _real(path: Path) -> Path:
    """The path without links; unlike `Path.resolve`, also of one that links to itself."""
    return Path(os.path.realpath(path))


@contextmanager
def claimed(work: Path) -> Iterator[None]:
    """Make a folder of unfinished work, or take up that of an earlier run, and lock it.

    Raises `UserError` if it is a file, holds anything else, or another process is at work in it.
    """
    if work.exists() and not _is_ours(work) and (work.is_file() or any(work.iterdir())):
        raise UserError(
            f"{work}: holds something else than unfinished work; name another folder with --work"
        )
    save_text(SAID, work / MARK)
    with alone(work) as ours:
        if not ours:
            raise UserError(
                f"{work}: another `monoglot shrink` is at work in it; wait for it to end, or name "
                "another folder with --work"
            )
        yield


def clear(work: Path) -> None:
    """Remove a folder of unfinished work."""
    if _is_ours(work):
        shutil.rmtree(work, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_bytes() == SAID.encode()
