"""The house as a whole: imports run one way, and no two rooms or classes share a name."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "monoglot"


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax trees of all modules by dotted name."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported_when_loaded(name: str) -> set[str]:
    """Return the modules of this package that a module's top level imports."""
    found = set()
    for node in modules()[name].body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules() else node.module)
    return (found & set(modules())) - {name}


def test_no_module_imports_itself_by_way_of_others():
    done: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in sorted(imported_when_loaded(name)):
                follow(other, (*path, name))
            done.add(name)

    for name in modules():
        follow(name, ())


def test_every_module_and_every_class_has_a_name_of_its_own():
    files = (name.rpartition(".")[2] for name in modules())
    classes = (
        node.name
        for tree in modules().values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    )
    for kind in (files, classes):
        assert [name for name, count in Counter(kind).items() if count > 1] == []


def test_no_module_is_a_corridor():
    """A short module defines something; one that only imports for others is none."""
    for name, tree in modules().items():
        kept = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
        is_package = (LIBRARY.parent / name.replace(".", "/")).is_dir()
        entry = name == "monoglot.__main__"
        assert is_package or entry or any(isinstance(node, kept) for node in tree.body), name
