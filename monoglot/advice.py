"""Faults whose remedy is an option for one who asks, a key of a configuration for another."""

from collections.abc import Iterator
from contextlib import contextmanager

from monoglot.errors import UserError


class AdvisedError(UserError):
    """A fault and what to do about it; who knows that better says it within `advising`.

    Attributes:
        fault: what is wrong and where, without the advice.
    """

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}; {advice}")
        self.fault = fault


@contextmanager
def advising(kind: type[AdvisedError], advice: str) -> Iterator[None]:
    """Within this, a fault of a kind ends with this advice."""
    try:
        yield
    except kind as error:
        raise UserError(f"{error.fault}; {advice}") from None
