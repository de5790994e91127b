"""Small changes to the code of a module, each of which a test should notice.

Most are mutmut's. Its own run is not used: it leaves out whatever is decorated (`@property`,
`@torch.no_grad()`) and the constants of modules, which is half of what matters here, and it
rewrites modules so that metrics, which are named after their functions, lose their names.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_assignment,
    operator_string,
)

SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
SWAPPED |= {"mean": "__import__('statistics').median"}
WORDS = ("Error", "warning", "info", "debug")
"""How the names of calls end whose arguments are words for a reader."""


def _without_a_call(node: cst.Expr) -> Iterator[cst.CSTNode]:
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _returning_none(node: cst.Return) -> Iterator[cst.CSTNode]:
    if node.value is not None:
        yield node.with_changes(
            value=cst.Name("None"), whitespace_after_return=cst.SimpleWhitespace(" ")
        )


def _turned_round(node: cst.If | cst.CompIf) -> Iterator[cst.CSTNode]:
    inner = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    negated = cst.UnaryOperation(cst.Not(), inner)
    yield node.with_changes(test=negated, whitespace_before_test=cst.SimpleWhitespace(" "))


def _of_another_function(node: cst.Call) -> Iterator[cst.CSTNode]:
    if isinstance(node.func, cst.Name) and node.func.value in SWAPPED:
        yield node.with_changes(func=cst.parse_expression(SWAPPED[node.func.value]))


# None for a value ends in a TypeError nearly always, which any test would notice.
OPERATORS = [
    *((kind, one) for kind, one in mutation_operators if one is not operator_assignment),
    (cst.Expr, _without_a_call),
    (cst.Return, _returning_none),
    (cst.If, _turned_round),
    (cst.CompIf, _turned_round),
    (cst.Call, _of_another_function),
]


@dataclass(frozen=True)
class Change:
    """One change of a module.

    Attributes:
        lines: of the file, where it is.
        top: whether it is outside of functions, and so at work when the module is imported.
    """

    file: Path
    lines: range
    top: bool
    tree: cst.Module
    node: cst.CSTNode
    changed: cst.CSTNode

    @cached_property
    def code(self) -> str:
        """The whole module with the change."""
        return self.tree.deep_replace(self.node, self.changed).code

    @property
    def says_something_else(self) -> bool:
        """Whether it is a change to Python, and not to layout or to no program at all."""
        try:
            return ast.dump(ast.parse(self.code)) != ast.dump(ast.parse(self.tree.code))
        except SyntaxError:
            return False

    @cached_property
    def difference(self) -> tuple[str, str]:
        """What the changed lines were and are, each as one line."""
        both = self.tree.code.splitlines(), self.code.splitlines()
        lines = list(difflib.unified_diff(*both, n=0, lineterm=""))[2:]
        return tuple(
            " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )


def changes_of(file: Path) -> list[Change]:
    """Return all changes of a module, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(file.read_text(encoding="utf-8")))
    finder = _Finder(file, wrapper.module)
    wrapper.visit(finder)
    return finder.found


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: Path, tree: cst.Module) -> None:
        super().__init__()
        self.file, self.tree = file, tree
        self.found: list[Change] = []
        self.functions = 0
        self.statements: list[int] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_left_alone(node):
            return False
        self.functions += isinstance(node, cst.FunctionDef)
        if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self.statements.append(self.get_metadata(PositionProvider, node).start.line)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                ways = list(operator(node))
                if operator is operator_string:
                    ways = ways[:1]  # one way to spoil a text will do
                elif operator is operator_arg_removal:
                    ways = [one for one in ways if len(one.args) < len(node.args)]
                for changed in ways:
                    self._add(node, changed)
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if _is_left_alone(node):
            return
        self.functions -= isinstance(node, cst.FunctionDef)
        if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self.statements.pop()

    def _add(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        first = self.statements[-1] if self.statements else 1
        place = self.get_metadata(PositionProvider, node, None)
        whole = place is None or isinstance(node, cst.If)  # the body does not count
        lines = range(first, (first if whole else max(first, place.end.line)) + 1)
        top = not self.functions
        self.found.append(Change(self.file, lines, top, self.tree, node, changed))


def _is_left_alone(node: cst.CSTNode) -> bool:
    """Whether it holds words for a reader, types, or imports."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom | cst.Raise):
        return True
    if isinstance(node, cst.If) and cst.Module([]).code_for_node(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString):
        return True
    if isinstance(node, cst.Call):
        name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
        return isinstance(name, cst.Name) and name.value.endswith(WORDS)
    return False
