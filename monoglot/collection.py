"""Garbage collection that stands still while packages and models are loaded.

Importing torch and transformers makes half a million objects that all stay. Looking through them
for garbage again and again takes a third of a short job's start-up.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Collect no garbage within; afterwards as before. May be nested; also a decorator."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
