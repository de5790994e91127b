"""How to train, with the defaults of the Python interface."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from monoglot.api.arguments import finite, seed_number, whole
from monoglot.errors import UserError
from monoglot.operations.training_settings import Settings
from monoglot.tokens.batches import DOCUMENTS


class MoreSettings(TypedDict, total=False):
    """More of how to train, each with its default."""

    warmup: float
    """0: share of the steps in which the learning rate rises; it then falls to zero."""
    weight_decay: float
    """0: of matrices."""
    mlm_probability: float
    """0.15: share of the tokens to mask."""
    documents: Literal["truncate", "chunk", "pack"]
    """`truncate`: the rest of a long document is dropped, or cut into more sequences, or documents
    run on into each other."""
    evaluate_every: int
    """500: steps between evaluations."""
    keep: Literal["last", "best"]
    """`last`: which weights to return, `best` by validation loss."""
    precision: Literal["fp32", "bf16"]
    """`fp32`: of the encoder."""
    micro_batch: int
    """The batch: sequences in memory at a time."""


DEFAULTS = {
    "loss": "none",
    "alpha": 0.5,
    "temperature": 2.0,
    "kl_mean": "position",
    "positions": "unpadded",
    "learning_rate": 5e-5,
    "warmup": 0.0,
    "weight_decay": 0.0,
    "batch_size": 8,
    "epochs": None,
    "steps": None,
    "documents": "truncate",
    "padding": "longest",
    "mlm_probability": 0.15,
    "evaluate_every": 500,
    "keep": "last",
    "precision": "fp32",
    "seed": 42,
}
CHOICES = {
    "loss": ("none", "mse", "kl"),
    "positions": ("all", "unpadded", "masked"),
    "documents": DOCUMENTS,
    "keep": ("last", "best"),
    "precision": ("fp32", "bf16"),
}
WHOLE = ("batch_size", "steps", "max_length", "evaluate_every", "micro_batch")
FINITE = (
    "alpha",
    "temperature",
    "learning_rate",
    "warmup",
    "weight_decay",
    "epochs",
    "mlm_probability",
)
OPTIONAL = ("steps", "epochs", "micro_batch")
SHARES = ("alpha", "warmup", "mlm_probability")


def training_settings(**chosen: Any) -> Settings:
    """Return settings of a training; those not chosen are `DEFAULTS`.

    Raises `UserError` for an unknown choice, what is no number, a share that is not from 0 to 1, or
    another number that does not fit.
    """
    settings = Settings(**{k: _number(k, value) for k, value in (DEFAULTS | chosen).items()})
    for name, known in CHOICES.items():
        check_choice(name, getattr(settings, name), known)
    for name in SHARES:
        if not 0 <= getattr(settings, name) <= 1:
            raise UserError(f"{name} is {getattr(settings, name)}; give a number from 0 to 1")
    return settings


def _number(name: str, value: object) -> Any:
    """Return a setting, as an int or a float if it is to be a number."""
    if value is None and name in OPTIONAL:
        return None
    if name == "seed":
        return seed_number(value)
    kind = whole if name in WHOLE else finite if name in FINITE else None
    return kind(name, value) if kind else value


def check_choice(name: str, value: object, known: Sequence[str]) -> None:
    """Raise `UserError` unless `value` is one of the `known` ones."""
    if value not in known:
        raise UserError(f"{name} '{value}' is not known; use one of {', '.join(known)}")
