"""monoglot: small monolingual encoders out of multilingual ones, and what that cost.

    import monoglot

    smaller, tokenizer, report = monoglot.trim_vocab(model, tokenizer, texts, size=40_000)

What `dir(monoglot)` lists is the Python interface, see docs/api.md. Each name is imported when it
is first used, torch with it.
"""

from importlib import import_module
from typing import Any

# Named in a text: what the interface offers is no part of the code that jobs depend on.
_INTERFACE = "monoglot.api"
# Stated here, since Python asks this module for every `from monoglot import ...` that a job makes,
# and the interface imports torch.
_NAMES = (
    "Evaluation",
    "UserError",
    "adapt",
    "distill",
    "evaluate_mlm",
    "parameters",
    "prune_ffn",
    "reduce_hidden",
    "select_layers",
    "trim_vocab",
)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'monoglot' has no attribute '{name}'")
    return getattr(import_module(_INTERFACE), name)


def __dir__() -> list[str]:
    return list(_NAMES)
