"""Requests to end that wait for a good moment."""

import signal

import pytest

from monoglot.script import handled_by, noted


class HandledError(Exception):
    """Stands for what a signal does outside."""


def raise_it(number, _):
    raise HandledError(number)


def test_a_request_is_noted_and_a_second_ctrl_c_does_not_wait():
    with handled_by(raise_it), noted() as interruption:
        assert not interruption.asked
        signal.raise_signal(signal.SIGINT)
        assert interruption.by is signal.SIGINT
        signal.raise_signal(signal.SIGTERM)
        assert interruption.by is signal.SIGTERM
        with pytest.raises(HandledError, match="2"):
            signal.raise_signal(signal.SIGINT)


def test_where_nobody_handles_ctrl_c_a_second_one_ends_with_a_sentence():
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with noted(), pytest.raises(SystemExit, match="ended by SIGINT before it was done"):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
