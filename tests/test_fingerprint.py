"""The fingerprint of code: what changes it and what does not."""

import re
import shutil
from pathlib import Path

import pytest

from monoglot.definitions import Definition, Package
from monoglot.fingerprint import HARMLESS, ROOT, Reach, code_of, libraries_of, of_project

JOB = "scripts/job.py"
ENTRIES = """
    from importlib import import_module
    from pkgutil import iter_modules

    def entries():
        names = [found.name for found in iter_modules(__path__)]
        return {name: import_module(f"{__name__}.{name}").ENTRY for name in names}
"""


class Code:
    """A package of a few modules, and a script that uses it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: dict[str, str] = {}

    def reach(self, *chosen: str, harmless: tuple[str, ...] = ()) -> Reach:
        shutil.rmtree(self.root / "monoglot", ignore_errors=True)
        for name, text in {"monoglot/__init__.py": "", JOB: "", **self.modules}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            first = next((line for line in text.splitlines() if line.strip()), "")
            indent = first[: len(first) - len(first.lstrip())]
            path.write_text(re.sub(rf"(?m)^{indent}", "", text), encoding="utf-8")
        return Reach(Package(self.root, frozenset(harmless)), JOB, chosen)

    def changes(self, old: str, new: str, *chosen: str, harmless: tuple[str, ...] = ()) -> bool:
        """Whether the fingerprint changes with an edit, which must hit one file."""
        before = self.reach(*chosen, harmless=harmless).fingerprint
        (name,) = [name for name, text in self.modules.items() if old in text]
        kept = self.modules
        self.modules = kept | {name: kept[name].replace(old, new)}
        after = self.reach(*chosen, harmless=harmless).fingerprint
        self.modules = kept
        return after != before


@pytest.fixture
def code(tmp_path: Path):
    """Return `code(job, name=text)`: a script and modules, `a__b` being `a/b.py`."""

    def made(job: str, **modules: str) -> Code:
        code = Code(tmp_path)
        for name, text in modules.items():
            path = name.replace("__", "/").replace("INIT", "__init__")
            code.modules[f"monoglot/{path}.py"] = text
        code.modules[JOB] = job
        return code

    return made


def test_names_are_followed_through_modules(code):
    found = code(
        """
        import monoglot.plain
        from monoglot import alias as other
        from monoglot.passed import given as mine

        def main():
            from monoglot.lazy import f
            return f(1) + monoglot.plain.g() + other.h() + mine()

        main()
        """,
        lazy="from monoglot.deep import LIMIT\n\ndef f(x):\n    return x + LIMIT\n",
        deep="LIMIT = 10\nUNUSED = 11\n",
        plain="def g():\n    return 20\n\ndef unused():\n    return 21\n",
        alias="def h():\n    return _h()\n\ndef _h():\n    return 30\n",
        passed="from monoglot.source import given\n",
        source="def given():\n    return 40\n\ndef other():\n    return 41\n",
    )
    for number in ("10", "20", "30", "40", "f(1)"):
        assert found.changes(number, number.replace("0", "9").replace("1", "2"))
    for number in ("11", "21", "41"):
        assert not found.changes(number, "99")


@pytest.mark.parametrize(
    ("module", "edit"),
    [
        ("LIMIT = 10\n\ndef f():\n    return LIMIT", ("10", "12")),
        ("def f(x=10):\n    return x", ("10", "12")),
        ("def f(*, x=10):\n    return x", ("10", "12")),
        ("SIZE = 10\n\ndef f(x=SIZE):\n    return x", ("10", "12")),
        ("def twice(f):\n    return 10\n\n@twice\ndef f():\n    return 1", ("10", "12")),
        ("class A:\n    x = 10\n\nclass f(A):\n    pass", ("10", "12")),
        ("class f:\n    def __call__(self):\n        return 10", ("10", "12")),
        ("@dataclass\nclass f:\n    x: int = 10", ("10", "12")),
        ("class f(BaseModel):\n    x: int = Field(1, ge=10)", ("10", "12")),
        ("class f(BaseModel):\n    x: int", ("x: int", "x: float")),
        ("class f(BaseModel):\n    x: int", ("x: int", "y: int")),
        ("Size = Literal[10]\n\nclass f(BaseModel):\n    x: Size", ("10", "12")),
        (
            "class Sub:\n    y: int = 10\n\nclass f(BaseModel):\n    x: 'Sub'",
            ("10", "12"),
        ),
        ("class Sub:\n    y = 10\n\nclass f(BaseModel):\n    x: list['Sub']", ("10", "12")),
        ("if SLOW:\n    X = 10\nelse:\n    X = 2\n\ndef f():\n    return X", ("10", "12")),
        ("if SLOW:\n    X = 1\nelse:\n    X = 2\n\ndef f():\n    return X", ("SLOW", "FAST")),
        ("try:\n    import fast\nexcept ImportError:\n    fast = 10\n\nf = fast", ("10", "12")),
        ("import numpy as np\n\ndef f():\n    return np.ones(1)", ("numpy", "cupy")),
        ("def f():\n    import numpy as np\n    return np.ones(1)", ("numpy", "cupy")),
        ("X = {}\nX['a'] = 10\n\ndef f():\n    return X", ("10", "12")),
        ("X = (1,)\nX += (10,)\n\ndef f():\n    return X", ("10", "12")),
        ("X = 1\nX = 2\n\ndef f():\n    return X", ("X = 1\nX = 2", "X = 2\nX = 1")),
        ("warnings.filterwarnings('ignore')\n\ndef f():\n    return 1", ("ignore", "error")),
        ("def f():\n    if x > 10:\n        raise UserError('no')", ("10", "12")),
        ("def f():\n    print('a', file=sys.stdout)", ("'a'", "'b'")),
        ("def f():\n    log.info('a', n := 10)\n    return n", ("10", "12")),
        ("def f():\n    log.info('%s', next(g))", ("next(g)", "1")),
        ("def f(x):\n    return [y for y in x if y > 10]", ("10", "12")),
        ("y = 10\n\ndef f(x):\n    return [y for y in x] + [y]", ("10", "12")),
        ("def f():\n    return globals()\n\nX = 10", ("10", "12")),
        ("def f():\n    assert X > 10, 'no'", ("10", "12")),
        ("def f(x):\n    return inner(x)\n\ndef inner(x):\n    return 10", ("10", "12")),
    ],
)
def test_what_counts(code, module, edit):
    found = code("from monoglot.used import f\n\nf()\n", used=module)
    assert found.changes(*edit)


@pytest.mark.parametrize(
    ("module", "edit"),
    [
        ('"""What."""\n\ndef f():\n    return 1', ("What", "Why")),
        ('def f():\n    """What."""\n    return 1', ("What", "Why")),
        ('def f():\n    """Nothing, yet."""', ('"""Nothing, yet."""', "pass")),
        ('@dataclass\nclass f:\n    x: int = 1\n    """What."""', ("What", "Why")),
        ("def f():\n    return 1  # one", ("# one", "# two")),
        ("def f():\n    return (1)", ("(1)", "1")),
        ("def f(x: int) -> int:\n    return x", ("x: int", "x: float")),
        ("def f(x: int) -> int:\n    return x", ("-> int", "-> float")),
        ("@cache\ndef f(x: int):\n    return x", ("x: int", "x: float")),
        ("def f():\n    x: int = 1\n    return x", ("x: int", "x: float")),
        (
            "class A:\n    @x.setter\n    def x(self, y: int):\n        pass\n\n"
            "def f():\n    A().x = 1",
            ("y: int", "y: float"),
        ),
        ("def f():\n    add('--x', help='what', metavar='X', default=1)", ("what", "why")),
        ("def f():\n    add('--x', help='what', metavar='X', default=1)", ("'X'", "'Y'")),
        ("class f(BaseModel):\n    x: int = Field(1, description='what')", ("what", "why")),
        *(
            (f"def f(parser):\n    parser.{call}(description='what', x=1)", ("what", "why"))
            for call in ("add_argument_group", "add_parser", "add_subparsers", "ArgumentParser")
        ),
        ("def f():\n    raise ValueError(f'what {x}')", ("what", "why")),
        ("def f():\n    log.info('what %d', x)", ("what", "why")),
        ("def f():\n    log.info('what %d', x)\n    return 1", ("log.info('what %d', x)", "pass")),
        ("def f():\n    print('what', file=sys.stderr)", ("what", "why")),
        ("def f():\n    assert X, 'what'", ("what", "why")),
        (
            "if TYPE_CHECKING:\n    from a import A\n\ndef f(x: 'A'):\n    pass",
            ("a import A", "b import B"),
        ),
        ("def f():\n    return 1\n\nif __name__ == '__main__':\n    f(2)", ("f(2)", "f(3)")),
        ("def f():\n    return 1\n\nX = 10", ("10", "12")),
        ("def f(model):\n    return model.eval()\n\nX = 10", ("10", "12")),
        ("x = 10\n\ndef f(x):\n    return x + 1", ("10", "12")),
        ("y = 10\n\ndef f(x):\n    return [y for y in x]", ("10", "12")),
        ("def f():\n    x = 1\n    def g():\n        return x\n\nx = 10", ("10", "12")),
        (
            "log = getLogger('a')\n\ndef f():\n    log.info('b')",
            ("getLogger('a')", "getLogger('c')"),
        ),
    ],
)
def test_what_does_not_count(code, module, edit):
    found = code("from monoglot.used import f\n\nf()\n", used=module)
    assert not found.changes(*edit)


def test_wording_of_errors_and_of_what_they_name_does_not_count(code):
    found = code(
        "from monoglot.used import f\n\nf()\n",
        errors="class UserError(Exception):\n    pass\n",
        used="""
        from monoglot.errors import UserError

        class DamagedError(UserError):
            pass

        def f(x):
            if x > 1:
                raise UserError(f"what {said(x)}")
            if x > 2:
                raise DamagedError("such", "a thing")
            return refused(x)

        def refused(x):
            return UserError("worded")

        def said(x):
            return "a word"
        """,
    )
    for word in ("what", "such", "worded", "a word"):
        assert not found.changes(word, "other")
    assert found.changes("x > 2", "x > 3")
    assert found.changes("return refused(x)", "return None")


def test_a_moved_definition_changes_nothing_but_another_of_its_name_does(code):
    job = "from monoglot.a import f\n\nf()\n"
    before = code(job, a="def f():\n    return g()\n\ndef g():\n    return 1\n").reach().fingerprint
    moved = code(
        job,
        a="from monoglot.b import g\n\ndef f():\n    return g()\n",
        b="def g():\n    return 1\n",
    )
    assert moved.reach().fingerprint == before
    limits = code(
        """
        from monoglot.a import LIMIT
        from monoglot.c import f

        f(LIMIT)
        """,
        a="LIMIT = 1\n",
        b="LIMIT = 2\n",
        c="from monoglot import a, b\n\ndef f(x):\n    return x + a.LIMIT - b.LIMIT\n",
    )
    assert limits.changes("from monoglot.a import LIMIT", "from monoglot.b import LIMIT")
    assert limits.changes("a.LIMIT - b.LIMIT", "b.LIMIT - a.LIMIT")


@pytest.mark.parametrize(
    "use",
    [
        "from monoglot import used\n\ngetattr(used, name)()",
        "from monoglot import used\n\n[used]",
        "import monoglot.used as it\n\nvars(it)",
        "from monoglot import used\n\nused.not_there()",
        "from monoglot.used import *\n\nf()",
        "from importlib import import_module\n\nimport_module('monoglot.used')",
        "run([sys.executable, '-m', 'monoglot.used'])",
    ],
)
def test_a_module_that_cannot_be_followed_counts_whole(code, use):
    found = code(use, used="X = 10\n\ndef f():\n    return 1\n")
    assert found.changes("10", "12")


def test_what_importing_a_module_does_counts_wherever_it_is_imported(code):
    found = code(
        "from monoglot.a import f\n\nf()\n",
        a="from monoglot.b import UNUSED\n\ndef f():\n    return 1\n",
        b="from monoglot import c\n\nUNUSED = c.known('x', 10)\nc.known('y', 20)\n",
        c="KNOWN = {}\n\ndef known(name, it):\n    KNOWN[name] = 30\n",
    )
    assert found.changes("20", "21")
    assert found.changes("30", "31")
    assert not found.changes("10", "11")
    changing = code(
        "from monoglot.a import UNUSED\n",
        a="from monoglot import c\n\nUNUSED = 1\nc.LIMIT = 20\nc.SIZES['x'] = 30\n",
        c="LIMIT, SIZES = 1, {}\n",
    )
    assert changing.changes("20", "21")
    assert changing.changes("30", "31")
    assert changing.changes("c.LIMIT = 20\nc.SIZES['x'] = 30", "c.SIZES['x'] = 30\nc.LIMIT = 20")
    registered = code(
        "from monoglot.a import made\n\nmade('b')\n",
        a="import monoglot.b\nfrom monoglot.c import KINDS\n\ndef made(name):\n    KINDS[name]()\n",
        b="from monoglot.c import kind\n\n@kind\ndef b():\n    return 10\n",
        c="KINDS = {}\n\ndef kind(one):\n    KINDS[one.__name__] = one\n    return one\n",
    )
    assert registered.changes("10", "12")


OPERATION = """
    ENTRY = Operation("{0}", "scripts/{0}.py")

    def perform(x):
        return HIDDEN + "{0} is done"

    HIDDEN = "{0} hides"
"""


def operations(code, job: str) -> Code:
    return code(
        job,
        operations__INIT=ENTRIES,
        operations__prune=OPERATION.format("prune"),
        operations__trim=OPERATION.format("trim"),
    )


def test_a_registry_counts_for_those_who_ask_it(code):
    found = operations(code, "from monoglot.operations import entries\n\nentries()\n")
    for name in ("prune", "trim"):
        assert found.changes(f'Operation("{name}"', f'Operation("{name}r"')
        assert not found.changes(f"{name} hides", "other")


def test_a_script_that_imports_its_own_operation_depends_on_no_other(code):
    found = operations(code, "from monoglot.operations.prune import perform\n\nperform(1)\n")
    assert found.changes("prune is done", "other")
    assert found.changes("prune hides", "other")
    assert not found.changes('Operation("prune"', 'Operation("pruner"')
    for other in ("trim is done", "trim hides", 'Operation("trim"', "def entries"):
        assert not found.changes(other, other.replace("tr", "sk"))


def test_a_job_says_which_module_of_a_registry_it_uses(code):
    found = operations(
        code, 'from monoglot.operations import entries\n\nentries()["x"].perform(1)\n'
    )
    assert found.changes('Operation("trim"', 'Operation("trimr"')
    assert found.changes('Operation("prune"', 'Operation("pruner"', "monoglot.operations.prune")
    assert not found.changes('Operation("trim"', 'Operation("trimr"', "monoglot.operations.prune")


def test_of_found_modules_only_what_is_taken_of_them_by_its_name_counts(code):
    found = operations(code, "from monoglot.operations import entries\n\nentries()\n")
    found.modules["monoglot/operations/__init__.py"] = """
        from importlib import import_module

        def entries():
            found = import_module("monoglot.operations." + name)
            return found.ENTRY
    """
    assert found.changes('Operation("trim"', 'Operation("trimmed"')
    assert not found.changes("trim hides", "other")


def test_attributes_looked_up_in_found_modules_by_a_computed_name_are_all(code):
    found = operations(code, "from monoglot.operations import entries\n\nentries('ENTRY')\n")
    registry = "monoglot/operations/__init__.py"
    found.modules[registry] = ENTRIES.replace(
        'import_module(f"{__name__}.{name}").ENTRY',
        'getattr(import_module("monoglot.operations." + name), what)',
    )
    assert found.changes("trim hides", "other")


@pytest.mark.parametrize(("start", "ours"), [("torch.", False), ("", True), ("monoglot.", True)])
def test_a_computed_name_within_another_package_finds_no_module_of_this_one(code, start, ours):
    found = operations(code, "from monoglot.operations import entries\n\nentries('nn').ENTRY\n")
    registry = "monoglot/operations/__init__.py"
    found.modules[registry] = f"""
        from importlib import import_module

        def entries(name):
            return import_module(f"{start}{{name}}")
    """
    assert found.changes('Operation("trim"', 'Operation("trimmed"') == ours


def test_of_a_class_those_methods_count_whose_names_are_taken(code):
    module = """
        import ast
        from functools import cached_property
        from monoglot.far import other

        class Parent:
            def taken(self):
                return 10

            def left(self):
                return other(11)

            @cached_property
            def wide(self):
                return 12

            @registered
            def decorated(self):
                return 13

        class Child(Parent):
            def taken(self):
                return 14

        class Visitor(ast.NodeVisitor):
            def visit_Name(self, node):
                return 15
    """
    job = "from monoglot.m import Child, Visitor\n\nChild().taken()\nVisitor().visit(1)\n"
    found = code(job, m=module, far="def other(x):\n    return 16\n")
    for number in ("10", "13", "14", "15"):
        assert found.changes(number, "99")
    for number in ("11", "12", "16"):
        assert not found.changes(number, "99")
    found.modules[JOB] += "print(Child().wide)\nuse(Child().left)\n"
    assert found.changes("16", "99")
    found.modules[JOB] += "use(Child().wide)\n"
    assert found.changes("12", "99")


def test_what_is_listed_as_harmless_is_left_out_with_its_texts(code):
    found = code(
        "from monoglot import told\n\ntold.run(1, 'lower the batch')\n",
        told="def run(x, advice):\n    return 10\n",
    )
    assert found.changes("10", "12")
    assert found.changes("lower", "raise")
    for harmless in ("monoglot.told", "monoglot.told.run"):
        assert not found.changes("10", "12", harmless=(harmless,))
        assert not found.changes("lower", "raise", harmless=(harmless,))
        assert found.changes("run(1", "run(2", harmless=(harmless,))


def test_libraries_are_those_that_covered_code_uses():
    assert {"torch", "transformers", "adapters", "seqeval"} <= libraries_of("scripts/evaluate.py")
    assert "torch" in libraries_of("scripts/select_layers.py")
    assert not {"torch", "transformers"} & libraries_of("scripts/table.py")


# The project's own code.

IN_RULES = re.compile(r'\bexperiment\.(?:gpu_)?script\("(\w+)"\)')
UNREACHED = {
    "monoglot.operations.surgery.HEADS": "a message names them",
    "monoglot.evaluate.records.WHAT": "a message says what a type is",
    "monoglot.operations.importance.Batch": "a type hint",
    "monoglot.training.losses.Decoder": "a type hint",
    "monoglot.evaluate.adapter_training.Weights": "a type hint",
    "monoglot.evaluate.packed.Adapter": "a type hint",
    "monoglot.evaluate.packed.Freeze": "a type hint",
    "monoglot.evaluate.metrics.Pair": "a type hint",
    "monoglot.evaluate.LIMIT": "help of a key",
    "monoglot.evaluate.task.key_of": "a message names a key",
    "monoglot.evaluate.task_schema": "the reference page and the schema for editors",
    "monoglot.evaluate.own_keys": "planning makes flags of it, which are parameters of the job",
}
"""Definitions that no job reaches, and why. Should one do so, they count for it."""


def scripts_of_rules() -> list[str]:
    texts = (file.read_text(encoding="utf-8") for file in sorted((ROOT / "rules").rglob("*.smk")))
    names = {name for text in texts for name in IN_RULES.findall(text)}
    return sorted(f"scripts/{name}.py" for name in names)


def is_log(one: Definition) -> bool:
    return b"getLogger(" in one.module.text_of(one.node)


def covered(package: Package) -> set[Definition]:
    return {one for name in scripts_of_rules() for one in Reach(package, name).covered}


@pytest.fixture(scope="module")
def found() -> set[Definition]:
    """What the scripts of the rules cover."""
    return covered(of_project())


@pytest.fixture(scope="module")
def behind() -> set[Definition]:
    """What they would cover if nothing were harmless."""
    return covered(Package(ROOT))


def test_every_script_has_a_fingerprint_of_its_own():
    scripts = scripts_of_rules()
    prints = {code_of(script) for script in scripts}
    assert len(prints) == len(scripts) > 15


def test_every_definition_on_the_way_to_a_result_is_covered_or_listed(found, behind):
    names = {str(one) for one in (*found, *behind)}  # with what only harmless ones use
    missing = [
        str(one)
        for part in ("operations", "training", "evaluate")
        for module in of_project().modules_below(f"monoglot.{part}")
        for one in module.definitions()
        if str(one) not in names and not is_log(one)
    ]
    assert sorted(missing) == sorted(UNREACHED)


def test_what_is_listed_as_harmless_is_there_and_hides_nothing(found, behind):
    """What only harmless definitions use must be in a module with such a one, or listed itself.

    So whoever lets a harmless definition call what makes a result has to say so.
    """
    assert {str(one) for one in behind} | {one.module.name for one in behind} >= HARMLESS
    known = {str(one) for one in found} | HARMLESS
    modules = {name.rpartition(".")[0] for name in HARMLESS} | HARMLESS
    modules.add("monoglot.definitions")  # what reads code, as the fingerprint does
    hidden = (one for one in behind if one.module.name not in modules and not is_log(one))
    assert {str(one) for one in hidden} <= known
