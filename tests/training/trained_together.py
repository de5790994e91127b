"""Runs of the training loop, by one process or by several that were started together.

As a script: FOLDER PARENT TEACHER STORE COUNT, with the changed settings of each run by name in
FOLDER/runs.json; writes FOLDER/NAME/{weights.safetensors,history.json} for each.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import save_file

from monoglot.checkpoints import load_model
from monoglot.distributed import together
from monoglot.tokens.store import TokenStore
from monoglot.training.batches import Mixture, Sequences
from monoglot.training.loop import _Run, train
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings
from monoglot.training.state import TrainingState

SETTINGS = Settings(
    loss="none",
    alpha=0.4,
    temperature=2.0,
    kl_mean="position",
    positions="all",
    learning_rate=3e-3,
    warmup=0.1,
    weight_decay=0.01,
    batch_size=7,
    epochs=None,
    steps=10,
    max_length=24,
    documents="truncate",
    padding="longest",
    mlm_probability=0.15,
    evaluate_every=4,
    keep="last",
    precision="fp32",
    seed=7,
)


class KilledError(Exception):
    """A run was told to break off."""


def run(out, parent, teacher, store, changes, processes):
    """Train and write weights and history; `killed_at` breaks off before that step.

    `share` takes only a part of the sequences.
    """
    changes = dict(changes)
    killed_at, share = changes.pop("killed_at", None), changes.pop("share", 1.0)
    settings = SETTINGS.changed(**changes)
    store = TokenStore(store)
    sequences = Sequences(store, settings.max_length - 2, settings.documents)
    attention = "eager" if settings.attention_weight else None
    student = load_model(parent, attention)
    state = TrainingState(out / "state", "one", every_seconds=0 if killed_at else 300)
    real = _Run._step

    def step(self):
        if self.step == killed_at:
            raise KilledError
        real(self)

    _Run._step = step
    try:
        history = train(
            student,
            Mixture([sequences], [share]),
            store.meta,
            sequences,
            settings,
            None if settings.loss == "none" else load_model(teacher, attention),
            state,
            processes,
        )
    except KilledError:
        processes.any(False)  # the first one may still be saving what all then take up
        return
    finally:
        _Run._step = real
    if processes.first:
        out.mkdir(exist_ok=True)
        (out / "history.json").write_text(json.dumps(history))
        weights = {name: p.detach().contiguous() for name, p in student.named_parameters()}
        save_file(weights, out / "weights.safetensors")


def main():
    folder, parent, teacher, store = map(Path, sys.argv[1:5])
    if not together(int(sys.argv[5])):
        return
    processes = Processes.started()
    for name, changes in json.loads((folder / "runs.json").read_text()).items():
        run(folder / name.split("/")[0], parent, teacher, store, changes, processes)
    processes.end()


if __name__ == "__main__":
    main()
