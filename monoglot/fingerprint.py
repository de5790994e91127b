"""A fingerprint of the code that a result depends on.

The fingerprint of a script follows names, not files: it covers the script and, from there on, each
top-level definition of this package (function, class, constant) that a covered one names, in
whatever module it is, imported at the top or inside a function. Of a class, a method counts if any
covered code takes an attribute of its name; special methods and decorated ones always do. Cutting a
file in two or moving a definition changes no fingerprint. Snakemake keeps it as a parameter of each
rule: see docs/design.md, "What makes a job run again".

What changes no result is no part of it:

- comments, layout, docstrings (those of attributes too) and type hints of plain functions;
- wording: `help`, `metavar` and the description of a parser or a pydantic `Field`; what a
  `UserError` and its kinds are made with, and what Python's own errors are raised with; the message
  of an `assert`. The condition of an error counts;
- calls that only log or print;
- the definitions in `HARMLESS`.

Where names cannot be followed, more is covered rather than less:

- A module used as a value (`getattr(module, name)`, a list of modules), star imports, a name that
  its module does not define (module `__getattr__`), and a module named in a text are covered whole.
- Statements that do something when a module is imported are covered wherever it is imported, those
  that decorate with a function of this package too. An assignment counts where its name is used.
- `import_module` with a computed name finds modules below the part of the name that is known. Of
  those modules, the definitions count whose names any covered code has as an attribute: for
  `import_module(f"{__name__}.{name}").ENTRY` all `ENTRY`, and what these name. A job that is known
  to use one of the modules says so, see `code_of`. Entries of a registry should be light, then:
  what a job does is imported by its script, and an entry that only the plan reads is no part of
  any job.

It does not see through: attributes set on objects of other modules by name (`setattr`), methods
taken by a computed name (`getattr`), classes found by `__subclasses__`, and calls that both log and
change something.
"""

import ast
import gc
import hashlib
import re
from collections.abc import Iterable, Iterator
from copy import copy
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from monoglot.definitions import (
    PACKAGE,
    Definition,
    Imported,
    Module,
    Package,
    Target,
    is_text,
    last_name,
    names_of,
)

ROOT = Path(__file__).resolve().parent.parent


def _workflow() -> Path:
    try:
        # Where pip says that it has put the files of this package that are not modules.
        found = [file.locate() for file in files(PACKAGE) or () if file.name == "Snakefile"]
    except PackageNotFoundError:
        found = []
    # The second is what `pip install --target` does.
    places = (ROOT, ROOT / "share" / PACKAGE, *(Path(file).resolve().parent for file in found))
    return next((place for place in places if (place / "Snakefile").is_file()), ROOT)


WORKFLOW = ROOT if (ROOT / "Snakefile").is_file() else _workflow()
"""The folder of the Snakefile, its rules and scripts: a checkout, or where a wheel has put them."""

WHY_HARMLESS = {
    "It says in words what went wrong; the condition that raises it counts.": (
        "monoglot.errors.UserError",
        "monoglot.errors.AdvisedError",
        "monoglot.errors.advising",
        "monoglot.errors.sentence",
        "monoglot.errors.need",
    ),
    "It starts and ends a script, around all that the script does.": (
        "monoglot.script.parser",
        "monoglot.script.loading",
        "monoglot.script.run",
        "monoglot.script.paused",
        "monoglot.script.Interruption",
        "monoglot.script.InterruptionError",
        "monoglot.script.handled_by",
        "monoglot.script.noted",
        "monoglot.script.SAY_READY",
        "monoglot.script.end_with_snakemake",
    ),
    "It lists names that a metric may have; what records hold is scored by `scores_of`.": (
        "monoglot.evaluate.task.Task.metrics",
    ),
    "It waits, or says when to save or look again; what is saved counts.": (
        "monoglot.distributed.SECONDS_TO_END",
        "monoglot.training.processes.SECONDS_TO_BE_ENDED",
        "monoglot.training.state.SAVE_EVERY",
        "monoglot.training.state.SECONDS_TO_WAIT",
        "monoglot.training.state.TrainingState.claim",
        "monoglot.training.state._save_every",
    ),
    "It tells how far a job is and how fast.": (
        "monoglot.evaluate.finetune.TuningProgress",
        "monoglot.training.distillation.scalars_of",
        "monoglot.training.loop.Clock",
        "monoglot.training.loop.Work",
        "monoglot.training.matmul.count_operations",
    ),
    "It notes what a result was made of and with, beside the result.": (
        "monoglot.provenance.recorded",
        "monoglot.provenance.of_file",
        "monoglot.provenance.of_folder",
        "monoglot.provenance.counters",
        "monoglot.provenance.used",
        "monoglot.provenance.cuda_in_use",
        "monoglot.provenance.git_commit",
        "monoglot.provenance.peak_memory_bytes",
        "monoglot.provenance.versions",
        "monoglot.fingerprint.ROOT",
        "monoglot.fingerprint.WORKFLOW",
        "monoglot.fingerprint._workflow",
        "monoglot.fingerprint.code_of",
    ),
    "It fetches bytes that are compared with the hash of what was published.": (
        "monoglot.data.hub.client",
        "monoglot.data.hub._session",
        "monoglot.data.hub._check_published",
        "monoglot.data.hub.persistently",
        "monoglot.data.hub.sentences",
        "monoglot.data.hub._download",
    ),
    "It writes aside what others write, and moves it into place as it is.": (
        "monoglot.files._aside",
        "monoglot.files._to_disk",
        "monoglot.files._umask",
    ),
}
"""Definitions, or modules as a whole, that change no result, by the reason."""
HARMLESS = frozenset(name for names in WHY_HARMLESS.values() for name in names)

WORDING = ("help", "metavar")
"""Arguments of any call that are words for a reader."""
DESCRIBED = ("Field", "ArgumentParser", "add_argument_group", "add_parser", "add_subparsers")
DESCRIPTIONS = ("description", "epilog", "title")
"""Arguments of the calls in `DESCRIBED` that are words for a reader."""
IMPORTERS = ("import_module", "__import__")
GETTERS = ("getattr", "hasattr")
CHANGING = ("next", "pop", "read", "write", "append", "add", "update", "send")
"""How calls begin that may change something on the way to a message."""
BUILTIN_ERRORS = ("ValueError", "TypeError", "RuntimeError", "AttributeError", "IndexError")
BUILTIN_ERRORS += ("KeyError", "NotImplementedError", "AssertionError", "FileNotFoundError")
LOGGERS = ("log", "logger", "logging")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
PLAIN = ("property", "staticmethod", "classmethod", "contextmanager", "cache", "cached_property")
PLAIN += ("lru_cache", "abstractmethod", "override", "no_grad", "inference_mode", "wraps", "setter")
"""Decorators that do not read type hints."""
OF_A_NAME = ("property", "cached_property", "staticmethod", "classmethod", "abstractmethod")
OF_A_NAME += ("contextmanager", "cache", "override", "setter")
"""Decorators of methods that are called by their names alone."""
PLAIN_BASES = ("pydantic:BaseModel", "typing:NamedTuple", "typing:Protocol", "typing:Generic")
PLAIN_BASES += ("typing:TypedDict", "abc:ABC", "enum:Enum", "enum:IntEnum", "enum:StrEnum")
"""Classes outside of this package that call none of their subclasses' methods by themselves."""
WHOLE_MODULE = ("globals", "locals", "eval", "exec")
BY_TEXT = re.compile(rf"{PACKAGE}(\.\w+)+")


def code_of(name: str, *chosen: str) -> str:
    """Return the fingerprint of a script (`scripts/train.py`) or a module (`monoglot.files`).

    Args:
        chosen: modules that a job uses of those which its script looks up by a computed name
            (`monoglot.tables.retention`); by default it may use any.
    """
    return reach(name, *chosen).fingerprint


def libraries_of(name: str) -> frozenset[str]:
    """Return the top-level packages, other than ours, that the code of a script or module uses."""
    return reach(name).libraries


@cache
def reach(name: str, *chosen: str) -> "Reach":
    """Return what a script or module covers, see `code_of`."""
    return Reach(of_project(), name, chosen)


@cache
def of_project() -> Package:
    """Return this project's own code, each file of which is read once at most."""
    return Package(ROOT, HARMLESS, WORKFLOW)


class Reach:
    """What is covered from a module on.

    Attributes:
        covered: definitions, each with what its names lead to.
        libraries: top-level packages other than ours.
    """

    def __init__(self, package: Package, start: str, chosen: Iterable[str] = ()) -> None:
        self._package, self._chosen = package, frozenset(chosen)
        self.covered: dict[Definition, list[tuple[str, list[Definition | str]]]] = {}
        self._libraries: set[str] = set()
        self._run: dict[Module, None] = {}
        self._open: set[Module] = set()
        self._attributes: set[str] = set()
        self._methods: dict[str, list[Definition]] = {}
        self._waiting: list[Definition] = []
        module = package.module(start)
        if module is None:
            raise FileNotFoundError(f"{start}: there is no such script or module of {PACKAGE}")
        # Hundreds of thousands of nodes come that all stay: nothing to look through for garbage.
        collects = gc.isenabled()
        gc.disable()
        self._whole(module)
        while self._waiting:
            self._follow(self._waiting.pop())
        if collects:
            gc.enable()

    @property
    def libraries(self) -> frozenset[str]:
        return frozenset(self._libraries)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the covered code, and of which name in it leads where.

        A definition goes by its text and those of what it names, not by its place.
        """
        labels = {one: _read(one).digest for one in self.covered}
        for _ in range(2):
            labels = {
                one: _hash(
                    [labels[one]]
                    + [f"{name}={[labels.get(t, t) for t in targets]}" for name, targets in names]
                )
                for one, names in self.covered.items()
            }
        effects = [
            [labels[effect] for effect in module.effects if effect in labels]
            for module in self._run
        ]
        return _hash([*sorted(labels.values()), *sorted(map(str, filter(None, effects)))])[:16]

    def _import(self, name: str) -> None:
        """Note that a module is imported, and its packages and what it imports in turn."""
        waiting = [name]
        while waiting:
            module = self._package.module(waiting.pop())
            if module and module not in self._run:
                self._run[module] = None
                waiting.append(module.name.rpartition(".")[0])
                waiting += module.imports
                for effect in module.effects:
                    self._add(effect)

    def _add(self, one: Definition) -> None:
        if one not in self.covered and not one.harmless:
            self.covered[one] = []
            self._waiting.append(one)
            self._import(one.module.name)
            for name, method in _parts(one)[1].items():
                self._methods.setdefault(name, []).append(method)
                if name in self._attributes:
                    self._add(method)

    def _whole(self, module: Module) -> None:
        """Cover all of a module, and the definitions that it passes on."""
        self._import(module.name)
        for one in module.definitions():
            self._add(one)
            for method in _parts(one)[1].values():
                self._add(method)
        for name, found in module.bound.items():
            if any(isinstance(one, Imported) for one in found):
                for target in self._package.targets(module, [name]):
                    if isinstance(target, Definition):
                        self._add(target)

    def _follow(self, one: Definition) -> None:
        code, names = _read(one), self.covered[one]
        self._libraries |= code.libraries
        for imported in code.imports:
            self._import(imported)
        for spelt, found in code.names():
            targets: list[Definition | str] = []
            for target in found:
                if isinstance(target, str):
                    self._libraries.add(target.partition(":")[0].partition(".")[0])
                    targets.append(target)
                    continue
                if isinstance(target, Module):
                    self._whole(target)
                    parts = (part for part in target.definitions() if not part.harmless)
                    targets += sorted(parts, key=lambda part: _read(part).digest)
                elif not target.harmless:
                    self._add(target)
                    targets.append(target)
            names.append((spelt, targets))
        new = code.attributes - self._attributes
        self._look_up(new, self._open)
        self._attributes |= new
        for name in new & self._methods.keys():
            for method in self._methods[name]:
                self._add(method)
        for start, taken in code.walks:
            self._walk(one.module, start, taken, code.computed)

    def _walk(self, registry: Module, start: str, taken: str | None, computed: bool) -> None:
        """Open the modules whose names begin with a text to what takes attributes of modules.

        What is `taken` of each at once, as in `import_module(name).ENTRY`, is all there is to take.
        """
        modules = [one for one in self._package.modules_below(start) if one is not registry]
        if any(one.name in self._chosen for one in modules):
            modules = [one for one in modules if one.name in self._chosen]
        for module in modules:
            self._import(module.name)
            if computed and not taken:
                self._whole(module)
        if taken:
            self._look_up({taken}, modules)
            return
        self._look_up(self._attributes, [one for one in modules if one not in self._open])
        self._open.update(modules)

    def _look_up(self, attributes: set[str], modules: Iterable[Module]) -> None:
        for module in modules:
            for name in attributes & module.bound.keys():
                for target in self._package.targets(module, [name]):
                    if isinstance(target, Definition):
                        self._add(target)


class Code(ast.NodeVisitor):
    """The code of a definition: as a text without what does not count, and the names in it.

    Attributes:
        text: the pieces of the text; `digest` is their hash.
        used: names, with the attributes taken of them: of this import, or of the module's top.
        attributes: names of all attributes that are taken of anything.
        imports: modules that are imported within.
        libraries: other packages that are imported within.
        by_text: what texts name of this package.
        walks: beginnings of the names of modules that are imported by a computed name, each with
            the attribute that is taken of the module at once, if any.
        computed: whether attributes are looked up by a computed name.
    """

    def __init__(self, module: Module, node: ast.stmt) -> None:
        self._module, self._package = module, module.package
        self.text: list[str] = []
        self.used: dict[tuple[Imported | None, tuple[str, ...]], None] = {}
        self.attributes: set[str] = set()
        self.imports: list[str] = []
        self.libraries: set[str] = set()
        self.by_text: list[str] = []
        self.walks: list[tuple[str, str | None]] = []
        self.computed = False
        self._top = module.names_of_top(node)
        self._local: dict[str, list[Imported]] = {}
        # Looking through all nodes takes a third of the time, and few definitions import anything.
        for inner in ast.walk(node) if b"import " in module.text_of(node) else ():
            if isinstance(inner, ast.Import | ast.ImportFrom):
                for name, target in module.imported(inner, self.imports).items():
                    self._local.setdefault(name, []).append(target)
        self._fields: set[ast.stmt] = set()
        self.visit(node)
        self.digest = _hash(self.text)

    def names(self) -> Iterator[tuple[str, list[Target]]]:
        """Yield each name that is not local, as it is spelt, and what it leads to."""
        for imported, names in self.used:
            yield ".".join(names), self._targets(imported, names)
        for name in self.by_text:
            found = self._package.of_import(Imported(PACKAGE), name.split(".")[1:])
            whole = self._package.module(name)
            yield name, [one for one in found if isinstance(one, Definition) or one is whole]

    def _targets(self, imported: Imported | None, names: tuple[str, ...]) -> list[Target]:
        if imported:
            return self._package.of_import(imported, list(names[1:]))
        return self._package.targets(self._module, list(names))

    def _uses(self, names: list[str]) -> list[tuple[Imported | None, tuple[str, ...]]]:
        imports = self._local.get(names[0], []) if names else []
        top = [None] if names and names[0] in self._top else []
        return [(one, tuple(names)) for one in [*imports, *top]]

    def _leads_to(self, node: ast.expr) -> list[Target]:
        return [target for use in self._uses(names_of(node)) for target in self._targets(*use)]

    def generic_visit(self, node: ast.AST) -> None:
        """Write a node's kind and the fields that are set: a new Python may add empty ones."""
        self.text.append(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if name not in ("ctx", "kind", "type_comment") and value is not None and value != []:
                self.text.append(name)
                self._write(value)
        self.text.append(")")

    def _write(self, value: object) -> None:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST):
                self.visit(one)
            else:
                self.text.append(repr(one))

    def visit_Expr(self, node: ast.Expr) -> None:
        if not is_text(node) and not _only_tells(node.value):
            self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Write nothing: it stands where a docstring or a line of the log may stand."""

    def visit_Assert(self, node: ast.Assert) -> None:
        node.msg = None
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.text.append(repr(node.value))
        if isinstance(node.value, str) and BY_TEXT.fullmatch(node.value):
            self.by_text.append(node.value)
            self.imports.append(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        names = names_of(node)
        if not names:
            known = len(self.walks)
            self.generic_visit(node)
            if isinstance(node.value, ast.Call) and last_name(node.value) in IMPORTERS:
                for place in range(known, len(self.walks)):
                    self.walks[place] = (self.walks[place][0], node.attr)
            return
        self.attributes.update(names[1:])
        self.text += (".".join(names), type(node.ctx).__name__)
        self.used |= dict.fromkeys(self._uses(names))

    def visit_Name(self, node: ast.Name) -> None:
        self.text += (node.id, type(node.ctx).__name__)
        self.used |= dict.fromkeys(self._uses([node.id]))

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Write what is imported; of our own modules, where they lie does not matter."""
        for name, target in self._module.imported(node, []).items():
            self.text.append(f"import {name}")
            if self._package.module(target.module) is None:
                self.libraries.add(target.module.partition(".")[0])
                self.text.append(f"{target.module} {target.name}")

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if all(last_name(decorator) in PLAIN for decorator in node.decorator_list):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._fields.update(node.body)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Type hints count where classes have them, since a dataclass reads its fields there."""
        if node in self._fields:
            self.generic_visit(node)
            for inner in ast.walk(node.annotation):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    names = re.findall(r"[\w.]+", inner.value)  # as in "list[Sizes]"
                    self.used |= {(None, tuple(name.split("."))): None for name in names}
        elif node.value:
            self.text.append("=")
            self._write([node.target, node.value])

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call) and last_name(node.exc) in BUILTIN_ERRORS:
            node.exc = node.exc.func
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        targets, called = self._leads_to(node.func), last_name(node)
        builtin = getattr(node.func, "id", None)
        if any(map(_is_user_error, targets)) or names_of(node.func) == ["parser", "error"]:
            node.args, node.keywords = [], []
        wording = WORDING + (DESCRIPTIONS if called in DESCRIBED else ())
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in wording]
        if targets and all(isinstance(one, Definition) and one.harmless for one in targets):
            node.args = [one for one in node.args if not _is_wording(one)]
            node.keywords = [one for one in node.keywords if not _is_wording(one.value)]
        if called in IMPORTERS or "importlib:import_module" in targets:
            if node.args and not isinstance(node.args[0], ast.Constant):
                start = self._start(node.args[0])
                root, dot, _ = start.partition(".")
                if root == PACKAGE:
                    self.walks.append((start, None))
                elif not dot:  # It may be anything.
                    self.walks.append((f"{PACKAGE}.", None))
        elif builtin in GETTERS and isinstance(node.args[1], ast.Constant):
            self.attributes.add(str(node.args[1].value))
        elif builtin in (*GETTERS, "vars"):
            self.computed = True
        elif builtin in WHOLE_MODULE:
            self.by_text.append(self._module.name)
        self.generic_visit(node)

    def _start(self, node: ast.expr) -> str:
        """Return the beginning of a text, as far as it is known before the code runs."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.BinOp):
            return self._start(node.left)
        if isinstance(node, ast.FormattedValue):
            return self._start(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self._start(part) for part in node.values[:2])
        name = self._module.name
        package = name if self._module.is_package else name.rpartition(".")[0]
        return {"__name__": name, "__package__": package}.get(getattr(node, "id", ""), "")


@cache
def _read(one: Definition) -> Code:
    return Code(one.module, _parts(one)[0])


@cache
def _parts(one: Definition) -> tuple[ast.stmt, dict[str, Definition]]:
    """Return a definition without the methods that count by their names, and these."""
    if not isinstance(one.node, ast.ClassDef) or not _is_plain(one):
        return one.node, {}
    rest, methods = [], {}
    for node in one.node.body:
        if (
            isinstance(node, ast.FunctionDef)
            and not node.name.startswith(("__", "model_"))
            and all(last_name(decorator) in OF_A_NAME for decorator in node.decorator_list)
        ):
            # A property has a function for each of its uses, all of one name.
            name = node.name if node.name not in methods else f"{node.name}={len(methods)}"
            methods[name] = Definition(one.module, f"{one.name}.{name}", node)
        else:
            rest.append(node)
    skeleton = copy(one.node)
    skeleton.body = rest or [ast.Pass()]
    return skeleton, methods


def _is_plain(one: Definition, depth: int = 0) -> bool:
    """Whether no class that one derives from calls methods of it by itself."""
    if one.node.keywords or depth > 10:
        return False
    for base in one.node.bases:
        names = names_of(base.value if isinstance(base, ast.Subscript) else base)
        targets = one.module.package.targets(one.module, names) if names else []
        for target in targets:
            known = isinstance(target, str) and target in PLAIN_BASES
            if isinstance(target, Definition) and isinstance(target.node, ast.ClassDef):
                known = _is_plain(target, depth + 1)
            if not known:
                return False
        if not targets and not (names and names[-1].endswith(("Error", "Exception"))):
            return False
    return True


def _hash(pieces: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()


def _is_wording(node: ast.expr) -> bool:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_text or isinstance(node, ast.JoinedStr)


def _is_user_error(target: Target, depth: int = 0) -> bool:
    """Whether a class is `UserError`, or one of its kinds."""
    if not isinstance(target, Definition) or not isinstance(target.node, ast.ClassDef):
        return False
    module, bases = target.module, filter(None, map(names_of, target.node.bases))
    above = (one for names in bases for one in module.package.targets(module, names))
    return target.name == "UserError" or (
        depth < 10 and any(_is_user_error(one, depth + 1) for one in above)
    )


def _only_tells(node: ast.expr) -> bool:
    """Whether a statement logs or prints, and changes nothing on the way."""
    if not isinstance(node, ast.Call):
        return False
    names = names_of(node.func)
    logs = len(names) == 2 and names[0] in LOGGERS and names[1] in LEVELS
    files = [key.value for key in node.keywords if key.arg == "file"]
    prints = names == ["print"] and all(names_of(file) == ["sys", "stderr"] for file in files)
    return (logs or prints) and not any(map(_may_change, ast.walk(node)))


def _may_change(node: ast.AST) -> bool:
    """Whether an expression may do something besides having a value."""
    if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
        return True
    return isinstance(node, ast.Call) and last_name(node).startswith(CHANGING)
