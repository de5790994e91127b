"""What a check finds, and all checks one after another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"
"""Fine; works, but something will be missed; a run cannot work."""


@dataclass(frozen=True)
class Finding:
    """One line of the account.

    Attributes:
        name: what was looked at.
        state: `ok`, `warn` or `fail`.
        said: what was found.
        todo: what to do about it, one sentence; empty if it is fine.
    """

    name: str
    state: str
    said: str
    todo: str = ""


Check = Callable[[], Iterator[Finding]]


def found(checks: dict[str, Check]) -> Iterator[Finding]:
    """Yield the findings of all checks; one that breaks is a warning, and the others go on."""
    for name, check in checks.items():
        try:
            yield from check()
        # Whatever drivers and libraries make of a broken machine, the rest is worth saying.
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            yield Finding(name, WARN, f"cannot be looked at ({reason})", "See what it says.")
