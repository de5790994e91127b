"""The top level of this package's modules: its statements, and what a name in one leads to.

Nothing is imported for it: the code is read as text, and names are followed through imports.
"""

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "monoglot"


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to: a module, or a name in one."""

    module: str
    name: str | None = None


@dataclass(eq=False)
class Definition:
    """A top-level statement: what it binds, or an effect that importing its module has."""

    module: "Module"
    name: str
    node: ast.stmt

    def __str__(self) -> str:
        return f"{self.module.name}.{self.name}"

    @property
    def harmless(self) -> bool:
        """Whether it, or its module, is listed as one that changes no result."""
        return not self.module.package.harmless.isdisjoint((self.module.name, str(self)))


class Module:
    """The top level of a file.

    Attributes:
        bound: the definitions and imports of each name, in the order of the file.
        main: those under `if __name__ == "__main__"`.
        imports: modules that are imported with this one.
        stars: modules of which it imports all names.
    """

    def __init__(self, package: "Package", name: str, file: Path) -> None:
        self.package, self.name = package, name
        self.is_package = file.name == "__init__.py"
        self.bound: dict[str, list[Definition | Imported]] = {}
        self.main: list[Definition] = []
        self.imports: list[str] = []
        self.stars: list[str] = []
        self._statements: list[Definition] = []
        source = file.read_bytes()
        self._lines = source.splitlines(keepends=True)
        for node in ast.parse(source).body:
            self._take(node)

    def __str__(self) -> str:
        return self.name

    def definitions(self) -> Iterator[Definition]:
        """Yield all statements but imports."""
        yield from self._statements
        yield from self.main

    def text_of(self, node: ast.stmt) -> bytes:
        """Return the lines of a statement of the top level."""
        start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        return b"".join(self._lines[start - 1 : node.end_lineno])

    def names_of_top(self, node: ast.stmt) -> set[str]:
        """Return the names in a statement that are not local to a function or class in it."""
        text = self.text_of(node)
        if node.col_offset:  # a method, which has to stand in a class
            text = b"class _:\n" + text
        table = symtable.symtable(text, self.name, "exec")
        found, waiting = set(table.get_identifiers()), table.get_children()
        while waiting:
            table = waiting.pop()
            found |= {one.get_name() for one in table.get_symbols() if one.is_global()}
            waiting += table.get_children()
        return found

    def imported(
        self, node: ast.Import | ast.ImportFrom, modules: list[str]
    ) -> dict[str, Imported]:
        """Return what an import statement binds; add to `modules` those that it runs."""
        if isinstance(node, ast.Import):
            modules += (alias.name for alias in node.names)
            names = {alias.asname or alias.name.partition(".")[0]: alias for alias in node.names}
            return {n: Imported(one.name if one.asname else n) for n, one in names.items()}
        start = self.name.split(".")
        start = start[: len(start) + self.is_package - node.level] if node.level else []
        source = ".".join([*start, *filter(None, [node.module])])
        modules += (source, *(f"{source}.{alias.name}" for alias in node.names))
        return {alias.asname or alias.name: Imported(source, alias.name) for alias in node.names}

    def _take(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                self._take(other)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            self.main.append(Definition(self, "__main__", node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, target in self.imported(node, self.imports).items():
                self.bound.setdefault(name, []).append(target)
                self.stars += [target.module] if name == "*" else []
        elif not is_text(node) and not isinstance(node, ast.Pass):
            names, imports = _bindings(node)
            one = Definition(self, (names or ["(effect)"])[0], node)
            for name in names:
                self.bound.setdefault(name, []).append(one)
            for inner in imports:
                for name, target in self.imported(inner, self.imports).items():
                    self.bound.setdefault(name, []).extend([target, one])
            self._statements.append(one)

    @cached_property
    def effects(self) -> list[Definition]:
        """Statements that do more than bind names."""
        found = self._statements
        return [one for one in found if _has_effects(one.node) or self._is_decorated(one.node)]

    def _is_decorated(self, node: ast.stmt) -> bool:
        """Whether a decorator of this package, such as one that fills a registry, is at work."""
        decorators = getattr(node, "decorator_list", [])
        called = (one.func if isinstance(one, ast.Call) else one for one in decorators)
        names = filter(None, map(names_of, called))
        targets = (target for one in names for target in self.package.targets(self, one))
        return any(isinstance(one, Definition) and not one.harmless for one in targets)


Target = Definition | Module | str
"""What a name leads to: a definition, a module as a whole, or something outside (its name)."""


class Package:
    """The modules below a folder, read as they are asked for.

    Args:
        root: the folder that holds `monoglot/`.
        harmless: full names of modules and definitions that change no result.
        workflow: the folder that holds `scripts/`; `root` by default.
    """

    def __init__(
        self, root: Path, harmless: frozenset[str] = frozenset(), workflow: Path | None = None
    ) -> None:
        self._root, self.harmless, self._workflow = root, harmless, workflow or root
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module (`monoglot.files`) or script (`scripts/train.py`); None if not ours."""
        if name not in self._modules:
            base = self._root / name.replace(".", "/")
            files = [base.with_suffix(".py"), base / "__init__.py"]
            if name.endswith(".py"):
                files = [self._workflow / name]
            elif name.partition(".")[0] != PACKAGE:
                files = []
            file = next((file for file in files if file.is_file()), None)
            self._modules[name] = None
            if file:
                self._modules[name] = Module(self, name, file)
        return self._modules[name]

    def modules_below(self, start: str) -> list[Module]:
        """Return the modules whose names begin with a text."""
        files = sorted((self._root / PACKAGE).rglob("*.py"))
        paths = (file.relative_to(self._root).with_suffix("") for file in files)
        names = (".".join(path.parts).removesuffix(".__init__") for path in paths)
        return [self.module(name) for name in names if name.startswith(start)]

    def targets(self, module: Module, names: list[str], depth: int = 0) -> list[Target]:
        """Return what a name in a module leads to, with the attributes taken of it."""
        first, *rest = names
        found: list[Target] = []
        for one in module.bound.get(first, []):
            if isinstance(one, Definition):
                found.append(one)
            elif depth < 20:  # else modules that import a name from each other
                found += self.of_import(one, rest, depth + 1)
        if first not in module.bound:
            child = self.module(f"{module.name}.{first}") if module.is_package else None
            if child:
                return self._inside(child, rest, depth)
            found += filter(None, map(self.module, module.stars))
        return found

    def of_import(self, imported: Imported, attributes: list[str], depth: int = 0) -> list[Target]:
        """Return what an imported name leads to, with the attributes taken of it."""
        module = self.module(imported.module)
        if module is None:
            return [":".join(filter(None, [imported.module, imported.name]))]
        names = [imported.name, *attributes] if imported.name else attributes
        return self._inside(module, names, depth)

    def _inside(self, module: Module, names: list[str], depth: int) -> list[Target]:
        return (self.targets(module, names, depth) if names else None) or [module]


SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
"""Expressions whose names are their own."""


def names_of(node: ast.expr) -> list[str]:
    """Return the parts of `a.b.c`; none if it begins with something else than a name."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return [node.id, *reversed(attributes)] if isinstance(node, ast.Name) else []


def last_name(node: ast.expr) -> str:
    """Return `c` of `a.b.c` or of `a.b.c(...)`, whatever `a.b` is."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bindings(node: ast.stmt) -> tuple[list[str], list[ast.Import | ast.ImportFrom]]:
    """Return the names that a statement of the top level binds or changes, and imports in it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name], []
    names, imports, waiting = [], [], [node]
    while waiting:
        inner = waiting.pop(0)
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(inner.name)
            continue
        if isinstance(inner, ast.Import | ast.ImportFrom):
            imports.append(inner)
        elif isinstance(getattr(inner, "ctx", None), ast.Store | ast.Del):
            while isinstance(inner, ast.Subscript | ast.Attribute | ast.Starred):
                inner = inner.value
            names += [inner.id] if isinstance(inner, ast.Name) else []
        if not isinstance(inner, SCOPES):
            waiting += ast.iter_child_nodes(inner)
    return list(dict.fromkeys(names)), imports


def _has_effects(node: ast.stmt) -> bool:
    """Whether a statement of the top level does more than give a value to names."""
    if isinstance(node, ast.If | ast.Try):
        handled = [one for handler in getattr(node, "handlers", []) for one in handler.body]
        parts = [*node.body, *node.orelse, *getattr(node, "finalbody", []), *handled]
        return any(map(_has_effects, parts))
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return not all(isinstance(one, ast.Name | ast.Tuple) for one in targets)
    binding = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return not (isinstance(node, (*binding, ast.Pass, ast.Raise)) or is_text(node))
