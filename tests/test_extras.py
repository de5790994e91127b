"""Optional parts that are not installed."""

import pytest

from monoglot import extras
from monoglot.errors import UserError


def test_what_is_missing_is_said_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(extras.LIBRARIES, "onnx", ("json", "no_such_library"))
    with pytest.raises(UserError, match=r"^no_such_library is .* pip install 'monoglot\[onnx\]'$"):
        extras.need("onnx")


def test_what_is_there_is_not_imported(monkeypatch):
    monkeypatch.setitem(extras.LIBRARIES, "energy", ("json", "this"))
    extras.need("energy")
    import sys

    assert "this" not in sys.modules
