"""One spoilt input each: what the project makes of it, and whether that is right.

A case succeeds, or is refused with a sentence for each fault. Anything else is a defect, and so is
a success that an independent reading of the same input does not confirm.
"""

import random
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monoglot.errors import UserError

SECONDS = 60
Check = Callable[[random.Random, Path], None]


@dataclass(frozen=True)
class Result:
    """What became of a case: `succeeded`, `refused` with a sentence, or `defect` with a reason."""

    family: str
    seed: int
    outcome: str
    about: str = ""

    @property
    def name(self) -> str:
        return f"{self.family} {self.seed}"


def run(family: str, check: Check, seed: int) -> Result:
    """Run a case of a family; the same family and seed are the same case."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    try:
        check(random.Random(f"{family} {seed}"), folder)
    except UserError as error:
        return _refusal(family, seed, str(error))
    # Rust panics, which a tokenizer may end in, are no `Exception`.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Result(family, seed, "defect", "".join(traceback.format_exception(error)[-6:]))
    finally:
        signal.alarm(0)
        shutil.rmtree(folder, ignore_errors=True)
    return Result(family, seed, "succeeded")


def _refusal(family: str, seed: int, sentence: str) -> Result:
    # Of a configuration all faults are told, each on a line.
    printable = all(line.isprintable() for line in sentence.splitlines())
    plain = printable and 10 < len(sentence) < 3000 and "Traceback" not in sentence
    return Result(family, seed, "refused" if plain else "defect", sentence)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds")
