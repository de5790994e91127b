"""A fingerprint of the code that a result depends on.

The fingerprint of a script covers its own syntax tree and those of all modules of this package it
imports, directly or not. Comments, docstrings and layout do not count; a changed line does.
Snakemake keeps it as a parameter of every rule: see docs/design.md, "What makes a job run again".
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "monoglot"


@cache
def code_of(name: str) -> str:
    """Return the fingerprint of a module (`monoglot.heads`) or script (`scripts/train.py`)."""
    path = ROOT / name if name.endswith(".py") else _module_path(name)
    digest = hashlib.sha256()
    for file in sorted(_closure(path)):
        digest.update(_syntax(file).encode())
    return digest.hexdigest()[:16]


def _closure(start: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(_imports(file))
    return found


@cache
def _imports(file: Path) -> frozenset[Path]:
    """Files of this package that `file` imports anywhere, inside functions too."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = (module for module in modules if module.split(".")[0] == PACKAGE)
    return frozenset(path for path in map(_module_path, ours) if path)


def _module_path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _syntax(file: Path) -> str:
    """The file's code, normalised: no comments, no docstrings, one layout."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = body[0] if body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)
