"""A fingerprint of the code that a result depends on.

The fingerprint of a script covers its own syntax tree and those of all modules of this package it
imports, directly or not. Comments, docstrings and layout do not count; a changed line does.
Snakemake keeps it as a parameter of every rule: see docs/design.md, "What makes a job run again".
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

from monoglot.extends import WORKFLOW

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "monoglot"


@cache
def code_of(name: str) -> str:
    """Return the fingerprint of a module (`monoglot.heads`) or script (`scripts/train.py`)."""
    path = _module_path(name)
    if name.endswith(".py"):
        path = next(p for folder in (WORKFLOW, ROOT) if (p := folder / name).is_file())
    digest = hashlib.sha256()
    for file in sorted(_closure(path)):
        syntax, _ = _read(file)
        digest.update(syntax)
    return digest.hexdigest()[:16]


def _closure(start: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            _, imports = _read(file)
            waiting.extend(imports)
    return found


@cache
def _read(file: Path) -> tuple[bytes, frozenset[Path]]:
    """Read a file once, since a plan asks for its code and its imports from many scripts.

    Returns its code, normalised (no comments, no docstrings, one layout), and the files of this
    package that it imports anywhere, inside functions too.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = (module for module in modules if module.split(".")[0] == PACKAGE)
    imports = frozenset(path for path in map(_module_path, ours) if path)
    return ast.unparse(tree).encode(), imports


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        node.body = node.body[1:] or [ast.Pass()]


@cache
def _module_path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)
