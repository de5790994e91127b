"""The names of `monoglot`, and the examples in their docstrings."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import TEXTS, tiny

import monoglot
from monoglot import api
from monoglot.fingerprint import Reach, of_project

ROOT = Path(__file__).parents[2]


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, monoglot; from monoglot import provenance, script; dir(monoglot);"
        "print(*(name for name in ('torch', 'transformers', 'numpy') if name in sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("", "")


def test_names_are_there_and_others_are_not():
    modules = {path.stem for path in (ROOT / "monoglot").iterdir()}
    assert not modules & set(dir(monoglot))  # a module takes the name once it is imported
    for name in dir(monoglot):
        found = getattr(monoglot, name)
        assert found is getattr(api, name)
        assert found.__module__ == ("monoglot.errors" if name == "UserError" else "monoglot.api")
    with pytest.raises(AttributeError, match="module 'monoglot' has no attribute 'nothing'"):
        _ = monoglot.nothing


def test_type_checkers_see_the_same_names():
    stub = ast.parse((ROOT / "monoglot" / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.asname: node.module for node in imports for alias in node.names}
    assert typed == {name: getattr(monoglot, name).__module__ for name in dir(monoglot)}
    assert (ROOT / "monoglot" / "py.typed").is_file()


def test_the_interface_is_no_part_of_the_code_of_jobs():
    """Else a new function would run everything again."""
    modules = {one.module.name for one in Reach(of_project(), "scripts/train.py").covered}
    assert not any(name.startswith("monoglot.api") for name in modules)
    assert "monoglot" not in modules


@pytest.mark.parametrize("name", [name for name in dir(monoglot) if name.islower()])
def test_examples(name):
    model, tokenizer = tiny("bert")
    names = {"monoglot": monoglot, "model": model, "tokenizer": tokenizer, "texts": TEXTS}
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(monoglot, name), name, globs=names)
    assert test.examples
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert not result.failed
