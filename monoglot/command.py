"""What every script shares: argument parsing with readable help, and errors as one sentence."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monoglot.errors import UserError


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser whose help shows the script's docstring and every default."""
    return argparse.ArgumentParser(description=description, formatter_class=_Formatter)


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that a flag has none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


@contextmanager
def loading() -> Iterator[None]:
    """Import a job's modules within this: no garbage collection meanwhile, nor of them later.

    Importing torch and transformers makes half a million objects that all stay; looking through
    them for garbage again and again takes a quarter of a short job's start-up.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; print a `UserError` as one line and exit with status 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
