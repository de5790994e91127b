"""monoglot: small monolingual encoders out of multilingual ones, and what that cost.

    import monoglot

    smaller, tokenizer, report = monoglot.trim_vocab(model, tokenizer, texts, size=40_000)

What `dir(monoglot)` lists is the Python interface, see docs/api.md. Each name is imported when it
is first used, torch with it.
"""

from importlib import import_module
from typing import Any

# Asked for by a text: what the interface offers is no part of the code that jobs depend on.
_INTERFACE = "monoglot.api"


def __getattr__(name: str) -> Any:
    modules = import_module(_INTERFACE).MODULES
    if name not in modules:
        raise AttributeError(f"module 'monoglot' has no attribute '{name}'")
    return getattr(import_module(modules[name]), name)


def __dir__() -> list[str]:
    return sorted(import_module(_INTERFACE).MODULES)
