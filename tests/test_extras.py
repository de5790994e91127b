"""Optional parts that are not installed."""

import re
import tomllib

import pytest

from monoglot import extras
from monoglot.errors import UserError
from monoglot.fingerprint import ROOT


def test_what_is_missing_is_said_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(extras.LIBRARIES, "onnx", ("json", "no_such_library"))
    with pytest.raises(UserError, match=r"^no_such_library is .* pip install 'monoglot\[onnx\]'$"):
        extras.need("onnx")


@pytest.mark.parametrize("extra", extras.LIBRARIES)
def test_an_extra_brings_the_libraries_that_are_needed_and_no_others(extra):
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = [re.match(r"\w+", one)[0] for one in package["optional-dependencies"][extra]]
    assert sorted(brought) == sorted(extras.LIBRARIES[extra])


def test_what_is_there_is_not_imported(monkeypatch):
    monkeypatch.setitem(extras.LIBRARIES, "energy", ("json", "this"))
    extras.need("energy")
    import sys

    assert "this" not in sys.modules
