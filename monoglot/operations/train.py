"""The operation `train`: a checkpoint out of its parent by masked-LM training or distillation."""

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import model_validator

from monoglot.errors import UserError
from monoglot.files import sha256, whole_folder
from monoglot.fingerprint import code_of
from monoglot.keys import NO_FLAG, Count, Flag
from monoglot.operations import OfParent, Operation, TextOf
from monoglot.training.settings import OTHER_WEIGHTS, Settings

if TYPE_CHECKING:
    from monoglot.tokens.store import TokenStore

LARGEST_PROJECTION = 2**30
"""Parameters; with gradients and moments such a projection takes 16 GiB."""


class Train(Settings, OfParent):
    """Parameters of `train`."""

    teacher: Annotated[str | None, NO_FLAG] = None
    """The variant to distil from; needed unless `loss` is none."""
    text: Annotated[TextOf, NO_FLAG] = "language"
    """Whose text: `language` (the one at hand), or languages with the share of each."""
    processes: Annotated[Count, Flag("processes", by_rule=True)] = 1
    """That share each batch, every one on its own GPU; no more than the machine has. A change \
runs nothing again."""

    @model_validator(mode="after")
    def _teacher_and_loss(self) -> Self:
        if self.loss == "none" and self.teacher is not None:
            raise ValueError("has a teacher but no loss; set loss to mse or kl")
        if self.loss != "none" and self.teacher is None:
            raise ValueError(f"has the loss '{self.loss}' but no teacher; name one")
        for name in OTHER_WEIGHTS:
            if getattr(self, name) and self.teacher is None:
                raise ValueError(f"has {name} but no teacher; name one")
        return self

    @model_validator(mode="after")
    def _projection_fits(self) -> Self:
        length = self.max_length
        full = self.attention_weight and self.attention_projection == "full"
        if full and length**4 > LARGEST_PROJECTION:
            raise ValueError(
                "attention_projection 'full' has max_length to the power of four parameters, "
                f"{length**4 / 1e9:,.0f} billion for {length} tokens; choose 'rows' or a "
                f"max_length of at most {int(LARGEST_PROJECTION**0.25)}"
            )
        return self


OPERATION = Operation(
    name="train",
    parameters=Train,
    done="trained as a masked language model",
    summary=("trained to guess masked words; with a teacher, to imitate it as well (distillation)"),
    reads=("text", "validation"),
    encoded=("text", "validation"),
    trains=True,
    memory=32,
    hours=24,
    gpu=True,
    order=2,
)


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

    Under `monoglot.distributed`, `accelerate launch` or `torchrun` several processes train
    together, and the first writes. How many there are is no part of what a saved state belongs to:
    an interrupted run may go on with more or fewer.

    Args:
        tokens, validation: folders of token stores made with the parent's tokenizer.
        shares: the share of each store in `tokens` to use; all of it by default.
        teacher: a checkpoint with the same tokenizer as the parent's.
        state: a folder for the state of the unfinished run; it is removed at the end.

    Raises:
        UserError: the teacher has another tokenizer, a store was made with another one, the loss
            is not finite, `max_length` is more than the parent has positions for, another training
            has the folder `state`, or there are more processes than sequences in a batch or than
            GPUs.
    """
    # In here, as planning imports this module.
    from monoglot.checkpoints import TOKENIZER_FILES, load_model, save_weights
    from monoglot.operations.surgery import longest_input
    from monoglot.training.batches import Mixture, Sequences
    from monoglot.training.distillation import scalars_of
    from monoglot.training.loop import HISTORY, train
    from monoglot.training.processes import Processes
    from monoglot.training.state import TrainingState

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
    if settings.max_length > (longest := longest_input(student.config)):
        raise UserError(
            f"max_length: {settings.max_length} is more than the {longest} positions of {parent}; "
            f"give {longest} or fewer"
        )
    saved = TrainingState(state, _fingerprint(parent, teacher, stores, settings)) if state else None
    if saved and processes.first:
        saved.claim()
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


def _store(folder: Path, parent: Path) -> "TokenStore":
    from monoglot.tokens.store import TokenStore

    store = TokenStore(folder)
    store.check_tokenizer(parent)
    return store


def _check_same_tokenizer(parent: Path, teacher: Path) -> None:
    name = "tokenizer.json"
    if (parent / name).read_bytes() != (teacher / name).read_bytes():
        raise UserError(
            f"{teacher}/{name} is not that of {parent}; a teacher must share the vocabulary"
        )


def _fingerprint(parent: Path, teacher: Path | None, stores: list, settings: Settings) -> str:
    """Hash everything the trained weights depend on, so that no other run's state is taken up."""
    about = {
        "settings": settings.model_dump(include=set(Settings.model_fields)),
        "weights": [sha256(f / "model.safetensors") for f in (parent, teacher) if f],
        "stores": [store.meta for store in stores],
        "code": code_of("monoglot.training.loop"),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
