"""The fingerprint of code: what changes it and what does not."""

from pathlib import Path

import pytest

from monoglot import code


@pytest.fixture
def fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return `fingerprint(**modules)`: that of scripts/job.py in a package of these modules."""
    monkeypatch.setattr(code, "ROOT", tmp_path)
    (tmp_path / "monoglot").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "monoglot" / "__init__.py").touch()

    def write(job: str, **modules: str) -> str:
        for function in (code.code_of, code._read, code._module_path):
            function.cache_clear()
        (tmp_path / "scripts" / "job.py").write_text(job)
        for name, text in modules.items():
            (tmp_path / "monoglot" / f"{name}.py").write_text(text)
        return code.code_of("scripts/job.py")

    yield write
    for function in (code.code_of, code._read, code._module_path):
        function.cache_clear()


JOB = "def main():\n    from monoglot.used import f\n    f(1)\n"
USED = "from monoglot import below\n\ndef f(x):\n    return below.g(x)\n"
BELOW = "def g(x):\n    return x + 1\n"


def test_a_changed_line_changes_it_however_deep(fingerprint):
    before = fingerprint(JOB, used=USED, below=BELOW)
    assert fingerprint(JOB, used=USED, below=BELOW.replace("+ 1", "+ 2")) != before
    assert fingerprint(JOB, used=USED.replace("g(x)", "g(-x)"), below=BELOW) != before
    assert fingerprint(JOB.replace("f(1)", "f(2)"), used=USED, below=BELOW) != before
    assert fingerprint(JOB, used=USED, below=BELOW) == before


def test_comments_docstrings_and_layout_do_not(fingerprint):
    before = fingerprint(JOB, used=USED, below=BELOW)
    commented = '"""What."""\n# Why.\ndef g( x ):\n    """How."""\n\n    return (x + 1)  # one\n'
    assert fingerprint(JOB, used=USED, below=commented) == before


def test_a_module_that_is_not_imported_does_not(fingerprint):
    before = fingerprint(JOB, used=USED, below=BELOW, other="X = 1\n")
    assert fingerprint(JOB, used=USED, below=BELOW, other="X = 2\n") == before


def test_a_function_whose_body_was_its_docstring_keeps_one(fingerprint):
    assert fingerprint('def main():\n    """Nothing."""\n')


def test_every_script_has_one():
    scripts = sorted((code.ROOT / "scripts").glob("*.py"))
    prints = {code.code_of(f"scripts/{script.name}") for script in scripts}
    assert len(prints) == len(scripts) > 5
