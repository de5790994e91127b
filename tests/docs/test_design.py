"""docs/design.md lists the library as it is."""

import re

from pages import ROOT

PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
LIBRARY = ROOT / "monoglot"


def listed() -> list[str]:
    """Return the paths of modules in the page's tree, relative to the library."""
    (tree,) = re.findall(r"^```\nmonoglot/ .*?\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    found, folder = [], ""
    for line in tree.splitlines():
        indent, name = re.match(r"( *)(\S+)  ", line).groups()
        if name.endswith("/"):
            folder = name
            found.append(f"{name}__init__.py")
        else:
            found.append(name if len(indent) == 2 else folder + name)
    return found


def test_the_tree_has_each_module_once():
    modules = {path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py")}
    modules.remove("__init__.py")
    assert sorted(listed()) == sorted(modules)


def test_what_the_page_says_to_open_exists():
    table = PAGE.split("## To change this, open that")[1].split("\n## ")[0]
    paths = [path for path in re.findall(r"`([\w./-]+)`", table) if path.startswith("monoglot/")]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
