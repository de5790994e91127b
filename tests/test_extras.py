"""Optional parts that are not installed."""

import re
import sys
import tomllib
from types import ModuleType

import pytest

from monoglot import errors
from monoglot.errors import UserError
from monoglot.fingerprint import ROOT


def test_what_is_missing_is_said_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(errors.LIBRARIES, "onnx", ("json", "no_such_library"))
    with pytest.raises(UserError, match=r"^no_such_library is .* pip install 'monoglot\[onnx\]'$"):
        errors.need("onnx")


@pytest.mark.parametrize("extra", errors.LIBRARIES)
def test_an_extra_brings_the_libraries_that_are_needed_and_no_others(extra):
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = [re.match(r"\w+", one)[0] for one in package["optional-dependencies"][extra]]
    assert sorted(brought) == sorted(errors.LIBRARIES[extra])


def test_what_is_there_is_not_imported(monkeypatch):
    monkeypatch.setitem(errors.LIBRARIES, "energy", ("json", "this"))
    errors.need("energy")
    assert "this" not in sys.modules


def test_a_library_that_is_imported_already_is_there(monkeypatch):
    """Some put an object without a spec in their own place, at which `find_spec` raises."""
    monkeypatch.setitem(sys.modules, "adapters", ModuleType("adapters"))
    errors.need("adapters")
