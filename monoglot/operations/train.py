"""The operation `train`: a checkpoint out of its parent by masked-LM training or distillation."""

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from monoglot.checkpoints import TOKENIZER_FILES, load_model, save_weights
from monoglot.errors import UserError
from monoglot.files import sha256, whole_folder
from monoglot.fingerprint import code_of
from monoglot.operations.processes import Processes
from monoglot.operations.scalars import scalars_of
from monoglot.operations.training_loop import HISTORY, train
from monoglot.operations.training_settings import Settings
from monoglot.operations.training_state import TrainingState
from monoglot.tokens.batches import Mixture, Sequences
from monoglot.tokens.store import TokenStore


def train_checkpoint(
    parent: Path,
    out: Path,
    tokens: Sequence[Path],
    validation: Sequence[Path],
    settings: Settings,
    shares: Sequence[float] | None = None,
    teacher: Path | None = None,
    state: Path | None = None,
) -> None:
    """Train checkpoint `parent` into checkpoint `out`, with `history.csv` beside it.

    Under monoglot.launch, `accelerate launch` or `torchrun` several processes train together, and
    the first writes. How many there are is no part of what a saved state belongs to: an interrupted
    run may go on with more or fewer.

    Args:
        tokens, validation: folders of token stores made with the parent's tokenizer.
        shares: the share of each store in `tokens` to use; all of it by default.
        teacher: a checkpoint with the same tokenizer as the parent's.
        state: a folder for the state of the unfinished run; it is removed at the end.

    Raises:
        UserError: the teacher has another tokenizer, a store was made with another one, the loss
            is not finite, or there are more processes than sequences in a batch or than GPUs.
    """
    processes = Processes.started()
    scalars = scalars_of(out) if processes.first else None
    if teacher:
        _check_same_tokenizer(parent, teacher)
    body = settings.max_length - 2
    stores = [_store(folder, parent) for folder in tokens]
    mixture = Mixture(
        [Sequences(store, body, settings.documents) for store in stores],
        shares or [1.0] * len(stores),
    )
    held_out = [Sequences(_store(folder, parent), body, "truncate") for folder in validation]
    # Attention probabilities come out of the eager implementation alone.
    attention = "eager" if settings.attention_weight else None
    student = load_model(parent, attention)
    saved = TrainingState(state, _fingerprint(parent, teacher, stores, settings)) if state else None
    history = train(
        student,
        mixture,
        stores[0].meta,
        Mixture(held_out, [1.0] * len(held_out)),
        settings,
        load_model(teacher, attention) if teacher else None,
        saved,
        processes,
        scalars,
    )
    processes.end()
    if not processes.first:
        return
    with whole_folder(out) as aside:
        with open(aside / "history.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, HISTORY)
            writer.writeheader()
            writer.writerows(history)
        save_weights(student.cpu(), aside)
        for name in TOKENIZER_FILES:
            shutil.copyfile(parent / name, aside / name)
    if saved:
        saved.forget()


def _store(folder: Path, parent: Path) -> TokenStore:
    store = TokenStore(folder)
    store.check_tokenizer(parent)
    return store


def _check_same_tokenizer(parent: Path, teacher: Path) -> None:
    name = TOKENIZER_FILES[0]
    if (parent / name).read_bytes() != (teacher / name).read_bytes():
        raise UserError(
            f"{teacher}/{name} is not that of {parent}; a teacher must share the vocabulary"
        )


def _fingerprint(parent: Path, teacher: Path | None, stores: list, settings: Settings) -> str:
    """Hash everything the trained weights depend on, so that no other run's state is taken up."""
    about = {
        "settings": asdict(settings),
        "weights": [sha256(f / "model.safetensors") for f in (parent, teacher) if f],
        "stores": [store.meta for store in stores],
        "code": code_of("monoglot.operations.training_loop"),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
