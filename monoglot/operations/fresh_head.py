"""Checkpoints that hold an encoder alone, such as Multilingual-MiniLM: they get a new head."""

import logging
from pathlib import Path

import torch
from transformers import PreTrainedModel

from monoglot.checkpoints import read_weights
from monoglot.errors import UserError

log = logging.getLogger(__name__)
HEADS = ("trained", "fresh")
SEED = 42


def load_with_head(folder: Path, where: str, head: str) -> PreTrainedModel:
    """Load a masked language model in fp32; with `head` "fresh", an encoder under a random head.

    The random head is the architecture's own initialisation, the same one each time. It has to be
    asked for: such a model can be trained, and scored with adapters, but before it is trained it
    can neither teach nor say which neurons matter to its predictions.

    Raises `UserError`, which calls the folder `where`, if weights of the encoder are missing, if
    the head's are and no fresh one was asked for, or if one was and there is a head.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model, missing = read_weights(folder, where)
    encoder = f"{model.base_model_prefix}."
    needed = [n for n in missing if head == "trained" or n.startswith(encoder)]
    if needed:
        raise UserError(
            f"{where}: has no weights for {needed[0]}; the checkpoint must hold the whole masked "
            "language model, or the whole encoder alone if 'head' is set to fresh"
        )
    if head == "fresh":
        names = {n for n, _ in model.named_parameters() if not n.startswith(encoder)}
        if not names <= set(missing):
            raise UserError(f"{where}: has a masked-LM head of its own; remove 'head: fresh'")
        log.warning("%s: has no masked-LM head; it gets an untrained one", where)
    return model
